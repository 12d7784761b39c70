import type { Clock, Timer } from "../clock.ts";
import { WebhookError } from "../errors.ts";
import type { Storage } from "../repositories.ts";

/** Notices what other processes commit. It asks no table: one number of the file's, which a commit changes. */
export class Watch {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #intervalMs: () => number;
  readonly #onChange: () => void;
  readonly #onOutdated: (error: WebhookError) => void;
  #timer: Timer | null = null;

  /** @param givens `intervalMs` is asked before each look: it is shorter while somebody waits */
  constructor(givens: {
    storage: Storage;
    clock: Clock;
    intervalMs: () => number;
    onChange: () => void;
    onOutdated: (error: WebhookError) => void;
  }) {
    this.#storage = givens.storage;
    this.#clock = givens.clock;
    this.#intervalMs = givens.intervalMs;
    this.#onChange = givens.onChange;
    this.#onOutdated = givens.onOutdated;
  }

  /** Does nothing where only this process can open the database. */
  start(): void {
    if (!this.#storage.about.isShared) return;
    this.#timer?.clear();
    this.#timer = this.#clock.setTimer(() => this.#look(), this.#intervalMs());
  }

  stop(): void {
    this.#timer?.clear();
    this.#timer = null;
  }

  #look(): void {
    this.start();
    try {
      if (this.#storage.hasChanged()) this.#onChange();
    } catch (error) {
      if (!(error instanceof WebhookError) || error.code !== "storage_outdated") return; // the next look tries again
      this.stop();
      this.#onOutdated(error);
    }
  }
}
