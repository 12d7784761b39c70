import type { Clock, Timer } from "../clock.ts";
import type { Log } from "../log.ts";

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
  readonly #ended = new Set<string>();
  #timer: Timer | null = null;
  #tickedAt = 0;

  constructor(givens: { clock: Clock; log: Log }, tickMs: number) {
    this.#clock = givens.clock;
    this.#log = givens.log;
    this.#tickMs = tickMs;
  }

  /** The runs awake now, as `run_id workflow`. */
  awake(): readonly string[] {
    return Array.from(this.#awake, ([runId, workflowName]) => `${runId} ${workflowName}`);
  }

  began(runId: string, workflowName: string): void {
    this.#ended.delete(runId);
    this.#awake.set(runId, workflowName);
    if (this.#timer !== null) return;
    this.#tickedAt = this.#clock.monotonic();
    this.#timer = this.#clock.setTimer(() => this.#tick(), this.#tickMs);
  }

  ended(runId: string): void {
    this.#ended.add(runId);
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
        runs_awake: this.awake(),
      });
    }
    for (const runId of this.#ended) this.#awake.delete(runId);
    this.#ended.clear();
    this.#tickedAt = now;
    this.#timer = this.#awake.size === 0 ? null : this.#clock.setTimer(() => this.#tick(), this.#tickMs);
  }
}
