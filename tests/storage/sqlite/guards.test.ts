import { suite } from "uvu";
import * as assert from "uvu/assert";
import { encodeText } from "../../../lib/json.ts";
import type { AcceptOutcome, NewEvent, Storage } from "../../../lib/repositories.ts";
import { openDatabase } from "../../../lib/storage/sqlite/open.ts";
import { SqliteStorage } from "../../../lib/storage/sqlite/sqlite-storage.ts";
import { eventOf, firstPage, runOf, StoredFile } from "../../support/stored.ts";

const test = suite<{ file: StoredFile; storage: Storage }>("storage/sqlite/guards");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.storage = await t.file.open();
});
test.after.each((t) => t.file.close());

/** A delivery whose value `guard` counts once. */
function guarded(webhookId: string | null, guard: string | null, given: Partial<NewEvent> = {}): NewEvent {
  const guardKey = guard === null ? null : `mailgun:guard:${guard}`;
  return eventOf(webhookId, { provider: "mailgun", idSource: "scheme", guardKey, ...given });
}

const take = (storage: Storage, event: NewEvent): Promise<AcceptOutcome> =>
  storage.accept(event, [runOf()], "duplicate");

async function kindOf(storage: Storage, event: NewEvent): Promise<string> {
  const { kind, eventId } = await take(storage, event);
  return kind === "accepted" ? kind : `${kind} of ${eventId}`;
}

test("a value that was seen makes a copy of its event, whatever id and body come with it", async ({
  file,
  storage,
}) => {
  const first = guarded("a", "t1");
  assert.is(await kindOf(storage, first), "accepted");
  const copies = [
    guarded("a", "t1"),
    guarded("b", "t1"),
    guarded(null, "t1"),
    guarded("c", "t1", { body: encodeText("{}") }),
  ];
  for (const copy of copies) {
    assert.equal(await storage.findAccepted(copy, "duplicate"), await take(storage, copy));
    assert.is(await kindOf(storage, copy), `duplicate of ${first.id}`);
  }
  assert.equal([file.count("webhook_events"), file.count("runs"), file.count("guards")], [1, 1, 1]);
});

test("the same id under a new value is a copy, and the new value is used up with it", async ({
  file,
  storage,
}) => {
  const first = guarded("a", "t1");
  await take(storage, first);
  assert.is(await kindOf(storage, guarded("a", "t2")), `duplicate of ${first.id}`);
  assert.is(await kindOf(storage, guarded("forged", "t2")), `duplicate of ${first.id}`);
  assert.is(file.count("guards"), 2);
  assert.is(file.count("webhook_events"), 1);
});

test("where nothing is stored a new value is new, because it could not be used up", async ({ storage }) => {
  const first = guarded("a", "t1");
  await take(storage, first);
  assert.is(await storage.findAccepted(guarded("a", "t2"), "duplicate"), null);
  assert.is((await storage.findAccepted(guarded("a", "t1"), "duplicate"))?.eventId, first.id);
  assert.is((await storage.findAccepted(guarded("b", "t1"), "duplicate"))?.eventId, first.id);
  assert.is((await storage.findAccepted(guarded("a", null), "duplicate"))?.eventId, first.id);
});

test("where id and value belong to two events, the id's event is told", async ({ storage }) => {
  const [one, other] = [guarded("a", "t1"), guarded("b", "t2")];
  for (const event of [one, other]) await take(storage, event);
  assert.is(await kindOf(storage, guarded("a", "t2")), `duplicate of ${one.id}`);
  assert.is((await storage.findAccepted(guarded("a", "t2"), "duplicate"))?.eventId, one.id);
});

test("a value without an id is enough to know an event again", async ({ storage }) => {
  const first = guarded(null, "t1");
  assert.is(await kindOf(storage, first), "accepted");
  assert.is(await kindOf(storage, guarded(null, "t1")), `duplicate of ${first.id}`);
  assert.is(await kindOf(storage, guarded(null, "t2")), "accepted");
});

test("values differ by their last character, and by their provider", async ({ storage }) => {
  await take(storage, guarded("a", "t1"));
  assert.is(await kindOf(storage, guarded("b", "t11")), "accepted");
  assert.is(await kindOf(storage, guarded("c", "T1")), "accepted");
  const elsewhere = guarded("d", null, { provider: "acme", guardKey: "acme:guard:t1" });
  assert.is(await kindOf(storage, elsewhere), "accepted");
});

test("a value that spells an id, and an id that spells a value, are two things", async ({ storage }) => {
  await take(storage, guarded("a", "t1"));
  assert.is(await kindOf(storage, eventOf("mailgun:guard:t1")), "accepted");
  await take(storage, eventOf("x"));
  assert.is(await kindOf(storage, guarded("y", null, { guardKey: "generic:body:x" })), "accepted");
  const asked = { ...firstPage, provider: null, webhookId: "t1" };
  assert.equal((await storage.listEvents(asked)).items, []);
});

test("an accept that is repeated after a commit of unknown outcome finds its own event", async ({
  file,
  storage,
}) => {
  for (const event of [guarded("a", "t1"), guarded(null, "t2")]) {
    const runs = [runOf()];
    const first = await storage.accept(event, runs, "duplicate");
    assert.equal(await storage.accept(event, runs, "duplicate"), first);
  }
  assert.is(file.count("guards"), 2);
});

test("40 racing deliveries of one value over two connections make one event", async ({ file, storage }) => {
  const storages = [storage, await file.open()];
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, at) => take(storages[at % 2] as Storage, guarded(`id ${at}`, "t1"))),
  );
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ["accepted", ...Array(39).fill("duplicate")]);
  assert.equal([file.count("webhook_events"), file.count("runs")], [1, 1]);
});

test("what another process has stored is known, and so is all of it after a restart", async ({
  file,
  storage,
}) => {
  const other = await file.open();
  const first = guarded("a", "t1");
  await take(storage, first);
  assert.is(await kindOf(other, guarded("b", "t1")), `duplicate of ${first.id}`);
  await storage.close();
  assert.is(await kindOf(await file.open(), guarded("c", "t1")), `duplicate of ${first.id}`);
});

test("a value counts while its event is erased, and is free with the id when the row goes", async ({
  file,
  storage,
}) => {
  const first = guarded("a", "t1");
  await storage.accept(first, [], "duplicate");
  await storage.accept(guarded("a", "t2"), [], "duplicate");
  assert.is(await storage.erase(first.id, 2_000), "erased");
  assert.is(await kindOf(storage, guarded("b", "t1")), `duplicate of ${first.id}`);
  assert.is(await kindOf(storage, guarded("b", "t2")), `duplicate of ${first.id}`);
  await storage.cleanup({ now: 3_000, eraseBefore: 0, deleteBefore: 2_500, marksBefore: 0, limit: 10 });
  assert.equal([file.count("webhook_events"), file.count("guards")], [0, 0]);
  for (const value of ["t1", "t2"]) assert.is(await kindOf(storage, guarded(value, value)), "accepted");
});

test("an accept that fails uses up no value", async ({ storage }) => {
  const broken = guarded("a", "t1", { contentType: null as unknown as string });
  const refused = storage.accept(broken, [runOf("a", { id: null as unknown as string })], "duplicate");
  assert.is(await refused.then(String, () => "refused"), "refused");
  assert.is(await kindOf(storage, guarded("b", "t1")), "accepted");
});

test("values whose hashes meet are told apart, also when they were moved to the big index", async ({
  file,
}) => {
  const open = await openDatabase(file.url, file.clock);
  const small = { idHashBits: 3, idsCollectedMax: 8 };
  const storage = new SqliteStorage(file.url, open, file.clock, () => 0.5, small);
  const events = Array.from({ length: 40 }, (_, at) => guarded(`id ${at}`, `value ${at}`));
  for (const event of events) assert.is(await kindOf(storage, event), "accepted");
  for (const [at, event] of events.entries()) {
    assert.is(await kindOf(storage, guarded("new", `value ${at}`)), `duplicate of ${event.id}`);
  }
  assert.ok(file.count("id_hashes") > 0, "nothing was moved");
  await storage.close();
});

test("an event without a guard writes no row for one", async ({ file, storage }) => {
  for (const id of ["a", "a", "b", null]) await storage.accept(eventOf(id), [runOf()], "conflict");
  assert.is(file.count("guards"), 0);
  assert.is(file.count("recent_ids"), 2);
});

test.run();
