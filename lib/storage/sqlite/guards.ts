import type { Database, Row, Statement } from "./driver.ts";
import type { IdHash } from "./id-hash.ts";
import type { IdIndex } from "./id-index.ts";

/**
 * The values that count for one event only, such as the token that Mailgun signs. They stand beside the event in a table
 * of their own, because an event that was sent again under a new value has used up both, and because most events have
 * none. Every method is called inside a transaction.
 */
export class SqliteGuards {
  readonly #idHash: IdHash;
  readonly #idIndex: IdIndex;
  readonly #isOf: Statement;
  readonly #insert: Statement;
  readonly #ofEvent: Statement;

  constructor(db: Database, idHash: IdHash, idIndex: IdIndex) {
    this.#idHash = idHash;
    this.#idIndex = idIndex;
    this.#isOf = db.prepare("SELECT 1 FROM guards WHERE event_seq = ? AND guard_key = ?");
    this.#insert = db.prepare("INSERT INTO guards (event_seq, guard_key) VALUES (?, ?)");
    this.#ofEvent = db.prepare("SELECT guard_key FROM guards WHERE event_seq = ?");
  }

  /** The row of the event for which the value has counted; null for a new one. */
  find(guardKey: string): number | null {
    for (const seq of this.#idIndex.find(this.#idHash.ofId(guardKey))) {
      if (this.#isOf.get(seq, guardKey) !== undefined) return seq;
    }
    return null;
  }

  /** The value, which is new, has counted for this event. */
  add(seq: number, guardKey: string): void {
    this.#insert.run(seq, guardKey);
    this.#idIndex.add(this.#idHash.ofId(guardKey), seq);
  }

  /** The event is about to be deleted, and the rows go with it: its values are new again. */
  forget(seq: number): void {
    for (const { guard_key: guardKey } of this.#ofEvent.all(seq) as Row[]) {
      this.#idIndex.remove(this.#idHash.ofId(String(guardKey)), seq);
    }
  }
}
