import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Pair,
  Parser,
  type YAMLMap,
} from "yaml";
import { messageOf } from "../errors.ts";
import { isLongerThan } from "../json.ts";
import type { Place } from "./fault.ts";
import { type Position, positionOf, type SourceFault } from "./position.ts";
import { misread, unreadable } from "./yaml-faults.ts";

/** A file's content: its value as JSON has it, and where each part of it stands. */
export interface Source {
  /** Undefined where it cannot be read; then the faults say why. */
  value: unknown;
  locate(place: Place): Position;
  faults: readonly SourceFault[];
}

/** The largest flow file, in bytes. */
export const FLOW_BYTES_MAX = 1_048_576;

const DEPTH_MAX = 64;
const ALIASES_MAX = 100;
/** Keys and items: a flow of a thousand nodes has some 15,000. All that comes after reading is bounded by it. */
export const PARTS_MAX = 30_000;
/** Words, signs and blanks of YAML, some six for each part: 1 MiB of dashes takes seconds to parse. */
const LEXEMES_MAX = 250_000;
const FAULTS_MAX = 20;
/** YAML 1.2, section 5.1: all controls but tab and line breaks stand in a file only by an escape. */
const CONTROLS = /[^\P{Cc}\t\n\r\u0085]/u;

/**
 * Reads YAML 1.2 or JSON without trusting it: bounded in size, depth, parts and aliases, with every key used once.
 *
 * @param isJson true for what must be JSON by the letter; it is read as YAML all the same, for the positions
 */
export function readSource(content: string | Uint8Array, isJson: boolean): Source {
  const isText = typeof content === "string";
  if (isText ? isLongerThan(content, FLOW_BYTES_MAX) : content.length > FLOW_BYTES_MAX) {
    return refused(`Cannot read a flow of more than ${FLOW_BYTES_MAX} bytes: split it`);
  }
  const text = isText ? content : new TextDecoder().decode(content);
  if (!isText && !isUtf8(content)) {
    // Where the decoder put its sign for what it could not read.
    return refused(
      "Cannot read the file as UTF-8: save it in that encoding",
      positionIn(text, text.indexOf("\ufffd")),
    );
  }
  const control = text.search(CONTROLS);
  if (control >= 0) {
    const code = text.charCodeAt(control).toString(16).padStart(4, "0");
    const detail = `Cannot read control character U+${code.toUpperCase()}: take it out, or write "\\u${code}" in quotes`;
    return refused(detail, positionIn(text, control));
  }
  const lines = new LineCounter();
  const tokens = parseTokens(text, lines);
  if (tokens === null)
    return refused(`Cannot read a flow of more than ${LEXEMES_MAX} words and signs: split it`);
  // The parser keeps its own stack; all that follows recurses, and without this bound 100 KB of "[" end the process.
  if (tokens.some(isTooDeep)) return refused(`Cannot read a flow nested more than ${DEPTH_MAX} deep`);
  const documents = [...new Composer(YAML_OPTIONS).compose(tokens, true, text.length)];
  const [document] = documents;
  if (document === undefined) return refused("Cannot read an empty file: write a flow");
  const faults = documents.flatMap((each) => unreadable(each, lines)).slice(0, FAULTS_MAX);
  if (documents.length > 1) {
    const at = positionOf(documents[1]?.range[0] ?? 0, lines);
    faults.push({ ...at, detail: "Cannot read a second document: write one flow a file" });
  }
  if (faults.length > 0) return unread(faults);
  faults.push(...misread(document, lines).slice(0, FAULTS_MAX));
  const value = isJson ? readJson(text, lines) : readYaml(document);
  if ("detail" in value) return unread([...faults, value]);
  const pairs = new WeakMap<YAMLMap, PairsByKey>();
  return { ...value, faults, locate: (place) => locate(document, place, lines, pairs) };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function positionIn(text: string, offset: number): Position {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The parser's tokens, or null for too many: it is asked before each whether it may go on. */
function parseTokens(text: string, lines: LineCounter): CST.Token[] | null {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > LEXEMES_MAX) return null;
    for (const token of parser.next(lexeme)) tokens.push(token);
  }
  tokens.push(...parser.end());
  return tokens;
}

// Duplicate keys are looked for below: the library compares each key with each.
const YAML_OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  stringKeys: true,
  uniqueKeys: false,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: "error",
} as const;

const START: Position = { line: 1, column: 1 };

function refused(detail: string, at: Position = START): Source {
  return unread([{ ...at, detail }]);
}

function unread(faults: readonly SourceFault[]): Source {
  return { value: undefined, faults, locate: () => START };
}

/** For `JSON`: goes through all parts, and what an alias stands for counts each time. */
function partsCounter(): { count(key: string, part: unknown): unknown; isOver(): boolean } {
  let parts = 0;
  return {
    count(_key, part) {
      if (++parts > PARTS_MAX) throw new RangeError("too many parts");
      return part;
    },
    isOver: () => parts > PARTS_MAX,
  };
}

const TOO_MANY_PARTS: SourceFault = {
  ...START,
  detail: `Cannot read a flow of more than ${PARTS_MAX} keys and items: split it`,
};

function readJson(text: string, lines: LineCounter): { value: unknown } | SourceFault {
  const { count, isOver } = partsCounter();
  try {
    return { value: JSON.parse(text.replace(/^\ufeff/, ""), count) };
  } catch (error) {
    if (isOver()) return TOO_MANY_PARTS;
    const reason = messageOf(error);
    const offset = /at position (\d+)/.exec(reason)?.[1];
    const at = offset === undefined ? START : positionOf(Number(offset), lines);
    return { ...at, detail: `Cannot read the file as JSON: ${reason}` };
  }
}

function readYaml(document: Document): { value: unknown } | SourceFault {
  const { count, isOver } = partsCounter();
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    // The round trip leaves plain JSON.
    return { value: JSON.parse(JSON.stringify(value, count) ?? "null") };
  } catch (error) {
    if (isOver()) return TOO_MANY_PARTS;
    const reason = messageOf(error).replaceAll(/\s+/g, " ");
    return { ...START, detail: `Cannot read the file's aliases (at most ${ALIASES_MAX}): ${reason}` };
  }
}

function isTooDeep(token: CST.Token): boolean {
  const open: [CST.Token, number][] = [[token, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [current, depth] = next;
    if (current.type === "document" && current.value !== undefined) open.push([current.value, 1]);
    if (!("items" in current)) continue;
    if (depth > DEPTH_MAX) return true;
    for (const item of current.items) {
      if (item.key) open.push([item.key, depth + 1]);
      if (item.value) open.push([item.value, depth + 1]);
    }
  }
  return false;
}

/** The pairs of a mapping by their keys, made when it is first asked for: looking through all for each fault takes long. */
type PairsByKey = ReadonlyMap<unknown, Pair>;

function locate(
  document: Document,
  place: Place,
  lines: LineCounter,
  known: WeakMap<YAMLMap, PairsByKey>,
): Position {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const part of place) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pairs = known.get(node) ?? pairsOf(node);
      known.set(node, pairs);
      const pair = pairs.get(part);
      if (!isScalar(pair?.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = (node as { range?: number[] } | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return positionOf(offset, lines);
}

function pairsOf(map: YAMLMap): PairsByKey {
  return new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[pair.key.value, pair] as const] : [])));
}
