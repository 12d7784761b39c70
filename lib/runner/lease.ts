import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Clock, Timer } from "../clock.ts";
import { newId } from "../ids.ts";
import type { AttemptKey, ProcessIdentity, ProcessRecord, Storage } from "../repositories.ts";
import type { Persist } from "./persist.ts";

/** Who we are, for others that look at our runs. */
export function newIdentity(): ProcessIdentity {
  return {
    id: newId("prc"),
    host: hostname(),
    bootId: readOrNull(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    pidNamespace: readOrNull(() => readlinkSync("/proc/self/ns/pid")),
    pid: process.pid,
  };
}

/**
 * True where the process is certainly gone: it ran before this machine's last boot, or its pid is free. Where there is
 * no boot id or namespace to compare, only its beats tell.
 */
export function isGone(other: ProcessRecord, me: ProcessIdentity): boolean {
  if (other.beats === null) return true;
  if (other.host !== me.host || other.bootId === null || me.bootId === null) return false;
  if (other.bootId !== me.bootId) return true;
  if (other.pidNamespace === null || other.pidNamespace !== me.pidNamespace) return false;
  try {
    process.kill(other.pid, 0);
    return false;
  } catch (error) {
    // EPERM means that it is there and another user's.
    return error instanceof Error && Reflect.get(error, "code") === "ESRCH";
  }
}

/** This process's hold on the runs that it has claimed: beats while it runs something, and knows how long to trust them. */
export class Lease {
  readonly identity: ProcessIdentity = newIdentity();
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #persist: Persist;
  readonly #beatMs: number;
  readonly #leaseMs: number;
  readonly #onBeat: (owned: readonly AttemptKey[] | null, sentAt: number) => void;
  #beatenAt = Number.NEGATIVE_INFINITY;
  /** What was claimed before that may have been taken over since, until a beat is answered. */
  #vouchedFrom = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #beating: Promise<void> | null = null;

  /** @param onBeat told after each beat which runs were ours when it was sent; null when we were declared dead */
  constructor(
    givens: { storage: Storage; clock: Clock; persist: Persist; beatMs: number; leaseMs: number },
    onBeat: (owned: readonly AttemptKey[] | null, sentAt: number) => void,
  ) {
    this.#storage = givens.storage;
    this.#clock = givens.clock;
    this.#persist = givens.persist;
    this.#beatMs = givens.beatMs;
    this.#leaseMs = givens.leaseMs;
    this.#onBeat = onBeat;
  }

  /** A claim carried a beat that was sent at `sentAt` (monotonic): beats go on from here. */
  begin(sentAt: number): void {
    // Too long after the one before it: others may have buried us in between, and a claim's beat does not say so.
    if (sentAt - this.#beatenAt >= this.#leaseMs) this.#vouchedFrom = sentAt;
    this.#beatenAt = Math.max(this.#beatenAt, sentAt);
    this.doubt();
  }

  /** A claim may have reached the disk or not: the next beats tell. */
  doubt(): void {
    this.#timer ??= this.#clock.setTimer(() => this.#tick(), this.#beatMs);
  }

  /** Nothing runs here any more. */
  end(): void {
    this.#timer?.clear();
    this.#timer = null;
  }

  /**
   * True where beats have committed within the lease ever since the run was claimed. Else another process may own it:
   * `ensure` finds out.
   *
   * @param claimedAt monotonic, before the claim was sent
   */
  isSureOf(claimedAt: number): boolean {
    return claimedAt >= this.#vouchedFrom && this.#clock.monotonic() - this.#beatenAt < this.#leaseMs;
  }

  /**
   * Beats until it is known whose the run is: after a freeze another process may own it, and its step must not begin
   * here.
   *
   * @param isOurs what the beats have told so far; it has to be false at once where one has told that the run is lost,
   *   or this beats without end for a process that was buried
   * @returns false where it is another's
   */
  async ensure(claimedAt: number, isOurs: () => boolean): Promise<boolean> {
    // Again, because a beat that is under way may have been sent before all that.
    while (isOurs() && !this.isSureOf(claimedAt)) await this.#beat();
    return isOurs();
  }

  #tick(): void {
    this.#timer = this.#clock.setTimer(() => this.#tick(), this.#beatMs);
    // Where the process stops meanwhile the beat is abandoned, and nobody needs it any more.
    this.#beat().catch(() => {});
  }

  #beat(): Promise<void> {
    this.#beating ??= this.#sendBeat().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  async #sendBeat(): Promise<void> {
    let sentAt = 0;
    const owned = await this.#persist.until("beat", async () => {
      // Taken before the commit: the lease counts from when others may have seen the beat.
      sentAt = this.#clock.monotonic();
      const answer = await this.#storage.beat(this.identity.id);
      if (answer !== null) this.#beatenAt = sentAt;
      return answer;
    });
    this.#onBeat(owned, sentAt);
    // Who was taken over is told by now. Where we were away once more since it was sent, the lease is over again.
    this.#vouchedFrom = Number.NEGATIVE_INFINITY;
  }
}

function readOrNull(read: () => string): string | null {
  try {
    return read() || null;
  } catch {
    return null;
  }
}
