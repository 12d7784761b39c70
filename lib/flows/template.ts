import type { State } from "./fields.ts";
import { isListPlace } from "./type-at.ts";
import { UnfilledError } from "./unfilled-error.ts";

/** What templates are filled from. */
export interface Values {
  /** The node's inputs and what its edge gives it, such as `item`. They hide fields of the same name. */
  readonly locals: Readonly<Record<string, unknown>>;
  readonly state: State;
  /** The declared variables of the environment, where the place may read them. */
  readonly env: Readonly<Record<string, string>>;
}

/** A place that a template reads, such as `{state.order.lines.0}`. */
export interface Lookup {
  /** `name` is a local name or, where there is none, a field. */
  readonly root: "state" | "env" | "name";
  /** The field's name, then keys and places in lists. */
  readonly path: readonly [string, ...string[]];
  /** As it is written, braces included. */
  readonly text: string;
}

/** The longest text that is filled, in characters: as much as is ever sent, and a file may read a state of 1 MiB a thousand times. */
const FILLED_CHARACTERS_MAX = 4_194_304;

/** Literal text and lookups in turn. */
export type Template = readonly (string | Lookup)[];

/**
 * A text with lookups: `{state.field.key}`, or `{field.key}` for short, and `{env.NAME}`; `{{` and `}}` stand for braces.
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
 * @throws {UnfilledError} a lookup that leads nowhere, or a text that grows too long
 */
export function fillTemplate(template: Template, values: Values): unknown {
  const [first] = template;
  if (template.length === 1 && typeof first === "object") return lookUp(first, values);
  let text = "";
  for (const part of template) {
    text += typeof part === "string" ? part : asText(lookUp(part, values));
    if (text.length > FILLED_CHARACTERS_MAX) {
      throw new UnfilledError("a text", `it has over ${FILLED_CHARACTERS_MAX} characters`);
    }
  }
  return text;
}

/** A function that fills every template in a JSON value; keys are taken as they are. */
export function compileTemplates(value: unknown): (values: Values) => unknown {
  if (typeof value === "string") {
    const template = parseTemplate(value);
    return (values) => fillTemplate(template, values);
  }
  if (Array.isArray(value)) {
    const items = value.map(compileTemplates);
    return (values) => items.map((fill) => fill(values));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, part]) => [key, compileTemplates(part)] as const);
    return (values) => Object.fromEntries(entries.map(([key, fill]) => [key, fill(values)]));
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
  const root = path[0] === "state" || path[0] === "env" ? path[0] : "name";
  const [name, ...rest] = root === "name" ? path : path.slice(1);
  if (name === undefined) {
    const example = root === "env" ? "{env.API_TOKEN}" : "{state.topic}";
    throw new TypeError(`Cannot read ${written}: it names nothing; write such as ${example}`);
  }
  return { root, path: [name, ...rest], text: written };
}

function lookUp(lookup: Lookup, values: Values): unknown {
  const [name] = lookup.path;
  if (lookup.root === "env") return walkDown(lookup, values.env, "the environment");
  const isLocal = lookup.root === "name" && Object.hasOwn(values.locals, name);
  if (isLocal) return walkDown(lookup, values.locals, "the node");
  // The file declares it, or it would not have been loaded.
  if (!Object.hasOwn(values.state, name)) {
    const way = "require it, give it a default, or write it in a node before";
    throw new UnfilledError(lookup.text, `nothing has filled ${JSON.stringify(name)}; ${way}`);
  }
  return walkDown(lookup, values.state, "the state");
}

/** Only own properties: what a prototype has (`constructor`, `length`, `__proto__`) is no data. */
function walkDown({ path, text }: Lookup, from: object, what: string): unknown {
  let value: unknown = from;
  for (const [depth, key] of path.entries()) {
    const isThere = Array.isArray(value)
      ? isListPlace(key) && Object.hasOwn(value, key)
      : typeof value === "object" && value !== null && Object.hasOwn(value, key);
    if (!isThere) {
      const where = depth === 0 ? what : path.slice(0, depth).join(".");
      throw new UnfilledError(text, `${where} has no ${JSON.stringify(key)}`);
    }
    value = Reflect.get(Object(value), key);
  }
  return value;
}

/** A value as it stands in the middle of a text: a text as it is, all else as JSON. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
