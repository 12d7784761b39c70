import { type ParseArgsConfig, parseArgs } from "node:util";
import { messageOf } from "../errors.ts";
import { UsageError } from "./command.ts";

/** What stood behind a command's name. */
export interface Arguments {
  readonly words: readonly string[];
  text(name: string): string | undefined;
  has(name: string): boolean;
}

/**
 * Reads a command's arguments.
 *
 * @param options by name, `string` for one with a value
 * @param wordsMax how many words may stand beside them
 * @throws {UsageError} an option that does not exist or lacks its value, or too many words
 */
export function readArguments(
  args: readonly string[],
  options: Readonly<Record<string, "string" | "boolean">>,
  wordsMax: number,
): Arguments {
  const config: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, type] of Object.entries(options)) config[name] = { type };
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options: config, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
  const { values, positionals: words } = parsed;
  if (words.length > wordsMax)
    throw new UsageError(`Cannot use ${JSON.stringify(words[wordsMax])}: one word too many`);
  return {
    words,
    text: (name) => (typeof values[name] === "string" ? values[name] : undefined),
    has: (name) => values[name] === true,
  };
}
