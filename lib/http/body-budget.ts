import { WebhookError } from "../errors.ts";

/** What the bodies of all requests under way may hold together, in bytes. */
export const BODIES_BYTES_MAX = 67_108_864;

/** Bodies that are being read at once. One that is there when it is asked for is read within a turn. */
export const BODIES_READ_MAX = 1_000;

/** What `BodyBudget` holds to. */
export interface BodyLimits {
  bytesMax: number;
  readMax: number;
}

/**
 * Bounds the bodies in flight, in bytes and in number. While a body is being read nobody knows whose it is. So where
 * there is no room, the one goes that has been read the longest: who sends slowly, to fill the memory or to hold places,
 * loses them to those whose bodies come at once, and those are the providers.
 */
export class BodyBudget {
  readonly #limits: BodyLimits;
  #taken = 0;
  /** Those that are being read, in the order in which they began. */
  readonly #reading = new Set<BodyShare>();

  constructor(limits: Partial<BodyLimits> = {}) {
    this.#limits = { bytesMax: BODIES_BYTES_MAX, readMax: BODIES_READ_MAX, ...limits };
  }

  /** One request's part. Whoever opens it releases it in a `finally`, so that no way out of a request leaks bytes. */
  share(): BodyShare {
    return new BodyShare(this);
  }

  /** Of a share: it is being read from now on, whoever has to go for it. */
  begin(share: BodyShare): void {
    this.#reading.add(share);
    if (this.#reading.size > this.#limits.readMax) this.#oldest()?.giveUp();
  }

  /** Of a share: it is not being read any longer, so it does not go. */
  end(share: BodyShare): void {
    this.#reading.delete(share);
  }

  /** Of a share: takes `bytes`, from older ones if need be; false, with nothing taken, where none is older. */
  take(bytes: number, share: BodyShare): boolean {
    while (this.#taken + bytes > this.#limits.bytesMax) {
      const oldest = this.#oldest();
      if (oldest === undefined || oldest === share) return false;
      oldest.giveUp();
    }
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }

  #oldest(): BodyShare | undefined {
    return this.#reading.values().next().value;
  }
}

/** What one request has taken of a budget. */
export class BodyShare {
  readonly #budget: BodyBudget;
  #taken = 0;
  #stop: ((refusal: WebhookError) => void) | null = null;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** @param stop ends the reading with the refusal, to make room for another */
  begin(stop: (refusal: WebhookError) => void): void {
    this.#stop = stop;
    this.#budget.begin(this);
  }

  /** @throws {WebhookError} `overloaded`: nobody has begun earlier, and there is no room */
  take(bytes: number): void {
    if (!this.#budget.take(bytes, this)) throw overloaded();
    this.#taken += bytes;
  }

  /** All of it has come. */
  end(): void {
    this.#budget.end(this);
  }

  /** Gives all of it back. A second call gives nothing. */
  release(): void {
    this.end();
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }

  giveUp(): void {
    this.release();
    this.#stop?.(overloaded());
  }
}

function overloaded(): WebhookError {
  return new WebhookError("overloaded", "Cannot read the body now: those of other requests fill the memory");
}
