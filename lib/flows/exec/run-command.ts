import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { type Clock, pause, setLongTimer } from "../../clock.ts";
import type { SecretHider } from "../secret-hider.ts";
import { KeptOutput } from "./kept-output.ts";

/** A command whose templates are filled. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  /** All that it sees of any environment. */
  readonly env: Readonly<Record<string, string>>;
  /** null: it reads nothing. */
  readonly stdin: string | null;
  readonly timeoutMs: number;
  /** Takes secrets out of what it prints. */
  readonly hide: SecretHider;
}

/** How a command ended. */
export interface Ended {
  /** null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** When a command is over although it is not. */
export interface ExecGivens {
  readonly clock: Clock;
  /** Between asking its processes to end and ending them. */
  readonly graceMs: number;
  /** How long what is left of its output is waited for where others hold it open. */
  readonly drainMs: number;
}

/**
 * Runs a command without a shell, as the leader of a process group of its own.
 *
 * A timeout, or the signal, ends the whole group: SIGTERM, and SIGKILL after the grace. What a command leaves running
 * behind it when it ends by itself is left alone, and its output is waited for no longer than a moment.
 *
 * @throws {Error} the program or the folder is not there, the time is over; the signal's own reason where it aborted
 */
export async function runCommand(command: Command, signal: AbortSignal, givens: ExecGivens): Promise<Ended> {
  signal.throwIfAborted();
  const child = spawn(command.program, command.args, {
    cwd: command.cwd,
    env: { ...command.env },
    detached: true,
    shell: false,
    stdio: [command.stdin === null ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const stdout = keep(child.stdout);
  const stderr = keep(child.stderr);
  // A command that does not read what it is handed is its own affair.
  child.stdin?.on("error", () => {});
  child.stdin?.end(command.stdin);
  const stop = new Stop(child, givens);
  const timer = setLongTimer(givens.clock, () => stop.end(timeOut(command.timeoutMs)), command.timeoutMs);
  const onAbort = (): void => stop.end(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    const [exitCode, signalName] = await exitOf(child, command);
    if (stop.isEnding) await stop.done;
    await drained(child, givens);
    if (stop.isEnding) throw stop.reason;
    return {
      exitCode,
      signal: signalName,
      stdout: stdout.text(command.hide),
      stderr: stderr.text(command.hide),
    };
  } finally {
    timer.clear();
    signal.removeEventListener("abort", onAbort);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

function timeOut(ms: number): Error {
  return new Error(`took over ${ms / 1_000} s and was ended, with all that it had started`);
}

function keep(stream: Readable | null): KeptOutput {
  const kept = new KeptOutput();
  stream?.on("data", (chunk: Uint8Array) => kept.add(chunk));
  stream?.on("error", () => {});
  return kept;
}

/** Resolves when the command itself has ended. */
function exitOf(child: ChildProcess, { program, cwd }: Command): Promise<[number | null, string | null]> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => resolve([code, signal]));
    child.once("error", (error: NodeJS.ErrnoException) => {
      const folder = cwd === undefined ? "" : `, or no folder ${JSON.stringify(cwd)}`;
      const missing = `there is no program ${JSON.stringify(program)} in PATH${folder}`;
      reject(
        new Error(error.code === "ENOENT" ? missing : `cannot be started (${error.code ?? "unknown error"})`),
      );
    });
  });
}

/** Resolves when its output is read to the end, or is held open by others for too long. */
function drained(child: ChildProcess, { clock, drainMs }: ExecGivens): Promise<void> {
  const open = [child.stdout, child.stderr].filter((stream) => stream !== null && !stream.readableEnded);
  return new Promise((resolve) => {
    let left = open.length;
    const timer = clock.setTimer(done, drainMs);
    function done(): void {
      timer.clear();
      resolve();
    }
    if (left === 0) done();
    for (const stream of open) stream?.once("close", () => --left === 0 && done());
  });
}

/** The end of a process group. */
class Stop {
  readonly #child: ChildProcess;
  readonly #givens: ExecGivens;
  #reason: unknown;
  #done: Promise<void> | null = null;

  constructor(child: ChildProcess, givens: ExecGivens) {
    this.#child = child;
    this.#givens = givens;
  }

  get isEnding(): boolean {
    return this.#done !== null;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Resolves when no process of the group is left, or SIGKILL was sent to all of them. */
  get done(): Promise<void> {
    return this.#done ?? Promise.resolve();
  }

  end(reason: unknown): void {
    if (this.#done !== null || this.#child.pid === undefined) return;
    this.#reason = reason;
    this.#done = this.#endGroup(this.#child.pid);
  }

  async #endGroup(pid: number): Promise<void> {
    if (!signalGroup(pid, "SIGTERM")) return;
    const { clock, graceMs } = this.#givens;
    const until = clock.monotonic() + graceMs;
    while (clock.monotonic() < until) {
      await pause(clock, Math.min(LOOK_MS, graceMs));
      if (!signalGroup(pid, 0)) return;
    }
    signalGroup(pid, "SIGKILL");
  }
}

/** How often it is looked whether a group has ended, in milliseconds. */
const LOOK_MS = 20;

/** False where the group has no process any more. */
function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
