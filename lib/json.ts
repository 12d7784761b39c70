/** What comes back of a `T` that went through JSON: a Date is a string, functions and undefined fields are gone. */
export type Stored<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends { toJSON(): infer J }
    ? Stored<J>
    : T extends (...args: never[]) => unknown
      ? undefined
      : T extends symbol
        ? undefined
        : T extends bigint
          ? never
          : T extends readonly unknown[]
            ? { [K in keyof T]: StoredItem<T[K]> }
            : T extends object
              ? { [K in keyof T as K extends symbol ? never : K]: Stored<T[K]> }
              : T;

/** In a list what JSON leaves out becomes null, so that the others keep their places. */
type StoredItem<T> = T extends undefined | symbol | ((...args: never[]) => unknown) ? null : Stored<T>;

const utf8 = new TextEncoder();

/** The UTF-8 bytes of a text. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text);
}

/** True where a value has a number that JSON does not, Infinity or NaN, which it would make null. */
export function hasOddNumber(value: unknown): boolean {
  const open: unknown[] = [value];
  const seen = new Set<object>();
  while (open.length > 0) {
    const part = open.pop();
    if (typeof part === "number" && !Number.isFinite(part)) return true;
    if (typeof part !== "object" || part === null || seen.has(part)) continue;
    seen.add(part);
    for (const inner of Object.values(part)) open.push(inner);
  }
  return false;
}

/** True where the text has more bytes than `max`; the common short text is not encoded for it. */
export function isLongerThan(text: string, max: number): boolean {
  if (text.length > max) return true;
  return text.length * 3 > max && utf8.encode(text).length > max;
}

/** The text cut to at most `max` bytes of UTF-8, between two characters. */
export function cutText(text: string, max: number): string {
  if (!isLongerThan(text, max)) return text;
  // encodeInto writes whole characters only, so what was read is where to cut.
  return text.slice(0, utf8.encodeInto(text, new Uint8Array(max)).read);
}
