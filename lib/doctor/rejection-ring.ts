import type { Rejection } from "../rejection.ts";
import type { Diagnosis } from "./diagnosis.ts";

/** Entries of one provider; the causes that there are make some thirty. */
export const ENTRIES_MAX = 50;

/** A line of an entry is written again once so much time has passed, in milliseconds. */
const LINE_EVERY_MS = 60_000;

interface Entry {
  rejection: Rejection;
  loggedAt: number;
}

/** The refusals of one provider by their cause: equal ones are one entry with a count. */
export class RejectionRing {
  readonly #provider: string;
  readonly #entries = new Map<string, Entry>();

  constructor(provider: string) {
    this.#provider = provider;
  }

  /**
   * Adds one refusal.
   *
   * @param at epoch milliseconds
   * @param monotonic for what is due to be logged
   * @returns the entry where its line is due: a new one's, and then one a minute at most; else null
   */
  add(diagnosis: Diagnosis, requestId: string, at: number, monotonic: number): Rejection | null {
    const { reason, subject, isProven, advice, details } = diagnosis;
    const key = `${reason} ${isProven} ${subject}`;
    const before = this.#entries.get(key);
    const rejection: Rejection = {
      provider: this.#provider,
      reason,
      isProven,
      advice,
      details,
      count: (before?.rejection.count ?? 0) + 1,
      firstAt: before?.rejection.firstAt ?? at,
      lastAt: at,
      requestId,
    };
    const isDue = before === undefined || monotonic - before.loggedAt >= LINE_EVERY_MS;
    // Put at the end again, so that the first is the one that was seen the longest ago.
    this.#entries.delete(key);
    this.#entries.set(key, { rejection, loggedAt: isDue ? monotonic : before.loggedAt });
    if (this.#entries.size > ENTRIES_MAX) this.#drop(key);
    return isDue ? rejection : null;
  }

  /** In no order that counts. */
  list(): readonly Rejection[] {
    return Array.from(this.#entries.values(), ({ rejection }) => rejection);
  }

  /** Makes room: a guess goes before what was proven, because anybody can send what looks like something. */
  #drop(newest: string): void {
    const keys = [...this.#entries.keys()].filter((key) => key !== newest);
    const guess = keys.find((key) => this.#entries.get(key)?.rejection.isProven === false);
    const gone = guess ?? keys[0];
    if (gone !== undefined) this.#entries.delete(gone);
  }
}
