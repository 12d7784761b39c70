import type { RejectionReason } from "../rejection.ts";

/** When a refused delivery was signed, and when it came; both in epoch milliseconds. */
export interface SignedTime {
  readonly signedAt: number;
  readonly at: number;
}

/** What a time that is off says. */
export interface TimeFinding {
  readonly reason: RejectionReason;
  readonly kind: "ahead" | "zone" | "steady" | "late";
  /** Signed minus now, in whole seconds: positive where the sender's clock is ahead of ours. */
  readonly offsetSeconds: number;
}

/** Refusals that are remembered of one provider. */
const TIMES_MAX = 8;

/** Deliveries that have to agree before our own clock is blamed. */
const STEADY_MIN = 3;

/** Within this much of a whole hour an offset is a time zone's. A delivery is on its way for less. */
const ZONE_SECONDS = 20;

const ZONE_HOURS_MAX = 14;

/** Offsets that differ by less are the same: what is left is the time that deliveries take. */
const STEADY_SECONDS = 15;

/** The signed times of one provider's refused deliveries, which together tell a wrong clock from late deliveries. */
export class SignedTimes {
  readonly #times: SignedTime[] = [];

  /** Takes one more. A delivery cannot come before it was signed, so what is ahead is a clock, and so is what stays off. */
  judge(time: SignedTime): TimeFinding {
    this.#times.push(time);
    if (this.#times.length > TIMES_MAX) this.#times.shift();
    const offsetSeconds = Math.round((time.signedAt - time.at) / 1_000);
    const finding = (reason: RejectionReason, kind: TimeFinding["kind"]): TimeFinding => ({
      reason,
      kind,
      offsetSeconds,
    });
    const hours = Math.round(Math.abs(offsetSeconds) / 3_600);
    const isZone =
      hours >= 1 &&
      hours <= ZONE_HOURS_MAX &&
      Math.abs(Math.abs(offsetSeconds) - hours * 3_600) <= ZONE_SECONDS;
    if (isZone) return finding("clock_skew", "zone");
    if (offsetSeconds > 0) return finding("clock_skew", "ahead");
    return this.#isSteady() ? finding("clock_skew", "steady") : finding("stale", "late");
  }

  /** True where the last ones were signed at different times and are off by the same. Copies of one request are not. */
  #isSteady(): boolean {
    const byTime = new Map(this.#times.map((time) => [time.signedAt, time]));
    const last = [...byTime.values()].slice(-STEADY_MIN);
    if (last.length < STEADY_MIN) return false;
    const offsets = last.map(({ signedAt, at }) => (signedAt - at) / 1_000);
    const signed = last.map(({ signedAt }) => signedAt / 1_000);
    const spread = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
    // A queue that drains lets through in a moment what was signed over a while, and then ages differ as times do.
    return spread(offsets) <= STEADY_SECONDS && spread(signed) > 2 * spread(offsets);
  }
}
