import { type Clock, pause } from "../../clock.ts";
import { idKeyOf } from "../../event.ts";
import { newId } from "../../ids.ts";
import type { CleanupCommand, WebhookEventRecord, WebhookEventRepository } from "../../repositories.ts";
import { PROVIDER_NAME } from "../../workflow.ts";
import type { Database, Row, Statement } from "./driver.ts";
import type { SqliteEvents } from "./events.ts";
import type { IdHash } from "./id-hash.ts";
import type { IdIndex } from "./id-index.ts";
import type { Writer } from "./writer.ts";

const DAY_MS = 86_400_000;

/** Rows that one batch of retention changes at most: accepts wait for one batch, never for a whole pass. */
const BATCH_EVENTS = 200;

/** The longest id, in characters (code points), as an accepted delivery may have it. */
const CHARACTERS_MAX = 255;

/**
 * Processed webhook ids in the table of events. A mark stands under a source of its own, so neither it nor an accepted
 * event of the same id blocks the other.
 */
export class SqliteWebhookEventRepository implements WebhookEventRepository {
  readonly #idHash: IdHash;
  readonly #idIndex: IdIndex;
  readonly #events: SqliteEvents;
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #read: <T>(read: () => T) => Promise<T>;
  readonly #cleanup: (command: CleanupCommand) => Promise<number>;
  readonly #find: Statement;
  readonly #mark: Statement;

  /** Made by `createStorageBackend`, as its `webhookEvents`. */
  constructor(
    db: Database,
    idHash: IdHash,
    idIndex: IdIndex,
    events: SqliteEvents,
    writer: Writer,
    clock: Clock,
    read: <T>(read: () => T) => Promise<T>,
    cleanup: (command: CleanupCommand) => Promise<number>,
  ) {
    this.#idHash = idHash;
    this.#idIndex = idIndex;
    this.#events = events;
    this.#writer = writer;
    this.#clock = clock;
    this.#read = read;
    this.#cleanup = cleanup;
    this.#find = db.prepare(`
      SELECT seq, accepted_at FROM webhook_events
      WHERE seq IN (SELECT value FROM json_each(?) UNION ALL SELECT seq FROM webhook_events WHERE bound_id = ?)
        AND webhook_id = ? AND provider = ? ORDER BY seq LIMIT 1`);
    this.#mark = db.prepare(`
      INSERT INTO webhook_events (id, provider, id_source, webhook_id, id_key, accepted_at)
      VALUES (?, ?, 'mark', ?, ?, ?)`);
  }

  async isProcessed(webhookId: string, provider = "generic"): Promise<boolean> {
    return (await this.#read(() => this.find(webhookId, provider))) !== null;
  }

  /** The first record of an id at a provider, by any source; null for none. */
  find(webhookId: string, provider: string): WebhookEventRecord | null {
    const seqs = JSON.stringify(this.#idIndex.find(this.#idHash.ofId(webhookId)));
    const row = this.#find.get(seqs, webhookId, webhookId, provider) as Row | undefined;
    if (row === undefined) return null;
    return { id: Number(row.seq), webhookId, provider, processedAt: Number(row.accepted_at) };
  }

  markProcessed(webhookId: string, provider = "generic"): Promise<boolean> {
    const id = newId("evt");
    const idKey = idKeyOf(checkProvider(provider), "mark", checkId(webhookId));
    const idHash = this.#events.hashOf(idKey);
    const now = this.#clock.now();
    return this.#writer.write(() => {
      if (this.#events.findByIdKey(idHash, idKey) !== null) return false;
      const marked = this.#mark.run(id, provider, webhookId, idKey, now);
      this.#idIndex.add(idHash, Number(marked.lastInsertRowid));
      return true;
    });
  }

  unmarkProcessed(webhookId: string, provider = "generic"): Promise<void> {
    const idKey = idKeyOf(checkProvider(provider), "mark", checkId(webhookId));
    return this.#writer.write(() => {
      // Only a mark has a key of this source.
      const mark = this.#events.findByIdKey(this.#events.hashOf(idKey), idKey);
      if (mark !== null) this.#events.delete(mark.seq, idKey);
    });
  }

  async cleanupOldEvents(days = 7): Promise<number> {
    if (!Number.isFinite(days) || days < 0) {
      throw new RangeError(`Cannot clean up events older than ${days} days: give a number of 0 or more`);
    }
    const now = this.#clock.now();
    const eraseBefore = now - days * DAY_MS;
    let total = 0;
    for (;;) {
      // Accepted ids stay: how long they hold is the server's promise, and its own retention ends it.
      const command = { now, eraseBefore, deleteBefore: 0, marksBefore: eraseBefore, limit: BATCH_EVENTS };
      const changed = await this.#cleanup(command);
      total += changed;
      if (changed < BATCH_EVENTS) return total;
      // A turn of the event loop, in which accepts that wait get theirs.
      await pause(this.#clock, 0);
    }
  }
}

function checkId(webhookId: string): string {
  // Half a surrogate pair has no UTF-8, and two different ids would be stored as the same replacement character.
  const isText = typeof webhookId === "string" && !/\p{Cs}/u.test(webhookId);
  const characters = isText ? Array.from(webhookId).length : 0;
  if (characters >= 1 && characters <= CHARACTERS_MAX) return webhookId;
  throw new TypeError("Cannot use this webhookId: give a text of 1 to 255 characters");
}

/** With a `:` in it two different keys could read the same. */
function checkProvider(provider: string): string {
  if (PROVIDER_NAME.test(provider)) return provider;
  throw new TypeError(
    `Cannot use ${JSON.stringify(provider)} as provider: a name has lower-case letters, digits and "-"`,
  );
}
