/** The way to a part of a flow: keys of objects and places in lists. */
export type Place = readonly (string | number)[];

/** What is wrong with a flow, and where. */
export interface FlowFault {
  place: Place;
  detail: string;
}

/** A place as people write it: `nodes[0].set.title`. */
export function placeText(place: Place): string {
  const parts = place.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`));
  return parts.length === 0 ? "the flow" : parts.join("").replace(/^\./, "");
}

/** A value of a flow's file for a message, cut where it is long. */
export function show(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

/** True for an object with keys: no list, no null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A fault of a value, such as "Expected int, found str", for the midst of a sentence. */
export function inSentence({ detail }: { readonly detail: string }): string {
  return detail.replace("Expected", "expected");
}
