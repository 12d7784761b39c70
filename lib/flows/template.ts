import { FatalError } from "../workflow-errors.ts";
import type { State } from "./fields.ts";

/** A place in the state that a template reads, such as `{state.order.lines.0}`. */
export interface Lookup {
  /** The field's name, then keys and places in lists. */
  readonly path: readonly [string, ...string[]];
  /** As it is written, braces included. */
  readonly text: string;
}

/** Literal text and lookups in turn. */
export type Template = readonly (string | Lookup)[];

/**
 * A text with lookups: `{state.field.key}`, or `{field.key}` for short; `{{` and `}}` stand for braces.
 *
 * @throws {TypeError} a brace that belongs to neither
 */
export function parseTemplate(text: string): Template {
  const parts: (string | Lookup)[] = [];
  let literal = "";
  for (let at = 0; at < text.length; ) {
    const two = text.slice(at, at + 2);
    if (two === "{{" || two === "}}") {
      literal += two[0];
      at += 2;
    } else if (text[at] === "{") {
      const lookup = parseLookup(text, at);
      if (literal !== "") parts.push(literal);
      literal = "";
      parts.push(lookup);
      at += lookup.text.length;
    } else if (text[at] === "}") {
      throw new TypeError(`Cannot read the template at character ${at + 1}: "}" closes nothing; write "}}"`);
    } else {
      literal += text[at];
      at += 1;
    }
  }
  if (literal !== "") parts.push(literal);
  return parts;
}

/**
 * The template's value: of a single lookup what is there, with its JSON type; else text.
 *
 * @throws {FatalError} a lookup that leads nowhere: what it reads is remembered, so no later attempt finds it either
 */
export function fillTemplate(template: Template, state: State): unknown {
  const [first] = template;
  if (template.length === 1 && typeof first === "object") return lookUp(first, state);
  return template.map((part) => (typeof part === "string" ? part : asText(lookUp(part, state)))).join("");
}

/** A function that fills every template in a JSON value; keys are taken as they are. */
export function compileTemplates(value: unknown): (state: State) => unknown {
  if (typeof value === "string") {
    const template = parseTemplate(value);
    return (state) => fillTemplate(template, state);
  }
  if (Array.isArray(value)) {
    const items = value.map(compileTemplates);
    return (state) => items.map((fill) => fill(state));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, part]) => [key, compileTemplates(part)] as const);
    return (state) => Object.fromEntries(entries.map(([key, fill]) => [key, fill(state)]));
  }
  return () => value;
}

function parseLookup(text: string, at: number): Lookup {
  const [written, inner = ""] = /^\{([^{}]*)\}/.exec(text.slice(at, at + 512)) ?? [];
  if (written === undefined || !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(inner)) {
    throw new TypeError(
      `Cannot read the template at character ${at + 1}: "{" opens no lookup; write such as {state.topic}, or "{{" for a brace`,
    );
  }
  const path = inner.split(".");
  const [name, ...rest] = path[0] === "state" ? path.slice(1) : path;
  if (name === undefined) {
    throw new TypeError(`Cannot read ${written}: it names no field; write such as {state.topic}`);
  }
  return { path: [name, ...rest], text: written };
}

/** Only own properties: what a prototype has (`constructor`, `length`, `__proto__`) is no data. */
function lookUp(lookup: Lookup, state: State): unknown {
  let value: unknown = state;
  for (const [depth, key] of lookup.path.entries()) {
    const isThere = Array.isArray(value)
      ? /^(0|[1-9]\d*)$/.test(key) && Object.hasOwn(value, key)
      : typeof value === "object" && value !== null && Object.hasOwn(value, key);
    if (!isThere) {
      const where = depth === 0 ? "the state" : lookup.path.slice(0, depth).join(".");
      throw new FatalError(`Cannot fill ${lookup.text}: ${where} has no ${JSON.stringify(key)}`);
    }
    value = Reflect.get(Object(value), key);
  }
  return value;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
