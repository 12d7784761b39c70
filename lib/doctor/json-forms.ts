import { encodeText } from "../json.ts";
import { tryParseBody } from "../parse-body.ts";

/** A text in another form than it came, and what that form is called. */
export interface Variant {
  readonly bytes: Uint8Array;
  readonly means: string;
}

/** A larger body is not written anew. */
export const REFORM_BYTES_MAX = 131_072;

/** So many tokens are read or written in one turn of the event loop: about 1 ms. */
const TURN_TOKENS = 1_500;

/** In place of a variant: the event loop is to have a turn. */
export type Pause = null;

/**
 * The JSON text in the forms in which senders write it, the most frequent first; some may be equal.
 *
 * It is read as tokens and not as values, because a parser would reorder keys that are numbers and respell `1.0`.
 */
export function* jsonForms(body: Uint8Array): Generator<Variant | Pause> {
  const text = body.byteLength > REFORM_BYTES_MAX ? null : decodeUtf8(body);
  const tokens = text === null ? null : yield* readTokens(text.replace(/^\uFEFF/, ""));
  if (tokens === null) return;
  for (const [space, letters, end] of FORMS) {
    const written = yield* writeTokens(tokens, SPACES[space], LETTERS[letters]);
    const means = [
      SPACES[space].means,
      LETTERS[letters].means,
      end === "none" ? "" : "a line break at its end",
    ];
    yield {
      bytes: encodeText(written + END[end]),
      means: means.filter((one) => one !== "").join(" and "),
    };
  }
}

/** Objects with fewer keys may be in order by chance. */
const SORTED_KEYS_MIN = 10;

/** True where the keys of all objects stand in alphabetical order: programs write so that have read the JSON into maps. */
export function isSorted(value: unknown): boolean {
  let count = 0;
  const visit = (inner: unknown): boolean => {
    if (typeof inner !== "object" || inner === null) return true;
    if (!Array.isArray(inner)) {
      const keys = Object.keys(inner);
      count += keys.length;
      if (keys.some((key, at) => at > 0 && (keys[at - 1] ?? "") > key)) return false;
    }
    return Object.values(inner).every(visit);
  };
  return visit(value) && count >= SORTED_KEYS_MIN;
}

/** The value of a JSON body that is small enough to look into; undefined for any other, and for one that is too deep. */
export function smallJson(body: Uint8Array): unknown {
  return body.byteLength > REFORM_BYTES_MAX ? undefined : tryParseBody(body, "application/json");
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null where it is no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

interface Space {
  readonly means: string;
  readonly comma: string;
  readonly colon: string;
  /** Null for all on one line. */
  readonly indent: string | null;
  /** Between lines, where it is not LF. */
  readonly line?: string;
}

const SPACES = {
  compact: { means: "nothing between its parts", comma: ",", colon: ":", indent: null },
  spaced: { means: "a space after commas and colons", comma: ", ", colon: ": ", indent: null },
  two: { means: "an indent of 2", comma: ",", colon: ": ", indent: "  " },
  four: { means: "an indent of 4", comma: ",", colon: ": ", indent: "    " },
  tab: { means: "an indent of tabs", comma: ",", colon: ": ", indent: "\t" },
  crlf: {
    means: "an indent of 2 and lines that end in CR LF",
    comma: ",",
    colon: ": ",
    indent: "  ",
    line: "\r\n",
  },
  perl: { means: "an indent of 3 and a space before colons", comma: ",", colon: " : ", indent: "   " },
  jackson: { means: "an indent of 2 and a space before colons", comma: ",", colon: " : ", indent: "  " },
} as const satisfies Record<string, Space>;

interface Letters {
  readonly means: string;
  /** Applied to the text as `JSON.stringify` writes it, with its quotes. */
  write(text: string): string;
}

/** As the libraries of other languages write a text. */
const LETTERS = {
  plain: { means: "", write: (text) => text },
  ascii: { means: "letters beyond ASCII as \\u00e5", write: (text) => toAscii(text, false) },
  asciiUpper: { means: "letters beyond ASCII as \\u00E5", write: (text) => toAscii(text, true) },
  slash: { means: "slashes as \\/", write: (text) => text.replaceAll("/", "\\/") },
  php: {
    means: "slashes as \\/ and letters beyond ASCII as \\u00e5",
    write: (text) => toAscii(text.replaceAll("/", "\\/"), false),
  },
  html: {
    means: "< > & as \\u003c",
    write: (text) => text.replace(/[<>&\u2028\u2029]/g, (letter) => unicode(letter, false)),
  },
  gson: {
    means: "< > & = ' as \\u003d",
    write: (text) => text.replace(/[<>&='\u2028\u2029]/g, (letter) => unicode(letter, false)),
  },
  dotnet: {
    means: "quotes, < > & + and letters beyond ASCII as \\u0022",
    write: (text) =>
      `"${toAscii(
        text
          .slice(1, -1)
          .replace(/\\(.)/g, (escaped, letter: string) => (letter === '"' ? "\\u0022" : escaped))
          .replace(/[<>&'+`]/g, (letter) => unicode(letter, true)),
        true,
      )}"`,
  },
} as const satisfies Record<string, Letters>;

const END = { none: "", lf: "\n" } as const;

/** No product of all: these are what libraries really write. */
const FORMS: readonly (readonly [keyof typeof SPACES, keyof typeof LETTERS, keyof typeof END])[] = [
  ["compact", "plain", "none"],
  ["spaced", "ascii", "none"],
  ["two", "plain", "none"],
  ["compact", "ascii", "none"],
  ["compact", "php", "none"],
  ["compact", "html", "none"],
  ["spaced", "plain", "none"],
  ["four", "plain", "none"],
  ["compact", "slash", "none"],
  ["compact", "html", "lf"],
  ["two", "plain", "lf"],
  ["compact", "dotnet", "none"],
  ["four", "php", "none"],
  ["compact", "plain", "lf"],
  ["compact", "gson", "none"],
  ["crlf", "plain", "none"],
  ["jackson", "plain", "none"],
  ["jackson", "slash", "none"],
  ["perl", "plain", "lf"],
  ["two", "ascii", "none"],
  ["four", "slash", "none"],
  ["tab", "plain", "none"],
  ["four", "ascii", "none"],
  ["two", "html", "none"],
  ["compact", "asciiUpper", "none"],
  ["spaced", "ascii", "lf"],
  ["four", "plain", "lf"],
  ["compact", "ascii", "lf"],
  ["two", "html", "lf"],
];

function toAscii(text: string, isUpper: boolean): string {
  return text.replace(/[\u007f-\uffff]/g, (letter) => unicode(letter, isUpper));
}

/** One UTF-16 unit, because JSON writes what is beyond them as two. */
function unicode(letter: string, isUpper: boolean): string {
  const hex = letter.charCodeAt(0).toString(16).padStart(4, "0");
  return `\\u${isUpper ? hex.toUpperCase() : hex}`;
}

/** A bracket, comma or colon; or a text as `JSON.stringify` writes it; or a number or word as it stands. */
interface Token {
  readonly kind: "mark" | "text" | "word";
  readonly text: string;
}

/** Null where it is no JSON; but not every text that is none is noticed, and does not need to be. */
function* readTokens(text: string): Generator<Pause, readonly Token[] | null> {
  const tokens: Token[] = [];
  const word = /[-+.\w]+/y;
  let at = 0;
  let sincePause = 0;
  while (at < text.length) {
    if (++sincePause % TURN_TOKENS === 0) yield null;
    const letter = text.charAt(at);
    if (" \t\r\n".includes(letter)) at++;
    else if ("{}[],:".includes(letter)) {
      tokens.push({ kind: "mark", text: letter });
      at++;
    } else if (letter === '"') {
      const end = endOfText(text, at);
      const written = end === -1 ? null : respelled(text.slice(at, end));
      if (written === null) return null;
      tokens.push({ kind: "text", text: written });
      at = end;
    } else {
      word.lastIndex = at;
      const found = word.exec(text)?.[0];
      if (found === undefined) return null;
      tokens.push({ kind: "word", text: found });
      at += found.length;
    }
  }
  return tokens.length === 0 ? null : tokens;
}

/** Behind its closing quote; -1 where there is none. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const letter = text[at];
    if (letter === "\\") at++;
    else if (letter === '"') return at + 1;
  }
  return -1;
}

function respelled(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Null where the indents alone would be too long. */
function* writeTokens(
  tokens: readonly Token[],
  { comma, colon, indent, line: lineEnd = "\n" }: Space,
  letters: Letters,
): Generator<Pause, string | null> {
  const parts: string[] = [];
  let level = 0;
  let indents = 0;
  const line = (): string => (indent === null ? "" : lineEnd + indent.repeat(level));
  for (const [at, { kind, text }] of tokens.entries()) {
    if ((at + 1) % TURN_TOKENS === 0) yield null;
    indents += level;
    if (indent !== null && indents * indent.length > INDENTS_LENGTH_MAX) return null;
    if (kind === "text") parts.push(letters.write(text));
    else if (kind === "word") parts.push(text);
    else if (text === ",") parts.push(comma, line());
    else if (text === ":") parts.push(colon);
    else if (text === "{" || text === "[") {
      level++;
      const isEmpty = tokens[at + 1]?.text === (text === "{" ? "}" : "]");
      parts.push(text, isEmpty ? "" : line());
    } else {
      level = Math.max(0, level - 1);
      const isEmpty = tokens[at - 1]?.text === (text === "}" ? "{" : "[");
      parts.push(isEmpty ? "" : line(), text);
    }
  }
  return parts.join("");
}

/** A text of brackets alone would grow by the square of its length. */
const INDENTS_LENGTH_MAX = 1_048_576;
