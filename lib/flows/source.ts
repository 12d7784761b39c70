import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  visit,
  type YAMLMap,
} from "yaml";
import { messageOf } from "../errors.ts";
import { isLongerThan } from "../json.ts";
import type { Place } from "./fault.ts";

/** A line and a column of a file, both from 1. */
export interface Position {
  line: number;
  column: number;
}

/** What is wrong with a file, and where. */
export interface SourceFault extends Position {
  detail: string;
}

/** A file's content: its value as JSON has it, and where each part of it stands. */
export interface Source {
  value: unknown;
  locate(place: Place): Position;
  /** Empty where the value can be used. */
  faults: readonly SourceFault[];
}

/** The largest flow file, in bytes. */
export const FLOW_BYTES_MAX = 1_048_576;

const DEPTH_MAX = 64;
const ALIASES_MAX = 100;
const FAULTS_MAX = 20;

/**
 * Reads YAML 1.2 or JSON without trusting it: bounded in size, depth and aliases, with every key used once.
 *
 * @param isJson true for what must be JSON by the letter; it is read as YAML all the same, for the positions
 */
export function readSource(text: string, isJson: boolean): Source {
  if (isLongerThan(text, FLOW_BYTES_MAX)) {
    return refused(`Cannot read a flow of more than ${FLOW_BYTES_MAX} bytes: split it`);
  }
  const lines = new LineCounter();
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  // The parser keeps its own stack; all that follows recurses, and without this bound 100 KB of "[" end the process.
  if (tokens.some(isTooDeep)) return refused(`Cannot read a flow nested more than ${DEPTH_MAX} deep`);
  const documents = [...new Composer(YAML_OPTIONS).compose(tokens, true, text.length)];
  const [document] = documents;
  if (document === undefined) return refused("Cannot read an empty file: write a flow");
  const faults = [
    ...documents.flatMap((each) => [...each.errors, ...each.warnings]).map((error) => toFault(error, lines)),
    ...findDuplicates(document, lines),
  ].slice(0, FAULTS_MAX);
  if (documents.length > 1) {
    const at = positionOf(documents[1]?.range[0] ?? 0, lines);
    faults.push({ ...at, detail: "Cannot read a second document: write one flow a file" });
  }
  if (faults.length > 0) return { value: null, faults, locate: () => START };
  const value = isJson ? readJson(text, lines) : readYaml(document);
  if ("detail" in value) return { value: null, faults: [value], locate: () => START };
  return { ...value, faults, locate: (place) => locate(document, place, lines) };
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

function refused(detail: string): Source {
  return { value: null, faults: [{ ...START, detail }], locate: () => START };
}

function readJson(text: string, lines: LineCounter): { value: unknown } | SourceFault {
  try {
    return { value: JSON.parse(text.replace(/^\ufeff/, "")) };
  } catch (error) {
    const reason = messageOf(error);
    const offset = /at position (\d+)/.exec(reason)?.[1];
    const at = offset === undefined ? START : positionOf(Number(offset), lines);
    return { ...at, detail: `Cannot read the file as JSON: ${reason}` };
  }
}

function readYaml(document: Document): { value: unknown } | SourceFault {
  try {
    // The round trip refuses an alias to what it stands in, and leaves plain JSON.
    return { value: JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: ALIASES_MAX })) ?? "null") };
  } catch (error) {
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

function findDuplicates(document: Document, lines: LineCounter): SourceFault[] {
  const faults: SourceFault[] = [];
  visit(document, {
    Map(_key, map) {
      faults.push(...duplicatesOf(map, lines));
    },
  });
  return faults;
}

function duplicatesOf(map: YAMLMap, lines: LineCounter): SourceFault[] {
  const first = new Map<unknown, Position>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const at = positionOf(key.range?.[0] ?? 0, lines);
    const before = first.get(key.value);
    if (before === undefined) {
      first.set(key.value, at);
      return [];
    }
    const name = JSON.stringify(key.value);
    return [{ ...at, detail: `Cannot use ${name} twice: it stands in line ${before.line} already` }];
  });
}

function locate(document: Document, place: Place, lines: LineCounter): Position {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const part of place) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
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

function toFault(error: { message: string; pos: [number, number] }, lines: LineCounter): SourceFault {
  return { ...positionOf(error.pos[0], lines), detail: `Cannot read the file: ${error.message}` };
}

function positionOf(offset: number, lines: LineCounter): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
