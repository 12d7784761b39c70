import type { Readable, Writable } from "node:stream";

/** What a command may touch, so that tests can give their own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly signal: AbortSignal;
}

/** One word after `latchhook`. */
export interface Command {
  /** What `latchhook help` says of it, one line. */
  readonly summary: string;
  /** Its own help, without the name of the program. */
  readonly usage: string;
  /**
   * @param args what stands behind the command's name
   * @returns the exit code: 0 done, 1 failed
   * @throws {UsageError} called wrongly
   */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

/** The command was called wrongly: its usage is shown with the message, and the exit code is 2. */
export class UsageError extends Error {
  override name = "UsageError";
}
