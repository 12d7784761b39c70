import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  type LineCounter,
  type Node,
  Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import { type Position, positionOf, type SourceFault } from "./position.ts";

/** What to do about the library's errors where they do not say it themselves, by code or, where one code has many, by message. */
const WAYS: Readonly<Record<string, string>> = {
  BAD_DQ_ESCAPE: "write the backslash twice, or use single quotes",
  BAD_INDENT: "line it up with what it belongs to",
  BAD_SCALAR_START: "put the text in quotes",
  BLOCK_AS_IMPLICIT_KEY: 'put a text that has ": " in it in quotes',
  NON_STRING_KEY: "write the key as text",
  MULTILINE_IMPLICIT_KEY: 'write ": " behind the key, and line it up with its neighbours',
  TAB_AS_INDENT: "use spaces",
  TAG_RESOLVE_FAILED: 'leave it out, or put a text that begins with "!" in quotes',
  UNEXPECTED_TOKEN: "put a text that begins with such a sign in quotes",
  "Sequence item without - indicator": "line it up with what it belongs to",
};

/** What cannot be read: where there is any, the document is of no use. */
export function unreadable(document: Document, lines: LineCounter): SourceFault[] {
  const said = [...document.errors, ...document.warnings].map(({ code, message, pos }) => {
    const way = WAYS[code] ?? WAYS[message];
    const detail = `Cannot read the file: ${message}${way === undefined ? "" : `; ${way}`}`;
    return { ...positionOf(pos[0], lines), detail };
  });
  return said.length > 0 ? said : danglingAliases(document, lines);
}

/** Aliases to nothing, or to what they stand in, and keys to merge, which YAML 1.2 does not have. */
function danglingAliases(document: Document, lines: LineCounter): SourceFault[] {
  const faults: SourceFault[] = [];
  const anchors = new Map<string, Node>();
  visit(document, (key, node, path) => {
    if (!isNode(node)) return;
    const tell = (detail: string): void => {
      faults.push({ ...positionOf(node.range?.[0] ?? 0, lines), detail });
    };
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined) tell(`Cannot follow *${node.source}: no &${node.source} stands before it`);
      else if (path.includes(target)) tell(`Cannot follow *${node.source}: it stands in what it stands for`);
    } else if (key === "key" && isPlain(node, /^<<$/)) {
      tell('Cannot merge by "<<": write the keys out, for YAML 1.2 has no such key');
    } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
  });
  return faults;
}

/**
 * What can be read, but not as its writer meant it: keys that stand twice, numbers that lose digits, and templates
 * without quotes, which YAML takes for mappings. From then on they are the text that they were meant for.
 */
export function misread(document: Document, lines: LineCounter): SourceFault[] {
  const faults: SourceFault[] = [];
  visit(document, (_key, node) => {
    if (isScalar(node)) faults.push(...lostNumbers(node, lines));
    if (!isMap(node)) return;
    const lookup = unquotedLookup(node);
    if (lookup === null) {
      faults.push(...duplicatesOf(node, lines));
      return;
    }
    const text = new Scalar(`{${lookup}}`);
    text.range = node.range ?? null;
    if (node.anchor !== undefined) text.anchor = node.anchor;
    const at = positionOf(node.range?.[0] ?? 0, lines);
    faults.push({
      ...at,
      detail: `Cannot read {${lookup}} without quotes: write "{${lookup}}", or [${lookup}] for a list`,
    });
    return text;
  });
  return faults;
}

/** What stands in braces like `{state.topic}`; null for a mapping that is one. */
function unquotedLookup({ flow, items: [pair, ...others] }: YAMLMap): string | null {
  if (flow !== true || pair?.value !== null || others.length > 0) return null;
  return isPlain(pair.key, /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/) ? pair.key.value : null;
}

function isPlain(node: unknown, form: RegExp): node is Scalar<string> {
  return isScalar(node) && node.type === "PLAIN" && typeof node.value === "string" && form.test(node.value);
}

/** JSON has no infinite number, and of a whole one beyond 2^53 only the first digits are kept. */
function lostNumbers({ value, source = "", range }: Scalar, lines: LineCounter): SourceFault[] {
  if (typeof value !== "number") return [];
  const isWhole = Number.isInteger(value) && !/[.e]/i.test(source.replace(/^0x.*/i, ""));
  const isExact = !isWhole || Number.isSafeInteger(value);
  if (Number.isFinite(value) && (isExact || BigInt(value) === BigInt(source))) return [];
  const what = source.length > 40 ? `${source.slice(0, 40)}...` : source;
  return [
    {
      ...positionOf(range?.[0] ?? 0, lines),
      detail: `Cannot read ${what} as a number without loss: put it in quotes`,
    },
  ];
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
