import { toHex } from "../event.ts";
import type { IncomingHeaders } from "../incoming.ts";
import type { Place, Read, ReadFunction } from "../scheme.ts";
import type { HeaderName } from "./families.ts";

/** A delivery to read places from. */
export interface Readable {
  readonly headers: IncomingHeaders;
  readonly headerName: HeaderName;
  /** The body's value; undefined where it does not parse. */
  readonly value: unknown;
  /** SHA-256 of the body. */
  bodyHash(): Uint8Array;
}

/** A text that was read, and whether it stands in a header. */
export interface Found {
  readonly text: string;
  /** The headers that it was read from, as the record spells them; none where it is all from the body. */
  readonly headers: readonly string[];
}

/** The text at a place of the delivery; null where there is none, or an empty one. */
export function read(from: Read | undefined, delivery: Readable): Found | null {
  if (from === undefined) return null;
  if (typeof from === "function") return found(from(delivery.value));
  if (isList(from)) {
    for (const one of from) {
      const text = read(one, delivery);
      if (text !== null) return text;
    }
    return null;
  }
  if ("join" in from) return readJoined(from.join, delivery);
  return readPlace(from, delivery);
}

/** All header names that may be read, as the record spells them. */
export function headersOf(from: Read | undefined): readonly string[] {
  if (from === undefined || typeof from === "function") return [];
  if (isList(from)) return from.flatMap(headersOf);
  if ("join" in from) return from.join.flatMap(headersOf);
  return "header" in from ? [from.header] : [];
}

/** The text or number at a dot path such as `event.id` or `events.0.action`; null where there is none. */
export function readPath(value: unknown, path: string): string | null {
  const at = valueAt(value, path);
  if (typeof at === "string") return at;
  // Beyond 2^53 two different numbers read the same, and one of two events would be taken for the other's copy.
  return typeof at === "number" && Number.isSafeInteger(at) ? String(at) : null;
}

/** What stands at a dot path; undefined for nothing. Own keys only, so that `constructor` is as absent as any other. */
export function valueAt(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const key of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

/** Array.isArray does not tell a readonly list from a record. */
function isList(from: Exclude<Read, ReadFunction>): from is readonly Read[] {
  return Array.isArray(from);
}

function readJoined(places: readonly Place[], delivery: Readable): Found | null {
  const texts = places.map((place) => readPlace(place, delivery));
  const [first] = texts;
  if (first === undefined || first === null) return null;
  const present = texts.filter((text) => text !== null);
  return {
    text: present.map(({ text }) => text).join("."),
    headers: present.flatMap(({ headers }) => headers),
  };
}

function readPlace(place: Place, delivery: Readable): Found | null {
  if ("header" in place) {
    return found(delivery.headers.get(delivery.headerName(place.header)), [place.header]);
  }
  if ("hash" in place) return found(`sha256:${toHex(delivery.bodyHash())}`);
  if ("body" in place) return found(readPath(delivery.value, place.body));
  const { value } = delivery;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return found(Object.keys(value).find((key) => !place.bodyKeyBut.includes(key)) ?? null);
}

function found(text: string | null, headers: readonly string[] = []): Found | null {
  return text === null || text === "" ? null : { text, headers };
}
