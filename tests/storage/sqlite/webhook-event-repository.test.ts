import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Storage, WebhookEventRepository } from "../../../lib/repositories.ts";
import { rejects } from "../../support/rejects.ts";
import { eventOf, runOf, StoredFile } from "../../support/stored.ts";

const DAY_MS = 86_400_000;

const test = suite<{ file: StoredFile; storage: Storage; ids: WebhookEventRepository }>(
  "storage/sqlite/webhook-event-repository",
);
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.storage = await t.file.open();
  t.ids = t.storage.webhookEvents;
});
test.after.each((t) => t.file.close());

test("an id is processed once it is marked, at that provider alone", async ({ ids }) => {
  assert.is(await ids.isProcessed("a"), false);
  assert.is(await ids.markProcessed("a"), true);
  assert.is(await ids.isProcessed("a"), true);
  assert.is(await ids.isProcessed("a", "generic"), true);
  assert.is(await ids.isProcessed("a", "github"), false);
  assert.is(await ids.isProcessed("A"), false);
});

test("the first mark of an id takes it, every later one does not", async ({ file, ids }) => {
  assert.equal(await Promise.all(Array.from({ length: 5 }, () => ids.markProcessed("a"))), [
    true,
    false,
    false,
    false,
    false,
  ]);
  assert.is(await ids.markProcessed("a", "github"), true);
  assert.is(file.count("webhook_events"), 2);
});

test("of marks that race over two connections one takes the id", async ({ file, ids }) => {
  const other = (await file.open()).webhookEvents;
  for (let round = 0; round < 10; round++) {
    const marks = Array.from({ length: 8 }, (_, at) => (at % 2 ? ids : other).markProcessed(`id ${round}`));
    assert.is((await Promise.all(marks)).filter(Boolean).length, 1);
  }
});

test("a mark says when, and is no event to be listed, shown or replayed", async ({ file, storage, ids }) => {
  await ids.markProcessed("a");
  const [row] = file.rows("SELECT id, accepted_at, id_source, body, body_hash FROM webhook_events");
  assert.equal(
    { ...row, id: null },
    { id: null, accepted_at: file.clock.now(), id_source: "mark", body: null, body_hash: null },
  );
  assert.is(await storage.getEvent(String(row?.id)), null);
});

for (const idSource of ["body", "header", "scheme", "trigger"] as const) {
  test(`an id of an event accepted by its ${idSource} is processed`, async ({ storage, ids }) => {
    await storage.accept(eventOf("a", { idSource, provider: "github" }), [runOf()], "conflict");
    assert.is(await ids.isProcessed("a", "github"), true);
    assert.is(await ids.isProcessed("a"), false);
  });
}

test("an id whose key has the body's hash in it is processed too", async ({ storage, ids }) => {
  const idKey = "github:scheme+body:00ff:a";
  await storage.accept(eventOf("a", { idSource: "scheme", provider: "github", idKey }), [], "conflict");
  assert.is(await ids.isProcessed("a", "github"), true);
});

test("a mark and an accepted event of one id do not block each other", async ({ storage, ids }) => {
  await ids.markProcessed("a");
  assert.is((await storage.accept(eventOf("a"), [runOf()], "conflict")).kind, "accepted");
  assert.is((await storage.accept(eventOf("b"), [runOf()], "conflict")).kind, "accepted");
  assert.is(await ids.markProcessed("b"), true);
});

test("an id that is given back may be taken again", async ({ ids }) => {
  await ids.markProcessed("a");
  await ids.unmarkProcessed("a");
  assert.is(await ids.isProcessed("a"), false);
  assert.is(await ids.markProcessed("a"), true);
});

test("giving back leaves other ids, other providers and accepted events", async ({ file, storage, ids }) => {
  await storage.accept(eventOf("a"), [runOf()], "conflict");
  await ids.markProcessed("a", "github");
  await ids.markProcessed("b");
  await ids.unmarkProcessed("a");
  await ids.unmarkProcessed("none");
  assert.is(await ids.isProcessed("a"), true);
  assert.is(await ids.isProcessed("a", "github"), true);
  assert.is(await ids.isProcessed("b"), true);
  assert.is(file.count("webhook_events"), 3);
});

test("an id has 1 to 255 characters, counted as people count them", async ({ ids }) => {
  for (const id of ["a", "x".repeat(255), "😀".repeat(255), "漢".repeat(255)]) {
    assert.is(await ids.markProcessed(id), true);
    assert.is(await ids.isProcessed(id), true);
    await ids.unmarkProcessed(id);
    assert.is(await ids.isProcessed(id), false);
  }
});

const unusable: Record<string, unknown> = {
  "an empty id": "",
  "an id of 256 characters": "x".repeat(256),
  "half a surrogate pair, which has no UTF-8": "a\ud800",
  "a number": 7,
  null: null,
  undefined: undefined,
};

for (const [name, id] of Object.entries(unusable)) {
  test(`${name} is refused, and nothing is stored`, async ({ file, ids }) => {
    const isTypeError = (error: Error) => error instanceof TypeError;
    for (const method of ["markProcessed", "unmarkProcessed"] as const) {
      await rejects((async () => ids[method](id as string))(), isTypeError);
    }
    assert.is(file.count("webhook_events"), 0);
  });
}

test("cleaning up deletes marks older than 7 days, and says how many", async ({ file, ids }) => {
  await ids.markProcessed("old");
  file.clock.jumpWall(DAY_MS);
  await ids.markProcessed("young");
  file.clock.jumpWall(6 * DAY_MS);
  assert.is(await ids.cleanupOldEvents(), 0, "7 days are not older than 7 days");
  file.clock.jumpWall(1);
  assert.is(await ids.cleanupOldEvents(), 1);
  assert.is(await ids.isProcessed("old"), false);
  assert.is(await ids.isProcessed("young"), true);
});

test("cleaning up erases events that have been at rest for so long, and keeps their ids", async ({
  file,
  storage,
  ids,
}) => {
  const acceptedAt = file.clock.now();
  const [rest, open] = [eventOf("rest", { acceptedAt }), eventOf("open", { acceptedAt })];
  await storage.accept(rest, [runOf("a", { id: "run_rest" })], "conflict");
  await storage.accept(open, [runOf()], "conflict");
  await storage.cancel("run_rest", acceptedAt + DAY_MS);
  file.clock.jumpWall(4 * DAY_MS);
  assert.is(await ids.cleanupOldEvents(3), 0, "it has been at rest for 3 days only");
  file.clock.jumpWall(1);
  assert.is(await ids.cleanupOldEvents(3), 1);
  assert.is((await storage.getEvent(rest.id))?.body, null);
  assert.is.not((await storage.getEvent(open.id))?.body, null);
  assert.is(await ids.isProcessed("rest"), true);
  assert.is((await storage.accept(eventOf("rest"), [], "conflict")).kind, "duplicate");
  file.clock.jumpWall(60 * DAY_MS);
  assert.is(await ids.cleanupOldEvents(3), 0, "ids are kept far longer than bodies");
});

test("cleaning up keeps accepted ids for as long as it takes, and never touches an unfinished event", async ({
  file,
  storage,
  ids,
}) => {
  const acceptedAt = file.clock.now();
  await storage.accept(eventOf("rest", { acceptedAt }), [], "conflict");
  await storage.accept(eventOf("open", { acceptedAt }), [runOf()], "conflict");
  file.clock.jumpWall(400 * DAY_MS);
  await ids.cleanupOldEvents();
  assert.equal([await ids.isProcessed("rest"), await ids.isProcessed("open")], [true, true]);
  assert.is(
    (
      await storage.listRuns({
        since: null,
        until: null,
        limit: 9,
        cursor: null,
        workflowName: null,
        status: "queued",
        eventId: null,
      })
    ).items.length,
    1,
  );
});

test("a provider whose name has a colon is refused, or two keys could read the same", async ({ ids }) => {
  for (const mark of [() => ids.markProcessed("a", "x:mark"), () => ids.unmarkProcessed("a", "X")]) {
    let thrown: unknown;
    try {
      await mark();
    } catch (error) {
      thrown = error;
    }
    assert.instance(thrown, TypeError);
  }
});

test("cleaning up goes on over batches, and lets the event loop turn between them", async ({ file, ids }) => {
  const db = file.connect();
  db.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001)
    INSERT INTO webhook_events (id, provider, id_source, webhook_id, id_key, accepted_at)
    SELECT 'evt_' || i, 'generic', 'mark', 'm' || i, 'generic:mark:m' || i, 1 FROM n`);
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  assert.is(await ids.cleanupOldEvents(), 1_001);
  isDone = true;
  assert.ok(turns >= 5, `the event loop turned ${turns} times in 6 batches`);
  assert.is(file.count("webhook_events"), 0);
});

for (const days of [-1, Number.NaN, Number.POSITIVE_INFINITY, "7" as unknown as number]) {
  test(`cleaning up after ${typeof days === "string" ? "a text" : days} days is refused`, async ({ ids }) => {
    await rejects(ids.cleanupOldEvents(days), (error) => error instanceof RangeError);
  });
}

test.run();
