import { show } from "./fault.ts";
import { ANY_TYPE, type FieldType } from "./field-type.ts";
import { suggest } from "./suggest.ts";

/**
 * The type of a part of a value, as far as types tell.
 *
 * @param name what the value is called, for messages
 * @param path keys, and places in lists
 * @returns what is wrong with the way there, where no value of the type has such a part
 */
export function typeAt(name: string, type: FieldType, path: readonly string[]): FieldType | string {
  let at = type;
  for (const [depth, key] of path.entries()) {
    const way = [name, ...path.slice(0, depth)].join(".");
    if (at.kind === "any") return ANY_TYPE;
    if (at.kind === "dict") at = at.value;
    else if (at.kind === "list") {
      if (!isListPlace(key)) return `${way} is a list and has its items by place, from 0 on`;
      at = at.item;
    } else if (at.kind === "object") {
      const part = at.fields.get(key);
      if (part === undefined) return `${way} has no ${show(key)}; ${suggest(key, at.fields.keys())}`;
      at = part;
    } else return `${way} is ${at.kind} and has no parts`;
  }
  return at;
}

/** True for a key that lists have: a place, counted from 0. */
export function isListPlace(key: string): boolean {
  return /^(0|[1-9]\d*)$/.test(key);
}
