import type { Clock, Timer } from "../clock.ts";
import type { Log } from "../log.ts";

/** More would not fit a line. */
const NAMES_MAX = 20;

/** A blocked event loop is named from here on. */
const BLOCKED_MS = 1_000;

/** Notices that the event loop was blocked while runs were awake, and names them: one of them did it. */
export class Standstill {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #tickMs: number;
  /** Workflows by their runs. */
  readonly #awake = new Map<string, string>();
  /** Those that ended since the last tick: a run that blocks has mostly ended when the tick comes. */
  readonly #ended = new Map<string, string>();
  #timer: Timer | null = null;
  #tickedAt = 0;

  constructor(givens: { clock: Clock; log: Log }, tickMs: number) {
    this.#clock = givens.clock;
    this.#log = givens.log;
    this.#tickMs = tickMs;
  }

  /** The runs awake now, as `run_id workflow`: so many that fit a line, and how many more. */
  awake(): readonly string[] {
    return namesOf([this.#awake]);
  }

  began(runId: string, workflowName: string): void {
    this.#ended.delete(runId);
    this.#awake.set(runId, workflowName);
    if (this.#timer !== null) return;
    this.#tickedAt = this.#clock.monotonic();
    this.#timer = this.#clock.setTimer(() => this.#tick(), this.#tickMs);
  }

  ended(runId: string): void {
    const workflowName = this.#awake.get(runId);
    this.#awake.delete(runId);
    if (workflowName !== undefined) this.#ended.set(runId, workflowName);
  }

  stop(): void {
    this.#timer?.clear();
    this.#timer = null;
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    const blockedMs = now - this.#tickedAt - this.#tickMs;
    if (blockedMs >= BLOCKED_MS - this.#tickMs) {
      this.#log.warn("the event loop was blocked", {
        blocked_ms: Math.round(blockedMs + this.#tickMs),
        runs_awake: namesOf([this.#ended, this.#awake]),
      });
    }
    this.#ended.clear();
    this.#tickedAt = now;
    this.#timer = this.#awake.size === 0 ? null : this.#clock.setTimer(() => this.#tick(), this.#tickMs);
  }
}

/** It is asked whenever runs begin, so it makes no name that is not shown. */
function namesOf(groups: readonly ReadonlyMap<string, string>[]): string[] {
  const names: string[] = [];
  let count = 0;
  for (const group of groups) {
    count += group.size;
    for (const [runId, workflowName] of group) {
      if (names.length === NAMES_MAX) break;
      names.push(`${runId} ${workflowName}`);
    }
  }
  if (count > names.length) names.push(`${count - names.length} more`);
  return names;
}
