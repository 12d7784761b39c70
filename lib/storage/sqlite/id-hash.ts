import { sha256Hex } from "../../sha256.ts";
import type { Database, Row } from "./driver.ts";

/** 48 bits fit a number, and of five million ids some thirty share theirs with another by chance at most. */
const HASH_BITS = 48;
const BITS_PER_DIGIT = 4;

/**
 * The short hash under which ids are indexed. A text index of five million random ids outgrows every cache, and a number
 * is a third of one. It only narrows the search: the whole id key decides, so two ids of one hash are two ids. It is
 * keyed with the database's own key, so that nobody can choose ids that crowd under one hash.
 */
export class IdHash {
  readonly #key: string;
  readonly #bits: number;

  /** @param bits fewer than 48 only in tests, to make different ids meet */
  constructor(db: Database, bits: number = HASH_BITS) {
    const row = db.prepare("SELECT hex(value) AS key FROM keys WHERE name = 'id_hash'").get() as Row;
    this.#key = String(row.key);
    this.#bits = bits;
  }

  /** Of a webhook_id, whatever its provider and source. */
  ofId(webhookId: string): number {
    const digits = sha256Hex(this.#key + webhookId).slice(0, HASH_BITS / BITS_PER_DIGIT);
    return Number.parseInt(digits, 16) % 2 ** this.#bits;
  }

  /**
   * Of an id key: the webhook_id's own, by which people look it up. An id that counts together with its body has a hash
   * of the whole key, because any number of bodies may come under one such id.
   */
  ofKey(idKey: string): number {
    return this.ofId(isBound(idKey) ? idKey : webhookIdOf(idKey));
  }
}

/** True for a key in which the id counts together with the body. */
export function isBound(idKey: string): boolean {
  const source = idKey.indexOf(":") + 1;
  const bound = idKey.indexOf("+body:", source);
  // A source has no colon, so what stands behind the next one is part of an id.
  return bound !== -1 && bound < idKey.indexOf(":", source);
}

function webhookIdOf(idKey: string): string {
  return idKey.slice(idKey.indexOf(":", idKey.indexOf(":") + 1) + 1);
}
