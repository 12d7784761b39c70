import { suite } from "uvu";
import * as assert from "uvu/assert";
import { idKeyOf } from "../../../lib/event.ts";
import type { EventQuery, Storage } from "../../../lib/repositories.ts";
import { IdHash, isBound } from "../../../lib/storage/sqlite/id-hash.ts";
import { openDatabase } from "../../../lib/storage/sqlite/open.ts";
import { SqliteStorage } from "../../../lib/storage/sqlite/sqlite-storage.ts";
import { eventOf, firstPage, runOf, StoredFile } from "../../support/stored.ts";

const HASH = new Uint8Array(32).fill(0xab);

const test = suite<{ file: StoredFile }>("storage/sqlite/id-hash");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
});
test.after.each((t) => t.file.close());

const keys: readonly [name: string, idKey: string, isItBound: boolean][] = [
  ["a plain id", idKeyOf("generic", "body", "a"), false],
  ["an id with colons", idKeyOf("generic", "body", "a:b::c"), false],
  ["an id that spells a bound one", idKeyOf("generic", "body", "header+body:00:a"), false],
  ["an id that begins like one", idKeyOf("generic", "header", "+body:00:a"), false],
  ["a bound id", idKeyOf("github", "scheme", "a", HASH), true],
  ["a bound id with colons", idKeyOf("github", "scheme", ":a:+body:b:", HASH), true],
  ["a body without an id", idKeyOf("github", "scheme", "", HASH), true],
];
for (const [name, idKey, isItBound] of keys) {
  const what = isItBound ? "counts together with a body" : "counts alone";
  test(`the key of ${name} ${what}`, () => assert.is(isBound(idKey), isItBound));
}

test("a hash is a whole number of 48 bits, the same for all sources, and another in another database", async ({
  file,
}) => {
  const { db } = await openDatabase(file.url, file.clock);
  const hash = new IdHash(db);
  const { db: otherDb } = await openDatabase(`${file.url}-other`, file.clock);
  const other = new IdHash(otherDb);
  for (let at = 0; at < 1_000; at++) {
    const one = hash.ofId(`id ${at}`);
    assert.ok(Number.isInteger(one) && one >= 0 && one < 2 ** 48);
    assert.is(hash.ofKey(idKeyOf("generic", "body", `id ${at}`)), one);
    assert.is(hash.ofKey(idKeyOf("acme", "mark", `id ${at}`)), one);
    assert.is.not(hash.ofKey(idKeyOf("acme", "scheme", `id ${at}`, HASH)), one);
    assert.is.not(other.ofId(`id ${at}`), one);
  }
  assert.is(new IdHash(db).ofId("a"), hash.ofId("a"));
  db.close();
  otherDb.close();
});

/** Bits of a hash, and how many ids are collected before they are moved: none are, or most. */
const cases: readonly [bits: number, collected: number][] = [48, 4, 0].flatMap((bits) => [
  [bits, 65_536],
  [bits, 5],
]);
for (const [bits, collected] of cases) {
  const how = `with hashes of ${bits} bits, moved by ${collected},`;
  test(`${how} each id is one event, whichever others meet it`, async ({ file }) => {
    const storage = await openWith(file, bits, collected);
    const ids = Array.from({ length: 100 }, (_, at) => `id ${at}`);
    for (const expected of ["accepted", "duplicate"]) {
      for (const id of ids) {
        const { kind } = await storage.accept(eventOf(id), [runOf()], "conflict");
        assert.is(kind, expected, id);
      }
    }
    const otherBody = eventOf("id 7", { bodyHash: new Uint8Array(32) });
    assert.is((await storage.accept(otherBody, [runOf()], "conflict")).kind, "conflict");
    assert.is(file.count("webhook_events"), 100);
    assert.is(file.count("runs"), 100);

    for (const id of ids) assert.is(await storage.webhookEvents.markProcessed(id), true, id);
    for (const id of ids) assert.is(await storage.webhookEvents.markProcessed(id), false, id);
    await storage.webhookEvents.unmarkProcessed("id 3");
    assert.is(await storage.webhookEvents.markProcessed("id 3"), true);
    assert.is(await storage.webhookEvents.isProcessed("id 3"), true);
    assert.is(await storage.webhookEvents.isProcessed("id 3", "acme"), false);
    assert.is(await storage.webhookEvents.isProcessed("id 100"), false);
    await storage.close();
  });

  test(`${how} an id is found at all its providers, bound or not`, async ({ file }) => {
    const storage = await openWith(file, bits, collected);
    for (const other of ["b", "c", "d"]) await storage.accept(eventOf(other), [], "conflict");
    await storage.accept(eventOf("a"), [], "conflict");
    for (const fill of [1, 2, 3]) {
      const bodyHash = new Uint8Array(32).fill(fill);
      const idKey = idKeyOf("github", "scheme", "a", bodyHash);
      const event = eventOf("a", { provider: "github", idSource: "scheme", bodyHash, idKey });
      assert.is((await storage.accept(event, [], "duplicate")).kind, "accepted");
      assert.is((await storage.accept({ ...event, id: "evt_copy" }, [], "duplicate")).kind, "duplicate");
    }
    const query: EventQuery = { ...firstPage, provider: null, webhookId: "a" };
    const found = async (given: Partial<EventQuery>): Promise<string[]> =>
      (await storage.listEvents({ ...query, ...given })).items.map((event) => event.provider);
    assert.equal(await found({}), ["github", "github", "github", "generic"]);
    assert.equal(await found({ provider: "github" }), ["github", "github", "github"]);
    assert.equal(await found({ webhookId: "none" }), []);
    assert.is(await storage.webhookEvents.isProcessed("a", "github"), true);
    assert.is(await storage.webhookEvents.isProcessed("b", "github"), false);
    await storage.close();
  });
}

test.run();

async function openWith(file: StoredFile, idHashBits: number, idsCollectedMax: number): Promise<Storage> {
  const open = await openDatabase(file.url, file.clock);
  return new SqliteStorage(file.url, open, file.clock, () => 0.5, { idHashBits, idsCollectedMax });
}
