import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { WebhookError } from "../../lib/errors.ts";
import type { Storage } from "../../lib/repositories.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import { SCHEMA_VERSION } from "../../lib/storage/sqlite/schema.ts";
import { rejects } from "../support/rejects.ts";
import { claimOf, endOf, eventOf, firstPage, runOf, StoredFile, stepOf } from "../support/stored.ts";

const test = suite<{ file: StoredFile }>("storage/backend");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
});
test.after.each((t) => t.file.close());

test("a file tells that it is durable and may be shared, and by which library", async ({ file }) => {
  const { about } = await file.open();
  assert.equal(
    { ...about, engine: "" },
    {
      url: file.url,
      isDurable: true,
      isShared: true,
      notSharedBecause: "",
      engine: "",
    },
  );
  assert.match(about.engine, /^(node:sqlite|better-sqlite3) 3\.\d+\.\d+/);
});

test("a database in memory is neither durable nor shared, and each is its own", async () => {
  const [one, other] = await Promise.all([
    createStorageBackend(":memory:"),
    createStorageBackend(":memory:"),
  ]);
  try {
    assert.is(one.about.isDurable, false);
    assert.is(one.about.isShared, false);
    assert.match(one.about.notSharedBecause, /memory/);
    await one.accept(eventOf("a"), [runOf()], "conflict");
    assert.is((await one.listEvents({ ...firstPage, provider: null, webhookId: null })).items.length, 1);
    assert.is((await other.listEvents({ ...firstPage, provider: null, webhookId: null })).items.length, 0);
  } finally {
    await one.close();
    await other.close();
  }
});

test("SQLite's other name for memory never passes for a durable file", async () => {
  const outcome = await createStorageBackend("file::memory:").catch((error: unknown) => error);
  if (outcome instanceof Error) return assert.instance(outcome, TypeError);
  const storage = outcome as Storage;
  await storage.close();
  assert.is(storage.about.isDurable, false);
});

test("what is stored is there after closing and opening again", async ({ file }) => {
  const first = await file.open();
  const event = eventOf("kept", {
    headers: { "user-agent": "ü" },
    notes: ["a note"],
    body: new Uint8Array([0, 255]),
  });
  await first.accept(event, [runOf("a", { id: "run_kept" })], "conflict");
  await first.close();
  const second = await file.open();
  assert.is((await second.getRun("run_kept"))?.status, "queued");
  const found = await second.getEvent(event.id);
  assert.equal(Array.from(found?.body ?? []), [0, 255]);
  assert.equal(found?.headers, { "user-agent": "ü" });
  assert.equal(found?.notes, ["a note"]);
});

for (const url of ["postgres://host/db", "postgresql://host/db"]) {
  test(`${url} is refused with what to give instead`, async () => {
    await rejects(createStorageBackend(url), (error) => {
      assert.instance(error, TypeError);
      assert.match(error.message, /file:PATH/);
    });
  });
}

test("closing twice is closing once", async ({ file }) => {
  const storage = await file.open();
  await storage.close();
  await storage.close();
});

const commands: Record<string, (storage: Storage) => Promise<unknown>> = {
  accept: (s) => s.accept(eventOf("late"), [runOf()], "conflict"),
  findAccepted: (s) => s.findAccepted(eventOf("late"), "conflict"),
  claim: (s) => s.claim(claimOf()),
  beat: (s) => s.beat("p1"),
  finishStep: (s) => s.finishStep({ runId: "run", fence: 1 }, stepOf("one")),
  endAttempt: (s) => s.endAttempt({ runId: "run", fence: 1 }, endOf()),
  settleAttempt: (s) => s.settleAttempt({ runId: "run", fence: 1 }, 1),
  countReady: (s) => s.countReady(["a"], 1),
  owners: (s) => s.owners(),
  ownedRuns: (s) => s.ownedRuns("p1"),
  bury: (s) => s.bury({ processId: "p1", beats: 1, now: 1, runs: [] }),
  leave: (s) => s.leave("p1"),
  cancel: (s) => s.cancel("run", 1),
  retry: (s) => s.retry("run", 1, 1),
  replay: (s) => s.replay({ eventId: "evt", idempotencyKey: null, runs: [], now: 1 }),
  erase: (s) => s.erase("evt", 1),
  cleanup: (s) => s.cleanup({ now: 1, eraseBefore: 1, deleteBefore: 1, marksBefore: 1, limit: 1 }),
  getRun: (s) => s.getRun("run"),
  getEvent: (s) => s.getEvent("evt"),
  listRuns: (s) => s.listRuns({ ...firstPage, workflowName: null, status: null, eventId: null }),
  listEvents: (s) => s.listEvents({ ...firstPage, provider: null, webhookId: null }),
  checkReady: (s) => s.checkReady(),
  isProcessed: (s) => s.webhookEvents.isProcessed("late"),
  markProcessed: (s) => s.webhookEvents.markProcessed("late"),
  unmarkProcessed: (s) => s.webhookEvents.unmarkProcessed("late"),
  cleanupOldEvents: (s) => s.webhookEvents.cleanupOldEvents(),
};

for (const [name, command] of Object.entries(commands)) {
  test(`${name} of a closed storage is refused as storage_unavailable`, async ({ file }) => {
    const storage = await file.open();
    await storage.close();
    await rejects(command(storage), (error) => (error as WebhookError).code === "storage_unavailable");
  });
}

test("hasChanged sees what another process commits, once, and never our own commits", async ({ file }) => {
  const [one, other] = [await file.open(), await file.open()];
  assert.is(one.hasChanged(), false);
  await one.accept(eventOf("own"), [runOf()], "conflict");
  assert.is(one.hasChanged(), false);
  await other.accept(eventOf("other"), [runOf()], "conflict");
  assert.is(one.hasChanged(), true);
  assert.is(one.hasChanged(), false);
});

test("hasChanged sees another's commit although we read and wrote since", async ({ file }) => {
  const [one, other] = [await file.open(), await file.open()];
  one.hasChanged();
  await other.accept(eventOf("other"), [runOf()], "conflict");
  await one.accept(eventOf("own"), [runOf()], "conflict");
  await one.getEvent("evt");
  assert.is(one.hasChanged(), true);
});

test("ready resolves after a write that reached the disk", async ({ file }) => {
  const storage = await file.open();
  await storage.checkReady();
  await storage.accept(eventOf("a"), [runOf()], "conflict");
  await storage.checkReady();
});

test("a process stops being ready, and stores nothing more, when another raised the schema", async ({
  file,
}) => {
  const storage = await file.open();
  const other = file.connect();
  other.exec("PRAGMA user_version = 1000");
  const isOutdated = (error: Error) => (error as WebhookError).code === "storage_outdated";
  await rejects(storage.checkReady(), isOutdated);
  await rejects(storage.accept(eventOf("late"), [runOf()], "conflict"), isOutdated);
  assert.throws(() => storage.hasChanged(), isOutdated);
  // For good: a schema that goes back is no reason to trust it again.
  other.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  await rejects(storage.accept(eventOf("late"), [runOf()], "conflict"), isOutdated);
  assert.is(file.count("webhook_events"), 0);
});

test.run();
