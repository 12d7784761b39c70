import { readFileSync } from "node:fs";
import { join } from "node:path";

type Env = Record<string, string | undefined>;

/**
 * Adds what the folder's `.env` sets and `env` does not: what is set already wins, even if it is empty.
 * With `process.env` the workflows see it too.
 *
 * @throws {Error} a file that can't be read, or a line that is none, by its number and never by its text
 */
export function loadDotenv(env: Env, folder: string): void {
  const path = join(folder, ".env");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    if (code === "ENOENT") return;
    throw new Error(`Cannot read ${path} (${code}): make it readable or remove it`, { cause: error });
  }
  for (const [name, value] of parseDotenv(text)) env[name] ??= value;
}

/**
 * The variables of a `.env` file, by its usual rules: `KEY=VALUE` with `export ` before it or not, `#` for comments,
 * values bare, in single quotes or backticks (as they stand), or in double quotes (with `\n`, `\r`, `\t`, `\"`, `\\`).
 * Quoted values may span lines; of a name that comes twice the last counts; `$NAME` is not replaced.
 * The runtimes have parsers of their own, which disagree about escapes and keep silent about a lost quote.
 *
 * @throws {Error} a line that is none of these, by its number
 */
export function parseDotenv(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  const rest = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(rest);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < rest.length) {
    const startsAt = at;
    if (take(LINE_END) !== null) continue;
    const name = take(NAME)?.[1];
    const value = readValue(take(QUOTED), take);
    if (name === undefined || value === null) {
      const number = rest.slice(0, startsAt).split("\n").length;
      throw new Error(
        `Cannot read line ${number} of .env: write KEY=VALUE, a quoted value with both its quotes`,
      );
    }
    variables.set(name, value);
  }
  return variables;
}

const NAME = /[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*/y;
const QUOTED = /"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'|`([^`]*)`/y;
const BARE = /[^\n"'`][^\n]*|(?=\n|$)/y;
const LINE_END = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;

/** The value from here to the line's end; null where a quote is not closed or something follows it. */
function readValue(
  quoted: RegExpExecArray | null,
  take: (pattern: RegExp) => RegExpExecArray | null,
): string | null {
  if (quoted === null) {
    const bare =
      take(BARE)?.[0]
        .replace(/(?:^|[ \t])#.*/, "")
        .trim() ?? null;
    take(LINE_END);
    return bare;
  }
  if (take(LINE_END) === null) return null;
  const [, double, single, backtick] = quoted;
  return double === undefined ? (single ?? backtick ?? "") : withoutEscapes(double);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ['"', '"'],
  ["\\", "\\"],
]);

/** A backslash before any other character stays: `"C:\data"` is a path. */
function withoutEscapes(text: string): string {
  return text.replace(/\\([\s\S])/g, (whole, character: string) => ESCAPES.get(character) ?? whole);
}
