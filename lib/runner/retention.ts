import { type Clock, setLongTimer, type Timer } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Storage } from "../repositories.ts";
import type { Timing } from "./timing.ts";

const HOUR_MS = 3_600_000;

/** Events that one batch changes at most: an accept waits for one batch, never for a pass. */
const BATCH_EVENTS = 200;

export interface RetentionGivens {
  storage: Storage;
  clock: Clock;
  log: Log;
  retentionDays: number;
  idRetentionDays: number;
  timing: Timing;
}

/** Erases and deletes what has grown old, now and then. */
export class Retention {
  readonly #givens: RetentionGivens;
  #timer: Timer | null = null;
  #wall = 0;
  #monotonic = 0;
  #isStopped = false;

  constructor(givens: RetentionGivens) {
    this.#givens = givens;
  }

  start(): void {
    this.#remember();
    this.#schedule(this.#givens.timing.retentionFirstMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.clear();
  }

  #schedule(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = setLongTimer(this.#givens.clock, () => void this.#pass(), ms);
  }

  async #pass(): Promise<void> {
    const { log, timing } = this.#givens;
    try {
      if (this.#hasClockJumped()) log.warn("retention skipped: the wall clock was set since the last pass");
      else await this.#cleanUp();
    } catch (error) {
      log.error("retention failed, trying again at the next pass", { error });
    }
    this.#remember();
    this.#schedule(timing.retentionEveryMs);
  }

  async #cleanUp(): Promise<void> {
    const { storage, clock, log, retentionDays, idRetentionDays, timing } = this.#givens;
    const now = clock.now();
    const eraseBefore = now - retentionDays * timing.dayMs;
    const deleteBefore = now - idRetentionDays * timing.dayMs;
    let total = 0;
    for (let changed = BATCH_EVENTS; changed === BATCH_EVENTS && !this.#isStopped; ) {
      const command = { now, eraseBefore, deleteBefore, marksBefore: deleteBefore, limit: BATCH_EVENTS };
      changed = await storage.cleanup(command);
      total += changed; // a command like any other, so accepts that wait share its transaction or come before the next
    }
    if (total > 0) log.info("retention erased or deleted events", { events: total });
  }

  /** A wall clock that was set would make everything look old at once, or nothing. */
  #hasClockJumped(): boolean {
    const { clock } = this.#givens;
    const drift = clock.now() - this.#wall - (clock.monotonic() - this.#monotonic);
    return Math.abs(drift) > HOUR_MS;
  }

  #remember(): void {
    this.#wall = this.#givens.clock.now();
    this.#monotonic = this.#givens.clock.monotonic();
  }
}
