import { type ChildProcess, spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { setLongTimer } from "../../clock.ts";
import { FatalError } from "../../workflow-errors.ts";
import type { SecretHider } from "../secret-hider.ts";
import { KeptOutput } from "./kept-output.ts";
import { type ExecGivens, ProcessGroup } from "./process-group.ts";

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
  /** What became of one that took too long; null for one that ended in time. */
  readonly late: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command without a shell, as the leader of a process group of its own.
 *
 * A timeout, or the signal, ends the whole group: SIGTERM, and SIGKILL after the grace. What a command leaves running
 * behind it when it ends by itself is left alone, and its output is waited for no longer than a moment.
 *
 * @throws {Error} the program or the folder is not there; the signal's own reason where it aborted
 * @throws {FatalError} more arguments than the system takes
 */
export async function runCommand(command: Command, signal: AbortSignal, givens: ExecGivens): Promise<Ended> {
  signal.throwIfAborted();
  let child: ChildProcess;
  try {
    child = start(command);
  } catch (error) {
    throw await notStarted(error, command); // some errors are thrown here and some are events, as the runtime likes
  }
  const stdout = keep(child.stdout);
  const stderr = keep(child.stderr);
  // A command that does not read what it is handed is its own affair.
  child.stdin?.on("error", () => {});
  child.stdin?.end(command.stdin);
  const group = child.pid === undefined ? null : new ProcessGroup(child.pid, givens);
  let ending: "late" | "aborted" | null = null;
  const end = (why: "late" | "aborted"): void => {
    ending ??= why;
    group?.end();
  };
  const timer = setLongTimer(givens.clock, () => end("late"), command.timeoutMs);
  const onAbort = (): void => end("aborted");
  signal.addEventListener("abort", onAbort);
  const release = (): void => {
    timer.clear();
    signal.removeEventListener("abort", onAbort);
  };
  const exited = exitOf(child).then(async (exit) => {
    release(); // it ended in time: what it leaves behind is not ended for what comes later
    await group?.leaderEnded();
    await drained(child, givens);
    return exit;
  });
  const exit = await Promise.race([exited, ...(group === null ? [] : [group.outlived])])
    .catch(async (error: unknown) => {
      throw await notStarted(error, command);
    })
    .finally(() => {
      release();
      child.stdout?.destroy();
      child.stderr?.destroy();
    });
  if (exit === null) child.unref();
  if (ending === "aborted") throw signal.reason;
  const fate = exit === null ? "could not be ended" : "was ended with its process group";
  return {
    exitCode: exit?.code ?? null,
    signal: exit?.signal ?? null,
    late: ending === null ? null : `took over ${command.timeoutMs / 1_000} s and ${fate}`,
    stdout: stdout.text(command.hide),
    stderr: stderr.text(command.hide),
  };
}

function start({ program, args, cwd, env, stdin }: Command): ChildProcess {
  return spawn(program, args, {
    cwd,
    env: { ...env },
    detached: true,
    shell: false,
    stdio: [stdin === null ? "ignore" : "pipe", "pipe", "pipe"],
  });
}

/** Why it was not started, in the same words on every runtime. */
async function notStarted(error: unknown, { program, cwd }: Command): Promise<Error> {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "E2BIG") {
    return new FatalError(
      "its arguments and variables are more than the system takes; hand them over by stdin",
    );
  }
  // The system has the same error for both.
  const isFolder = cwd === undefined || (await stat(cwd).catch(() => null))?.isDirectory() === true;
  if (!isFolder) return new Error(`there is no folder ${JSON.stringify(cwd)}`);
  if (code !== "ENOENT") return new Error(`it cannot be started (${code ?? "unknown error"})`);
  const isPath = program.includes("/");
  // The system has the same error for a script whose first line names what is not there.
  const isThere = isPath && (await stat(resolve(cwd ?? ".", program)).catch(() => null)) !== null;
  if (isThere) return new Error(`the interpreter that ${JSON.stringify(program)} names is not there`);
  return new Error(`there is no program ${JSON.stringify(program)}${isPath ? "" : " in PATH"}`);
}

function keep(stream: Readable | null): KeptOutput {
  const kept = new KeptOutput();
  stream?.on("data", (chunk: Uint8Array) => kept.add(chunk));
  stream?.on("error", () => {});
  return kept;
}

/** Resolves when the command itself has ended. */
function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", reject);
  });
}

/** Resolves when its output is read to the end, or is held open by others for too long. */
function drained(child: ChildProcess, { clock, drainMs }: ExecGivens): Promise<void> {
  const open = [child.stdout, child.stderr].filter((stream) => stream !== null && !stream.closed);
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
