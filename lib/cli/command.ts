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
   * @returns the exit code: 0 done, 1 failed, 2 called wrongly
   */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}
