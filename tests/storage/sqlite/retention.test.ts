import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { CleanupCommand, NewEvent, Storage } from "../../../lib/repositories.ts";
import { claimOf, endOf, eventOf, requeueOf, runOf, StoredFile, stepOf } from "../../support/stored.ts";

const test = suite<{ file: StoredFile; storage: Storage }>("storage/sqlite/retention");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.storage = await t.file.open();
});
test.after.each((t) => t.file.close());

/** Erases before 10_000 and deletes nothing, unless it is told otherwise. */
const cleanupOf = (given: Partial<CleanupCommand> = {}): CleanupCommand => ({
  now: 50_000,
  eraseBefore: 10_000,
  deleteBefore: 0,
  marksBefore: 0,
  limit: 200,
  ...given,
});

const isErased = async (storage: Storage, event: NewEvent) =>
  ((await storage.getEvent(event.id))?.erasedAt ?? null) !== null;

test("an event without runs is as old as its acceptance", async ({ storage }) => {
  const [old, young] = [eventOf("old", { acceptedAt: 9_999 }), eventOf("young", { acceptedAt: 10_000 })];
  for (const event of [old, young]) await storage.accept(event, [], "conflict");
  assert.is(await storage.cleanup(cleanupOf()), 1);
  assert.equal([await isErased(storage, old), await isErased(storage, young)], [true, false]);
  assert.is((await storage.getEvent(old.id))?.erasedAt, 50_000);
});

test("an event is as old as the last end of its runs", async ({ storage }) => {
  const event = eventOf("a", { acceptedAt: 1_000 });
  await storage.accept(event, [runOf("a", { id: "run_early" }), runOf("b", { id: "run_late" })], "conflict");
  await storage.claim(claimOf({ workflows: ["a", "b"] }));
  await storage.endAttempt({ runId: "run_early", fence: 1 }, endOf("succeeded", { endedAt: 2_000 }));
  await storage.endAttempt({ runId: "run_late", fence: 1 }, endOf("succeeded", { endedAt: 20_000 }));
  assert.is(await storage.cleanup(cleanupOf({ eraseBefore: 20_000 })), 0);
  assert.is(await storage.cleanup(cleanupOf({ eraseBefore: 20_001 })), 1);
  assert.is(await isErased(storage, event), true);
});

test("an event is no older than its acceptance, whatever its runs' ends say", async ({ storage }) => {
  const event = eventOf("a", { acceptedAt: 30_000 });
  await storage.accept(event, [runOf("a", { id: "run_a" })], "conflict");
  await storage.cancel("run_a", 5_000); // the clock was set back
  assert.is(await storage.cleanup(cleanupOf({ eraseBefore: 30_000 })), 0);
  assert.is(await storage.cleanup(cleanupOf({ eraseBefore: 30_001 })), 1);
});

test("a replay makes its event young again", async ({ storage }) => {
  const event = eventOf("a", { acceptedAt: 1_000 });
  await storage.accept(event, [], "conflict");
  await storage.replay({
    eventId: event.id,
    idempotencyKey: null,
    runs: [runOf("a", { id: "run_replay" })],
    now: 20_000,
  });
  assert.is(await storage.cleanup(cleanupOf()), 0, "its run is queued");
  await storage.cancel("run_replay", 21_000);
  assert.is(await storage.cleanup(cleanupOf()), 0, "its run has just ended");
  assert.is(await storage.cleanup(cleanupOf({ eraseBefore: 21_001 })), 1);
});

/** What a run may be doing while its event grows old. */
const unfinished: Record<string, (storage: Storage) => Promise<unknown>> = {
  queued: async () => {},
  running: (storage) => storage.claim(claimOf()),
  asleep: async (storage) => {
    await storage.claim(claimOf());
    const next = requeueOf({ waitingFor: "sleep", dueAt: 1_000_000 });
    await storage.endAttempt({ runId: "run_open", fence: 1 }, endOf("slept", { next }));
  },
  retried: async (storage) => {
    await storage.cancel("run_open", 1_500);
    await storage.retry("run_open", 1_600, 60_000);
  },
};

for (const [name, happen] of Object.entries(unfinished)) {
  test(`an event with a run that is ${name} is never touched, however old`, async ({ file, storage }) => {
    const event = eventOf("a", { acceptedAt: 1 });
    await storage.accept(
      event,
      [runOf("done", { id: "run_done" }), runOf("a", { id: "run_open" })],
      "conflict",
    );
    await storage.cancel("run_done", 2);
    await happen(storage);
    const before = file.rows("SELECT * FROM webhook_events, runs");
    const far = Number.MAX_SAFE_INTEGER;
    assert.is(await storage.cleanup(cleanupOf({ eraseBefore: far, deleteBefore: far, marksBefore: far })), 0);
    assert.equal(file.rows("SELECT * FROM webhook_events, runs"), before);
  });
}

test("cleaning up erases all that erasing by hand does", async ({ file, storage }) => {
  const event = eventOf("a", { type: "secret", headers: { "user-agent": "secret" }, notes: ["secret"] });
  await storage.accept(event, [runOf("a", { id: "run_a" })], "conflict");
  await storage.claim(claimOf());
  await storage.finishStep({ runId: "run_a", fence: 1 }, stepOf("one", { result: '"secret"' }));
  await storage.endAttempt({ runId: "run_a", fence: 1 }, endOf("succeeded", { result: '"secret"' }));
  await storage.cleanup(cleanupOf());
  assert.equal([file.count("steps"), file.count("attempts")], [0, 0]);
  const rows = ["webhook_events", "runs"].map((name) => file.rows(`SELECT * FROM ${name}`));
  assert.not.match(JSON.stringify(rows), /secret|topic/);
  const run = await storage.getRun("run_a");
  assert.equal([run?.status, run?.workflowName, run?.endedAt], ["succeeded", "a", 4_000]);
});

test("an erased id is still a duplicate; once its rows are deleted it is new", async ({ file, storage }) => {
  await storage.accept(eventOf("a"), [runOf("a", { id: "run_a" })], "conflict");
  await storage.cancel("run_a", 2_000);
  assert.is(await storage.cleanup(cleanupOf()), 1);
  const duplicate = await storage.accept(eventOf("a"), [runOf()], "conflict");
  assert.equal([duplicate.kind, duplicate.runs[0]?.status], ["duplicate", "cancelled"]);
  assert.is(
    await storage.cleanup(cleanupOf({ deleteBefore: 2_000 })),
    0,
    "it ended at that time, not before",
  );
  assert.is(await storage.cleanup(cleanupOf({ deleteBefore: 2_001 })), 1);
  assert.equal([file.count("webhook_events"), file.count("runs")], [0, 0]);
  assert.is((await storage.accept(eventOf("a"), [runOf()], "conflict")).kind, "accepted");
});

test("nothing of a deleted event is left in any table", async ({ file, storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [], "conflict");
  await storage.replay({
    eventId: event.id,
    idempotencyKey: "k",
    runs: [runOf("a", { id: "run_a" })],
    now: 1_500,
  });
  await storage.claim(claimOf());
  await storage.finishStep({ runId: "run_a", fence: 1 }, stepOf("one"));
  await storage.endAttempt({ runId: "run_a", fence: 1 }, endOf());
  await storage.cleanup(cleanupOf({ deleteBefore: 10_000 }));
  const tables = ["webhook_events", "runs", "replays", "attempts", "steps"];
  assert.equal(
    tables.map((name) => file.count(name)),
    [0, 0, 0, 0, 0],
  );
  assert.equal(file.rows("PRAGMA foreign_key_check"), []);
});

test("an event that was not erased is not deleted, even where its age would allow it", async ({
  file,
  storage,
}) => {
  await storage.accept(eventOf("a"), [], "conflict");
  await storage.cleanup(cleanupOf({ eraseBefore: 0, deleteBefore: 10_000 }));
  assert.is(file.count("webhook_events"), 1);
});

test("an event erased by hand keeps its id until its own age is reached", async ({ file, storage }) => {
  const event = eventOf("a", { acceptedAt: 20_000 });
  await storage.accept(event, [], "conflict");
  await storage.erase(event.id, 20_500);
  await storage.cleanup(cleanupOf({ deleteBefore: 20_000 }));
  assert.is(file.count("webhook_events"), 1);
  await storage.cleanup(cleanupOf({ deleteBefore: 20_001 }));
  assert.is(file.count("webhook_events"), 0);
});

test("marks are deleted by their own age, and never erased", async ({ file, storage }) => {
  await storage.webhookEvents.markProcessed("old");
  await file.clock.advance(1_000);
  await storage.webhookEvents.markProcessed("young");
  const now = file.clock.now();
  const far = Number.MAX_SAFE_INTEGER;
  assert.is(await storage.cleanup(cleanupOf({ eraseBefore: far, deleteBefore: far, marksBefore: now })), 1);
  assert.equal(file.rows("SELECT webhook_id, erased_at FROM webhook_events"), [
    { webhook_id: "young", erased_at: null },
  ]);
});

test("a batch changes no more than its limit, and batches come to an end", async ({ file, storage }) => {
  for (let at = 0; at < 7; at++) await storage.accept(eventOf(`e${at}`), [runOf()], "conflict");
  for (const { id } of file.rows("SELECT id FROM runs")) await storage.cancel(String(id), 2_000);
  for (let at = 0; at < 4; at++) await storage.webhookEvents.markProcessed(`m${at}`);
  const far = Number.MAX_SAFE_INTEGER;
  const command = cleanupOf({ eraseBefore: far, deleteBefore: far, marksBefore: far, limit: 3 });
  const left = () => file.count("webhook_events WHERE erased_at IS NULL");
  const counts: number[] = [];
  for (let changed = 3; changed === 3; ) {
    const before = [left(), file.count("webhook_events")];
    changed = await storage.cleanup(command);
    counts.push(changed);
    const after = [left(), file.count("webhook_events")];
    assert.ok(changed <= 3);
    assert.ok(before.every((count, index) => count - (after[index] ?? 0) <= 3));
  }
  // 7 are erased, 7 deleted, 4 marks deleted; the last batch is below the limit.
  assert.is(
    counts.reduce((sum, count) => sum + count, 0),
    18,
  );
  assert.is(file.count("webhook_events"), 0);
});

test("unfinished events do not keep a batch from those that are old behind them", async ({ storage }) => {
  for (let at = 0; at < 5; at++)
    await storage.accept(eventOf(`open${at}`, { acceptedAt: at }), [runOf()], "conflict");
  const done = eventOf("done", { acceptedAt: 100 });
  await storage.accept(done, [], "conflict");
  assert.is(await storage.cleanup(cleanupOf({ limit: 1 })), 1);
  assert.is(await isErased(storage, done), true);
});

test.run();
