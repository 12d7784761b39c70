import { appendFileSync } from "node:fs";
import type { NoteLine } from "../../support/audit.ts";
import type { Delivery } from "./plan.ts";

/** What was sent, and what the sender and a person were told of it. */
export interface Entry {
  readonly delivery: Delivery;
  /** How often it was sent so far. */
  sent: number;
  /** Copies that still have to be sent, whatever was answered. */
  copiesLeft: number;
  /** performance.now() of the first answer that says it is kept; null before. */
  answeredAt: number | null;
  /** All runs that answers named; more than one is a fault. */
  readonly runIds: Set<string>;
  /** How many answers said that it is new; more than one is a fault. */
  acceptances: number;
  /** What the last command of a person came to; null while there is something to do, or nothing was. */
  caredFor: "cancelled" | "ended" | "retried" | null;
  /** True once retention may have deleted it with its id. */
  isForgotten: boolean;
}

/** A run that failed is not at its end for good: a person may have asked for more while that answer was under way. */
const ENDS: readonly unknown[] = ["succeeded", "cancelled"];

/** All that the world outside of the server knows: what was sent and what was answered. */
export class Ledger {
  readonly entries: Map<string, Entry> = new Map();
  /** Answers that no delivery of ours may get, and other things that no server may do. */
  readonly refusals: string[] = [];
  /** What a person has still to do something about. */
  readonly openCares: Set<Entry> = new Set();
  readonly #auditPath: string;
  readonly #queue: Entry[] = [];

  constructor(auditPath: string) {
    this.#auditPath = auditPath;
  }

  add(delivery: Delivery): void {
    const entry: Entry = {
      delivery,
      sent: 0,
      copiesLeft: delivery.copies,
      answeredAt: null,
      runIds: new Set(),
      acceptances: 0,
      caredFor: null,
      isForgotten: false,
    };
    this.entries.set(delivery.id, entry);
    // Copies stand side by side, so that they race.
    for (let copy = 0; copy < delivery.copies; copy++) this.#queue.push(entry);
  }

  /** Sends it again, although it was answered. */
  addCopy(entry: Entry): void {
    entry.copiesLeft++;
    this.#queue.push(entry);
  }

  /** The next to send. */
  take(isKnown: (entry: Entry) => boolean): Entry | null {
    const at = this.#queue.findIndex(isKnown);
    return at === -1 ? null : (this.#queue.splice(at, 1)[0] ?? null);
  }

  /** It got no answer that says that it is kept, so its sender comes again. */
  putBack(entry: Entry): void {
    this.#queue.push(entry);
  }

  /** How many copies are still to be sent. */
  get left(): number {
    return this.#queue.length;
  }

  /** A person has been told that there is nothing left to do. */
  careEnds(entry: Entry, end: NonNullable<Entry["caredFor"]>): void {
    entry.caredFor = end;
    this.openCares.delete(entry);
  }

  /** An answer to a delivery says that it is kept. */
  accepted(entry: Entry, json: Readonly<Record<string, unknown>> | null): void {
    if (entry.answeredAt === null && entry.delivery.care !== "none") this.openCares.add(entry);
    entry.answeredAt ??= performance.now();
    entry.copiesLeft--;
    const [run] = (json?.runs ?? []) as { run_id: string; status: string }[];
    if (json?.status === "accepted") entry.acceptances++;
    if (run === undefined) {
      if (json !== null) this.refusals.push(`${entry.delivery.id} was accepted without a run`);
      else if (entry.runIds.size === 0) this.addCopy(entry); // the rest of the answer was cut off
      return;
    }
    entry.runIds.add(run.run_id);
    this.told(run.run_id, run.status);
  }

  /** An answer says how a run stands, for good or not. */
  told(runId: string, status: unknown): void {
    if (ENDS.includes(status)) this.note({ run: runId, what: "rested" });
  }

  /** Into the same file as the workflows write, so that its order is the order of what happened. */
  note(line: NoteLine): void {
    appendFileSync(this.#auditPath, `${JSON.stringify(line)}\n`);
  }
}
