import { messageOf } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { check } from "./check.ts";
import { type Command, type Terminal, UsageError } from "./command.ts";
import { loadDotenv } from "./dotenv.ts";
import { receiveSecret } from "./receive-secret.ts";
import { send } from "./send.ts";
import { type ServeDeps, serve } from "./serve.ts";
import { sign } from "./sign.ts";

/** Every command but `serve` and `help`, by its word. */
const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["check", check],
  ["send", send],
  ["sign", sign],
  ["receive-secret", receiveSecret],
]);

/**
 * The program `latchhook`: its first argument is a command.
 *
 * @param open makes the Latchhook that `serve` serves
 * @returns the exit code: 0 done, 1 failed, 2 called wrongly
 */
export async function runCommand(
  args: readonly string[],
  open: ServeDeps["open"],
  terminal: Terminal = ownTerminal(),
): Promise<number> {
  const [word = "help", ...rest] = args;
  const command = COMMANDS.get(word);
  const { stdout, stderr } = terminal;
  if (command === undefined) {
    if (word === "serve" && rest.length === 0) return serve({ open }).then(() => 0);
    if (["help", "--help", "-h"].includes(word)) return help(rest[0], terminal);
    const near = nearest(word, [...COMMANDS.keys(), "serve", "help"]);
    stderr.write(
      `Cannot run ${JSON.stringify(word)}: ${near === null ? "see latchhook help" : `did you mean ${near}`}\n`,
    );
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    stdout.write(`latchhook ${command.usage}\n`);
    return 0;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    stderr.write(`${messageOf(error)}\n`);
    if (!(error instanceof UsageError)) return 1;
    stderr.write(`\nlatchhook ${command.usage}\n`);
    return 2;
  }
}

function help(word: string | undefined, { stdout }: Terminal): number {
  const command = word === undefined ? undefined : COMMANDS.get(word);
  if (command !== undefined) {
    stdout.write(`latchhook ${command.usage}\n`);
    return 0;
  }
  const lines = [...COMMANDS].map(([name, { summary }]) => [name, summary] as const);
  const all = [["serve", "serve webhooks, as npm start does"] as const, ...lines];
  stdout.write(`latchhook COMMAND\n\n`);
  for (const [name, summary] of all) stdout.write(`  ${name.padEnd(NAME_WIDTH)}${summary}\n`);
  stdout.write(`\nlatchhook help COMMAND says more\n`);
  return 0;
}

const NAME_WIDTH = 16;

function ownTerminal(): Terminal {
  const aborter = new AbortController();
  process.once("SIGINT", () => aborter.abort());
  loadDotenv(process.env, process.cwd());
  const { env, stdin, stdout, stderr } = process;
  return { env, stdin, stdout, stderr, signal: aborter.signal };
}
