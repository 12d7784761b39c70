import { cutText, encodeText } from "../json.ts";
import type { Log, LogFormat, LogLevel } from "../log.ts";
import { readable } from "./readable.ts";

/** How the program's log writes. */
export interface ProgramLogOptions {
  /** Lines below it are not written. */
  level: LogLevel;
  format: LogFormat;
  /** Of `info` lines with the same message one in so many is written, and says so; default 1, all of them. */
  sample?: number;
  /** Gets one line with its line break; default standard error, because standard output has the start's banner. */
  write?: (line: string) => void;
  /** Epoch milliseconds. */
  now?: () => number;
}

/** Above 4 KiB a write to a pipe may be torn apart by other writers, and collectors cut at 8 or 16 KiB. */
const LINE_BYTES_MAX = 8_192;

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * The program's log: one line an entry, JSON or text. Whatever stands in it came from outside, so control characters,
 * line breaks and what turns text around are escaped in both; a line has at most 8 KiB. Errors show name, message and
 * code, their stacks at level `debug` only. It never throws.
 */
export function programLog(options: ProgramLogOptions): Log {
  const { level, format, sample = 1, write = writeError, now = Date.now } = options;
  const least = LEVELS.indexOf(level);
  const lineOf = format === "json" ? jsonLine : textLine;
  function logger(entryLevel: LogLevel): Log["info"] {
    if (LEVELS.indexOf(entryLevel) < least) return () => {};
    return (message, fields) => {
      try {
        const entry = { time: new Date(now()).toISOString(), level: entryLevel, message };
        write(`${boundedLine(lineOf, entry, fields, level === "debug")}\n`);
      } catch {
        // A log that can't be written (a full disk, a closed pipe) is no reason to lose a delivery.
      }
    };
  }
  const info = logger("info");
  return {
    debug: logger("debug"),
    info: sample === 1 ? info : sampled(info, sample),
    warn: logger("warn"),
    error: logger("error"),
  };
}

/** Messages are constant text, so there are few to count. The first of each is written. */
function sampled(info: Log["info"], sample: number): Log["info"] {
  const counts = new Map<string, number>();
  return (message, fields) => {
    const count = counts.get(message) ?? 0;
    counts.set(message, count + 1);
    if (count % sample === 0) info(message, { ...fields, sample });
  };
}

/** The text with control characters, line breaks and characters that turn text around as `\u....`. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

interface Entry {
  time: string;
  level: LogLevel;
  message: string;
}
type Fields = Readonly<Record<string, unknown>>;

/** Shorter texts first, then no fields: a line that was cut still says what happened. */
function boundedLine(
  lineOf: (entry: Entry, fields: Fields) => string,
  entry: Entry,
  fields: object | undefined,
  hasStacks: boolean,
): string {
  const short = { ...entry, message: cutText(String(entry.message), 1_024) };
  for (const textMax of [4_096, 256, 32]) {
    const line = lineOf(short, readableFields(fields, { textMax, hasStacks }));
    if (encodeText(line).length < LINE_BYTES_MAX) return line;
  }
  return lineOf(short, { cut: true });
}

function readableFields(
  fields: object | undefined,
  options: { textMax: number; hasStacks: boolean },
): Fields {
  const shown = fields === undefined ? {} : readable(fields, options);
  return typeof shown === "object" && shown !== null && !Array.isArray(shown)
    ? (shown as Fields)
    : { fields: shown };
}

function jsonLine({ time, level, message }: Entry, fields: Fields): string {
  const own = ["time", "level", "message"];
  const others = Object.entries(fields).map(([name, value]) => [
    own.includes(name) ? `${name}_` : name,
    value,
  ]);
  // What JSON leaves as it is, among it the C1 controls of terminals, stands in strings only.
  return escapeControls(JSON.stringify({ time, level, message, ...Object.fromEntries(others) }));
}

function textLine({ time, level, message }: Entry, fields: Fields): string {
  const others = Object.entries(fields).map(([name, value]) => ` ${word(name)}=${word(value)}`);
  return `${time} ${level.toUpperCase().padEnd(5)} ${escapeControls(message)}${others.join("")}`;
}

/** Bare where it can be told apart from the next word, else JSON. */
function word(value: unknown): string {
  if (typeof value === "string" && /^[\w.,:;/@+*~%-]+$/.test(value)) return value;
  return escapeControls(JSON.stringify(value) ?? String(value));
}

let isErrorHandled = false;

function writeError(line: string): void {
  if (!isErrorHandled) {
    isErrorHandled = true;
    // Without a listener, a reader that went away (`2>&1 | head`) would end the server.
    process.stderr.on("error", () => {});
  }
  process.stderr.write(line);
}
