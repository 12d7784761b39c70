import type { Clock } from "../clock.ts";
import { WebhookError } from "../errors.ts";
import { ProblemError } from "../http/problem.ts";
import type { Rate } from "../rate.ts";
import { RateLimit } from "./rate-limit.ts";
import { ReadyRuns } from "./ready-runs.ts";

/**
 * Deliveries that wait for their commit at once. It takes milliseconds; on a disk that stands still they pile up for as
 * long as the writer is patient, and this many are some 50 MiB.
 */
export const DELIVERIES_MAX = 5_000;

/** What their bodies may hold together, in bytes. */
export const DELIVERIES_BYTES_MAX = 67_108_864;

/** What is shed by. */
export interface SheddingGivens {
  clock: Clock;
  deliveriesMax?: number;
  bytesMax?: number;
  /** By provider; who is not in it has no limit. */
  rates: ReadonlyMap<string, Rate>;
  /** null where any number of runs may wait. */
  runsReadyMax: number | null;
  /** Of `ReadyRuns`. */
  countReady(limit: number): Promise<number>;
}

/**
 * Refuses what is too much before it is stored, so that what was accepted is done in time. It counts verified deliveries
 * and nothing else: no stranger can use up what it allows.
 */
export class Shedding {
  readonly #deliveriesMax: number;
  readonly #bytesMax: number;
  readonly #limits: ReadonlyMap<string, RateLimit>;
  readonly #ready: ReadyRuns | null;
  #deliveries = 0;
  #bytes = 0;

  constructor(givens: SheddingGivens) {
    const { clock, rates, runsReadyMax: max, countReady: count } = givens;
    this.#deliveriesMax = givens.deliveriesMax ?? DELIVERIES_MAX;
    this.#bytesMax = givens.bytesMax ?? DELIVERIES_BYTES_MAX;
    this.#limits = new Map(Array.from(rates, ([name, rate]) => [name, new RateLimit(clock, rate)]));
    this.#ready = max === null ? null : new ReadyRuns({ clock, max, count });
  }

  /**
   * Before anything is read of a request: to verify what will be refused is work for nothing.
   *
   * @throws {WebhookError} `overloaded`
   */
  checkRoom(): void {
    if (this.#deliveries >= this.#deliveriesMax)
      throw overloaded("too many deliveries wait for their commit");
  }

  /**
   * A verified delivery is on its way, until `leave`.
   *
   * @throws {WebhookError} `overloaded`; `rate_limited`: its provider sends faster than was set
   */
  enter(provider: string, bytes: number): void {
    this.checkRoom();
    // A single one may be larger than all are allowed together.
    if (this.#deliveries > 0 && this.#bytes + bytes > this.#bytesMax) {
      throw overloaded("the bodies of those that wait for their commit fill the memory");
    }
    const waitMs = this.#limits.get(provider)?.take() ?? 0;
    if (waitMs > 0) throw rateLimited(provider, waitMs);
    this.#deliveries++;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#deliveries--;
    this.#bytes -= bytes;
  }

  /**
   * Makes room among the runs that wait for a slot, for `settleRuns` to be told what became of it.
   *
   * @returns null where nothing has to be waited for
   * @throws {WebhookError} (as a rejection) `overloaded`
   */
  reserveRuns(runs: number): Promise<void> | null {
    if (this.#ready === null || runs === 0) return null;
    return this.#ready.reserve(runs).then((hasRoom) => {
      if (!hasRoom) throw overloaded("too many runs wait for a slot");
    });
  }

  /** @param queued how many of the reserved ones wait now */
  settleRuns(reserved: number, queued: number): void {
    this.#ready?.settle(reserved, queued);
  }
}

function overloaded(why: string): WebhookError {
  return new WebhookError("overloaded", `Cannot accept a delivery now: ${why}`);
}

function rateLimited(provider: string, waitMs: number): ProblemError {
  return new ProblemError(
    "rate_limited",
    `Cannot accept a delivery now: ${provider} sends more than WEBHOOK_RATE_LIMIT_ allows`,
    { headers: { "retry-after": String(Math.ceil(waitMs / 1_000)) } },
  );
}
