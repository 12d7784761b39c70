import type { Clock } from "../clock.ts";
import { parseAddress } from "./forwarded.ts";

/** Failures of one peer in one second that are still answered with 401. */
export const FAILURES_MAX = 10;

const WINDOW_MS = 1_000;

/** Peers remembered at most: half a second of a busy attack, some MiB. */
const PEERS_MAX = 10_000;

/** Counts failed logins by peer, a second at a time, in bounded memory. */
export class FailureCounter {
  readonly #clock: Clock;
  readonly #peersMax: number;
  /** In the order of their first failure, so the oldest stands first. */
  readonly #windows = new Map<string, { startedAt: number; failures: number }>();

  constructor(clock: Clock, peersMax: number = PEERS_MAX) {
    this.#clock = clock;
    this.#peersMax = peersMax;
  }

  /** True where the peer has failed more than `FAILURES_MAX` times since a second ago. */
  isOver(address: string): boolean {
    return (this.#current(peerKey(address))?.failures ?? 0) > FAILURES_MAX;
  }

  /** Counts a failure; true where that makes more than `FAILURES_MAX`. */
  add(address: string): boolean {
    const key = peerKey(address);
    const window = this.#current(key);
    if (window !== undefined) return ++window.failures > FAILURES_MAX;
    this.#forget();
    this.#windows.set(key, { startedAt: this.#clock.monotonic(), failures: 1 });
    return false;
  }

  #current(key: string): { failures: number } | undefined {
    const window = this.#windows.get(key);
    if (window === undefined || this.#clock.monotonic() - window.startedAt < WINDOW_MS) return window;
    this.#windows.delete(key);
    return undefined;
  }

  /** Makes room by dropping the oldest: they stand in order of age, so it is the one that is over first. */
  #forget(): void {
    for (const key of this.#windows.keys()) {
      if (this.#windows.size < this.#peersMax) return;
      this.#windows.delete(key);
    }
  }
}

/** One IPv6 customer has at least 2^64 addresses, so its network counts as the peer. */
function peerKey(address: string): string {
  if (!address.includes(":")) return address;
  const bytes = parseAddress(address);
  return bytes === null ? address : bytes.subarray(0, 8).join(".");
}
