import { randomInt } from "node:crypto";
import type { Read, Scheme } from "../scheme.ts";

/**
 * A sample with an id of its own where the body holds it, so that sending it again is another event; where the body
 * itself is what a copy is known by, a field makes it another.
 *
 * @param value changed in place
 */
export function giveId(value: unknown, scheme: Scheme, id: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const path = bodyPathOf(scheme.id);
  if (path !== null && setText(value as Record<string, unknown>, path.split("."), id)) return;
  if (/^body/.test(String(scheme.replayGuard)) || hasHash(scheme.id)) Reflect.set(value, "sample_id", id);
}

/** The first place in the body that may hold the id. */
function bodyPathOf(from: Read | undefined): string | null {
  const places = [from].flat() as readonly (Read | undefined)[];
  for (const place of places) if (typeof place === "object" && "body" in place) return place.body;
  return null;
}

function hasHash(from: Read | undefined): boolean {
  const places = [from].flat() as readonly (Read | undefined)[];
  return places.some((place) => typeof place === "object" && "hash" in place);
}

/** @returns false where the sample has no such place: a Slack command has no event_id */
function setText(
  value: Record<string, unknown>,
  [key = "", ...rest]: readonly string[],
  id: string,
): boolean {
  if (!Object.hasOwn(value, key)) return false;
  const inner = value[key];
  if (rest.length > 0) {
    return typeof inner === "object" && inner !== null && setText(inner as Record<string, unknown>, rest, id);
  }
  if (typeof inner === "number") value[key] = /^\d{1,15}$/.test(id) ? Number(id) : randomInt(2 ** 31);
  else value[key] = id;
  return true;
}
