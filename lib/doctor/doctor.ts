import type { Clock, Timer } from "../clock.ts";
import type { SignatureReason } from "../errors.ts";
import type { IncomingHeaders } from "../incoming.ts";
import type { Log } from "../log.ts";
import type { Rejection } from "../rejection.ts";
import type { Provider } from "../schemes/providers.ts";
import { diagnose } from "./diagnose.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { type Known, ownSetting } from "./known.ts";
import { HeldHeaders, type Refused } from "./refused.ts";
import { RejectionRing } from "./rejection-ring.ts";
import { SignedTimes } from "./signed-times.ts";
import { Trials } from "./trials.ts";

/** A refusal as the route tells it; the doctor copies what it keeps. */
export interface Refusal {
  readonly provider: Provider;
  readonly verdict: SignatureReason;
  readonly requestId: string;
  readonly method: string;
  /** The public URL that was tried; null where none is known. */
  readonly url: string | null;
  readonly target: string;
  readonly headers: IncomingHeaders;
  /** Nobody writes into it any more. */
  readonly body: Uint8Array;
}

export interface DoctorGivens {
  readonly clock: Clock;
  readonly log: Log;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly known: Known;
  /** Told the MACs of each diagnosis. */
  readonly onDiagnosed?: (macs: number) => void;
}

/** One provider is looked at so often at most, in milliseconds. */
const EVERY_MS = 1_000;

/** The answer has left by then. */
const DELAY_MS = 50;

/** After a diagnosis so many times its own length is left to the rest of the server. */
const REST_FACTOR = 9;
const REST_MS_MAX = 1_000;

/** The largest body that is held: one MAC over it takes some 2 ms. */
export const HELD_BODY_BYTES_MAX = 1_048_576;

/** What is held of a delivery that is no well-formed one; it may be anybody's. */
const HELD_GARBAGE_BYTES_MAX = 65_536;

/** What all bodies that are held have together. */
export const HELD_BYTES_MAX = 16_777_216;

/** Unexplained ones since the last that held, before a secret that was changed is thought of. */
const ROTATED_MIN = 3;

/** The more, the more a refusal says; what says less is not looked at where both came. */
const RANKS: Readonly<Record<SignatureReason, number>> = {
  no_secret: 0,
  missing: 0,
  malformed: 1,
  no_url: 2,
  mismatch: 2,
  stale: 2,
};

/** A refusal that waits to be looked at. */
interface Held {
  readonly refused: Refused;
  readonly rank: number;
  readonly heldAt: number;
  /** How many of its rank have come since the last look, itself among them. */
  rivals: number;
}

/** What is remembered of one provider. */
interface Ward {
  readonly provider: Provider;
  readonly ring: RejectionRing;
  readonly times: SignedTimes;
  held: Held | null;
  /** Monotonic. */
  nextAt: number;
  hasVerified: boolean;
  unexplainedCount: number;
}

/**
 * Works out why signatures were refused, after the answer has left. Of each provider one refusal is held at a time, and
 * one a second is looked at: a well-formed one before garbage, and among equals a random one, so that no flood decides
 * which. The others are counted. What it finds goes to operators and never back to the sender, and lets nothing in.
 */
export class Doctor {
  readonly #givens: DoctorGivens;
  readonly #wards = new Map<string, Ward>();
  #heldBytes = 0;
  #restsUntil = 0;
  #timer: Timer | null = null;
  /** When it fires; monotonic. */
  #timerAt = 0;
  #isBusy = false;
  #isStopped = false;

  constructor(givens: DoctorGivens) {
    this.#givens = givens;
  }

  /** Takes a refusal: one look at a table and, where it is held, a copy of its headers. */
  refused(refusal: Refusal): void {
    if (this.#isStopped) return;
    const ward = this.#ward(refusal.provider);
    const rank = RANKS[refusal.verdict];
    const { held } = ward;
    if (held !== null && held.rank === rank) held.rivals++;
    const isTaken =
      held === null || rank > held.rank || (rank === held.rank && this.#givens.random() * held.rivals < 1);
    if (!isTaken) {
      this.#count(ward, refusal.requestId, refusal.verdict);
      return;
    }
    if (held !== null) {
      this.#heldBytes -= held.refused.body.byteLength;
      this.#count(ward, held.refused.requestId, held.refused.verdict);
    }
    const rivals = held?.rank === rank ? held.rivals : 1;
    const refused = this.#keep(refusal, rank);
    ward.held = { refused, rank, rivals, heldAt: held?.heldAt ?? this.#givens.clock.monotonic() };
    this.#schedule();
  }

  /** Takes note that a delivery's signature held. */
  verified(provider: Provider): void {
    const ward = this.#ward(provider);
    ward.hasVerified = true;
    ward.unexplainedCount = 0;
  }

  /** What the bodies that wait have together. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What was found, the newest first. Nothing of it outlives the process. */
  rejections(): readonly Rejection[] {
    const all = [...this.#wards.values()].flatMap(({ ring }) => ring.list());
    return all.sort((a, b) => b.lastAt - a.lastAt);
  }

  /** What waits is left; what is being looked at ends at its next trial. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.clear();
    for (const ward of this.#wards.values()) ward.held = null;
    this.#heldBytes = 0;
  }

  #ward(provider: Provider): Ward {
    let ward = this.#wards.get(provider.name);
    if (ward === undefined) {
      ward = {
        provider,
        ring: new RejectionRing(provider.name),
        times: new SignedTimes(),
        held: null,
        nextAt: 0,
        hasVerified: false,
        unexplainedCount: 0,
      };
      this.#wards.set(provider.name, ward);
    }
    return ward;
  }

  #keep({ provider, body, headers, ...rest }: Refusal, rank: number): Refused {
    const bytesMax = rank === 2 ? HELD_BODY_BYTES_MAX : HELD_GARBAGE_BYTES_MAX;
    const isBodyKept = body.byteLength <= bytesMax && this.#heldBytes + body.byteLength <= HELD_BYTES_MAX;
    if (isBodyKept) this.#heldBytes += body.byteLength;
    return {
      ...rest,
      provider: provider.name,
      at: this.#givens.clock.now(),
      headers: new HeldHeaders(headers),
      body: isBodyKept ? body : NOTHING,
      bodyBytes: body.byteLength,
      isBodyKept,
    };
  }

  /** One timer for the one that is due first, which a later refusal may be. */
  #schedule(): void {
    const next = this.#isBusy || this.#isStopped ? null : this.#next();
    if (next === null) return;
    const { clock } = this.#givens;
    const dueAt = this.#dueAt(next);
    if (this.#timer !== null && this.#timerAt <= dueAt) return;
    this.#timer?.clear();
    this.#timerAt = dueAt;
    this.#timer = clock.setTimer(
      () => {
        this.#timer = null;
        void this.#look();
      },
      Math.max(0, dueAt - clock.monotonic()),
    );
  }

  /** The one that is due first; of several the one that says most. */
  #next(): Ward | null {
    let next: Ward | null = null;
    for (const ward of this.#wards.values()) {
      if (ward.held !== null && (next === null || this.#dueAt(ward) < this.#dueAt(next))) next = ward;
    }
    return next;
  }

  #dueAt({ held, nextAt }: Ward): number {
    return Math.max(nextAt, (held?.heldAt ?? 0) + DELAY_MS, this.#restsUntil);
  }

  async #look(): Promise<void> {
    const ward = this.#next();
    const held = ward?.held;
    if (ward === null || held === null || held === undefined) return;
    const { clock, log, known, onDiagnosed } = this.#givens;
    const began = clock.monotonic();
    if (this.#dueAt(ward) > began) return this.#schedule();
    ward.held = null;
    ward.nextAt = began + EVERY_MS;
    this.#isBusy = true;
    const { provider } = ward;
    const { refused } = held;
    const trials = new Trials(refused, provider.scheme, provider.secrets, () => !this.#isStopped);
    try {
      const secretSetting = ownSetting(provider, known);
      const found = await diagnose({ refused, provider, known, trials, times: ward.times, secretSetting });
      if (!this.#isStopped) this.#note(ward, refused, this.#inTheRow(ward, found, secretSetting));
    } catch (error) {
      log.error("cannot diagnose a signature", {
        request_id: refused.requestId,
        provider: provider.name,
        error,
      });
      this.#count(ward, refused.requestId, refused.verdict);
    } finally {
      this.#isBusy = false;
      this.#heldBytes = Math.max(0, this.#heldBytes - refused.body.byteLength);
      const ended = clock.monotonic();
      this.#restsUntil = ended + Math.min(REST_FACTOR * (ended - began), REST_MS_MAX);
      onDiagnosed?.(trials.macs);
      this.#schedule();
    }
  }

  /** What one delivery cannot show: none holds any longer that held before. */
  #inTheRow(ward: Ward, found: Diagnosis, secretSetting: string): Diagnosis {
    if (found.reason !== "unexplained" || !ward.hasVerified) return found;
    ward.unexplainedCount++;
    if (ward.unexplainedCount < ROTATED_MIN) return found;
    return {
      ...found,
      reason: "maybe_rotated",
      subject: "",
      advice: `Deliveries of ${ward.provider.name} held before, and since then ${ROTATED_MIN} or more did not: if its secret was changed there, set the new one in ${secretSetting} and keep the old one as the previous until all retries are through`,
    };
  }

  #note(ward: Ward, refused: Refused, diagnosis: Diagnosis): void {
    const { clock, log } = this.#givens;
    const due = ward.ring.add(diagnosis, refused.requestId, refused.at, clock.monotonic());
    if (due === null) return;
    log.warn("signature diagnosed", {
      request_id: refused.requestId,
      provider: due.provider,
      reason: due.reason,
      proven: due.isProven,
      advice: due.advice,
      ...(due.count === 1 ? {} : { count: due.count }),
      ...due.details,
    });
  }

  /** Refusals that nobody looks at are one entry, so that the counts of a provider add up to all. */
  #count(ward: Ward, requestId: string, verdict: SignatureReason): void {
    const { clock } = this.#givens;
    const diagnosis: Diagnosis = {
      reason: "not_examined",
      subject: "",
      isProven: true,
      advice: `More of ${ward.provider.name} were refused than are looked at, which is one a second: see the other entries`,
      details: { last: verdict },
    };
    ward.ring.add(diagnosis, requestId, clock.now(), clock.monotonic());
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
