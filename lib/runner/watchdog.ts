import { Worker } from "node:worker_threads";
import { groupLeaders } from "../process-groups.ts";
import { WATCHDOG_THREAD } from "./watchdog-thread.ts";

/** How the watchdog counts. */
export interface WatchdogOptions {
  /** The process ends when the event loop stood still for so long; default 30 s. */
  standstillMs?: number;
  /** How often the event loop shows that it moves; default 1 s. */
  tickMs?: number;
  /** What to name in the last line, such as `run_... workflow`. */
  runsAwake: () => readonly string[];
}

/** A watchdog that counts. */
export interface Watchdog {
  /** Hands the names on now: the run that begins may be the one after which no tick comes. */
  look(): void;
  stop(): Promise<void>;
}

/**
 * Ends the process, and the commands that it has started, when its event loop stands still: a workflow that never yields cannot be stopped inside its thread,
 * and nothing else would be served beside it. A second thread counts its own ticks in which the first one's counter
 * did not move. It looks at no clock, so that a machine that was suspended is not mistaken for a standstill.
 */
export function startWatchdog({
  standstillMs = 30_000,
  tickMs = 1_000,
  runsAwake,
}: WatchdogOptions): Watchdog {
  const counter = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const ticksMax = Math.max(2, Math.ceil(standstillMs / tickMs));
  const worker = new Worker(WATCHDOG_THREAD, {
    eval: true,
    execArgv: [], // loaders that the program was started with have nothing to do in there
    workerData: { counter, tickMs, ticksMax, leaders: groupLeaders() },
  });
  worker.unref();
  // A thread that could not start (no memory, no permission) is no reason to end the server that it guards.
  worker.on("error", () => clearInterval(timer));
  const timer = setInterval(tick, tickMs);
  timer.unref();
  tick();
  function tick(): void {
    Atomics.add(counter, 0, 1);
    look();
  }
  function look(): void {
    worker.postMessage(runsAwake().join(", "));
  }
  return {
    look,
    async stop() {
      clearInterval(timer);
      await worker.terminate();
    },
  };
}
