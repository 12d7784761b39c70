import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ReplayCommand, Storage, StoredEvent } from "../../../lib/repositories.ts";
import { rejects } from "../../support/rejects.ts";
import {
  acceptRuns,
  claimOf,
  endOf,
  eventOf,
  processOf,
  runOf,
  StoredFile,
  stepOf,
} from "../../support/stored.ts";

const test = suite<{ file: StoredFile; storage: Storage }>("storage/sqlite/accept");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.storage = await t.file.open();
});
test.after.each((t) => t.file.close());

test("an accepted event is on disk with its runs when the accept resolves", async ({ file, storage }) => {
  const event = eventOf("a", { provider: "slack", idSource: "scheme", type: "message" });
  const runs = [runOf("one"), runOf("two")];
  const outcome = await storage.accept(event, runs, "conflict");
  assert.equal(outcome, {
    kind: "accepted",
    eventId: event.id,
    webhookId: "a",
    runs: runs.map(({ id, workflowName }) => ({ runId: id, workflowName, status: "queued" })),
    claimed: [],
  });
  assert.is(file.count(`webhook_events WHERE id = '${event.id}' AND type = 'message'`), 1);
  assert.is(file.count("runs WHERE status = 'queued' AND replay = 0 AND fence = 0"), 2);
});

test("200 accepts of one id at once make one event and one run", async ({ file, storage }) => {
  const accepts = Array.from({ length: 200 }, () => storage.accept(eventOf("a"), [runOf()], "conflict"));
  const outcomes = await Promise.all(accepts);
  const kinds = outcomes.map(({ kind }) => kind).sort();
  assert.equal(kinds, ["accepted", ...Array(199).fill("duplicate")]);
  assert.is(new Set(outcomes.map(({ eventId }) => eventId)).size, 1);
  assert.is(new Set(outcomes.map(({ runs }) => runs[0]?.runId)).size, 1);
  assert.is(file.count("webhook_events"), 1);
  assert.is(file.count("runs"), 1);
});

test("accepts of one id over two connections make one event and one run", async ({ file, storage }) => {
  const storages = [storage, await file.open()];
  const accepts = Array.from({ length: 60 }, (_, at) =>
    (storages[at % 2] as Storage).accept(eventOf("a"), [runOf()], "conflict"),
  );
  const kinds = (await Promise.all(accepts)).map(({ kind }) => kind).sort();
  assert.equal(kinds, ["accepted", ...Array(59).fill("duplicate")]);
  assert.is(file.count("webhook_events"), 1);
  assert.is(file.count("runs"), 1);
});

test("a duplicate gets the first event's runs with their present status", async ({ storage }) => {
  const first = eventOf("a");
  await storage.accept(first, [runOf("a", { id: "run_first" })], "conflict");
  await storage.cancel("run_first", 2_000);
  const outcome = await storage.accept(eventOf("a"), [runOf("other")], "conflict");
  assert.equal(outcome, {
    kind: "duplicate",
    eventId: first.id,
    webhookId: "a",
    runs: [{ runId: "run_first", workflowName: "a", status: "cancelled" }],
    claimed: [],
  });
});

test("a run with a slot is under way with its accept, and is handed out as it was stored", async ({
  file,
  storage,
}) => {
  const event = eventOf("a", {
    provider: "slack",
    idSource: "scheme",
    type: "message",
    headers: { "x-a": "1" },
  });
  const claim = { process: processOf("p1"), fileHash: "abc" };
  const refused = { code: "input_invalid", message: "no" };
  const runs = [
    runOf("one", { claim }),
    runOf("two"),
    runOf("three", { claim }),
    runOf("four", { claim, error: refused }),
  ];
  const { runs: accepted, claimed } = await storage.accept(event, runs, "conflict");
  assert.equal(
    accepted.map(({ status }) => status),
    ["running", "queued", "running", "failed"],
  );
  assert.equal(
    claimed.map(({ runId, fence, workflowName }) => [runId, fence, workflowName]),
    [
      [runs[0]?.id, 1, "one"],
      [runs[2]?.id, 1, "three"],
    ],
  );
  for (const { id } of runs.filter((run) => run.claim !== null && run.error === null)) {
    const { status, attempts } = (await storage.getRun(id)) ?? {};
    assert.is(status, "running");
    assert.equal(attempts, [{ fence: 1, status: "running", startedAt: 1_000, endedAt: null, error: null }]);
  }
  assert.equal(file.rows("SELECT owner, attempt_file_hash AS hash FROM runs WHERE owner IS NOT NULL"), [
    { owner: "p1", hash: "abc" },
    { owner: "p1", hash: "abc" },
  ]);

  // A claim of the same event after its first attempt broke reads what the accept handed out.
  await storage.endAttempt(claimed[0] ?? { runId: "", fence: 0 }, endOf("failed"));
  const again = await storage.claim(claimOf({ workflows: ["one"] }));
  const [read, given] = [again.runs[0]?.event, claimed[0]?.event];
  for (const key of Object.keys(read ?? {}) as (keyof StoredEvent)[]) {
    const [a, b] = [read?.[key], given?.[key]];
    assert.equal(a instanceof Uint8Array ? [...a] : a, b instanceof Uint8Array ? [...b] : b, key);
  }
});

test("the accepts of one transaction that begin runs add one beat of their process, those of another one more", async ({
  file,
  storage,
}) => {
  const claim = { process: processOf("p1"), fileHash: null };
  const accept = (): Promise<unknown> => storage.accept(eventOf(null), [runOf("a", { claim })], "conflict");
  await Promise.all([accept(), accept(), accept()]);
  assert.equal(file.rows("SELECT id, beats FROM processes"), [{ id: "p1", beats: 1 }]);
  await accept();
  assert.equal(file.rows("SELECT id, beats FROM processes"), [{ id: "p1", beats: 2 }]);
});

test("a copy begins nothing, whatever slot its run has", async ({ file, storage }) => {
  const claim = { process: processOf("p1"), fileHash: null };
  await storage.accept(eventOf("a"), [runOf()], "conflict");
  const copy = await storage.accept(eventOf("a"), [runOf("a", { claim })], "conflict");
  assert.is(copy.kind, "duplicate");
  assert.equal(copy.claimed, []);
  assert.is(file.count("runs WHERE status = 'running'"), 0);
});

test("another body under the id is a conflict or a duplicate, as the caller says, and changes nothing", async ({
  file,
  storage,
}) => {
  const first = eventOf("a");
  await storage.accept(first, [runOf()], "conflict");
  const before = file.rows("SELECT * FROM webhook_events, runs");
  const other = () => eventOf("a", { body: new Uint8Array([1]) });
  const conflict = await storage.accept(other(), [runOf()], "conflict");
  assert.equal([conflict.kind, conflict.eventId], ["conflict", first.id]);
  const duplicate = await storage.accept(other(), [runOf()], "duplicate");
  assert.equal([duplicate.kind, duplicate.eventId], ["duplicate", first.id]);
  assert.equal(file.rows("SELECT * FROM webhook_events, runs"), before);
});

test("bodies whose hashes differ in one bit conflict", async ({ storage }) => {
  const bodyHash = new Uint8Array(32);
  await storage.accept(eventOf("a", { bodyHash }), [runOf()], "conflict");
  for (const at of [0, 31]) {
    const other = bodyHash.with(at, 1);
    assert.is((await storage.accept(eventOf("a", { bodyHash: other }), [], "conflict")).kind, "conflict");
  }
});

test("one id at two providers or from two sources is two events", async ({ file, storage }) => {
  const events = [
    eventOf("a"),
    eventOf("a", { idSource: "header" }),
    eventOf("a", { idSource: "scheme", provider: "github" }),
    eventOf("A"),
    eventOf("a "),
  ];
  for (const event of events)
    assert.is((await storage.accept(event, [runOf()], "conflict")).kind, "accepted");
  assert.is(file.count("webhook_events"), events.length);
});

test("events without an id are never deduplicated", async ({ file, storage }) => {
  const accepts = Array.from({ length: 20 }, () => storage.accept(eventOf(null), [runOf()], "conflict"));
  for (const { kind, webhookId } of await Promise.all(accepts)) {
    assert.is(kind, "accepted");
    assert.is(webhookId, null);
  }
  assert.is(file.count("webhook_events"), 20);
  assert.is(file.count("runs"), 20);
});

for (const webhookId of ["a", null]) {
  test(`an accept ${webhookId === null ? "without" : "with"} an id that is repeated after a commit of unknown outcome finds its own event`, async ({
    file,
    storage,
  }) => {
    const event = eventOf(webhookId);
    const runs = [runOf()];
    const first = await storage.accept(event, runs, "conflict");
    assert.equal(await storage.accept(event, runs, "conflict"), first);
    assert.is(file.count("webhook_events"), 1);
    assert.is(file.count("runs"), 1);
  });
}

test("an event that starts nothing is stored all the same", async ({ file, storage }) => {
  const outcome = await storage.accept(eventOf("a"), [], "conflict");
  assert.equal([outcome.kind, outcome.runs], ["accepted", []]);
  assert.is((await storage.accept(eventOf("a"), [], "conflict")).kind, "duplicate");
  assert.is(file.count("webhook_events"), 1);
});

test("a run whose inputs were refused is stored as failed beside the others", async ({ storage }) => {
  const error = { code: "input_invalid", message: "/topic: is missing" };
  const refused = runOf("strict", { error });
  const { runs } = await storage.accept(
    eventOf("a", { acceptedAt: 5_000 }),
    [runOf("a"), refused],
    "conflict",
  );
  assert.equal(
    runs.map(({ status }) => status),
    ["queued", "failed"],
  );
  const run = await storage.getRun(refused.id);
  assert.equal([run?.status, run?.error, run?.endedAt, run?.attempts], ["failed", error, 5_000, []]);
});

test("an empty body is a body", async ({ storage }) => {
  const event = eventOf("a", { body: new Uint8Array() });
  await storage.accept(event, [runOf()], "conflict");
  assert.is((await storage.getEvent(event.id))?.body?.length, 0);
});

test("NULL where a value must stand is a fault of the command, not a duplicate", async ({
  file,
  storage,
}) => {
  const broken = eventOf("a", { provider: null as unknown as string });
  await rejects(storage.accept(broken, [runOf()], "conflict"), /NOT NULL/);
  await rejects(storage.accept(eventOf("", { idKey: "generic:body:" }), [], "conflict"), /CHECK/);
  assert.is(file.count("webhook_events"), 0);
});

test("findAccepted says what an accept would find, and stores nothing", async ({ file, storage }) => {
  const event = eventOf("a");
  const other = { ...event, bodyHash: new Uint8Array(32) };
  assert.is(await storage.findAccepted(event, "conflict"), null);
  await storage.accept(event, [runOf()], "conflict");
  assert.is((await storage.findAccepted(event, "conflict"))?.kind, "duplicate");
  assert.is((await storage.findAccepted(other, "conflict"))?.kind, "conflict");
  assert.is((await storage.findAccepted(other, "duplicate"))?.kind, "duplicate");
  assert.is(file.count("webhook_events"), 1);
});

const replayOf = (eventId: string, given: Partial<ReplayCommand> = {}): ReplayCommand => ({
  eventId,
  idempotencyKey: null,
  runs: [runOf()],
  now: 2_000,
  ...given,
});

test("a replay makes new runs of the stored event, without the steps of earlier ones", async ({
  storage,
}) => {
  const event = eventOf("a");
  await storage.accept(event, [runOf("a", { id: "run_old" })], "conflict");
  const [claimed] = (await storage.claim(claimOf())).runs;
  await storage.finishStep({ runId: "run_old", fence: claimed?.fence ?? 0 }, stepOf("one"));
  const command = replayOf(event.id, { runs: [runOf("a", { id: "run_new" })], now: 9_000 });
  assert.equal(await storage.replay(command), {
    kind: "accepted",
    webhookId: "a",
    runs: [{ runId: "run_new", workflowName: "a", status: "queued" }],
  });
  const run = await storage.getRun("run_new");
  assert.equal([run?.replay, run?.eventId, run?.createdAt, run?.steps], [1, event.id, 9_000, []]);
  assert.equal((await storage.claim(claimOf())).runs[0]?.steps, []);
});

test("replays without a key are each a replay of their own", async ({ file, storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [runOf()], "conflict");
  const outcomes = await Promise.all([1, 2, 3].map(() => storage.replay(replayOf(event.id))));
  assert.equal(
    outcomes.map(({ kind }) => kind),
    ["accepted", "accepted", "accepted"],
  );
  assert.equal(
    file.rows("SELECT replay FROM runs ORDER BY seq").map(({ replay }) => replay),
    [0, 1, 2, 3],
  );
});

test("replays with one key, at once and over two connections, make one", async ({ file, storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [runOf()], "conflict");
  const storages = [storage, await file.open()];
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      (storages[at % 2] as Storage).replay(replayOf(event.id, { idempotencyKey: "click" })),
    ),
  );
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ["accepted", ...Array(19).fill("duplicate")]);
  assert.is(new Set(outcomes.map(({ runs }) => runs[0]?.runId)).size, 1);
  assert.is(file.count("runs"), 2);
});

test("one key at two events, and two keys at one event, are two replays", async ({ storage }) => {
  const [one, other] = [eventOf("one"), eventOf("other")];
  for (const event of [one, other]) await storage.accept(event, [runOf()], "conflict");
  for (const [event, idempotencyKey] of [
    [one, "k"],
    [other, "k"],
    [one, "l"],
  ] as const) {
    assert.is((await storage.replay(replayOf(event.id, { idempotencyKey }))).kind, "accepted");
  }
});

test("a delivery's duplicate is answered with the first runs, not with a replay's", async ({ storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [runOf("a", { id: "run_first" })], "conflict");
  await storage.replay(replayOf(event.id));
  const { runs } = await storage.accept(eventOf("a"), [], "conflict");
  assert.equal(
    runs.map(({ runId }) => runId),
    ["run_first"],
  );
});

test("a replay of an unknown event, and of a mark, is unknown", async ({ file, storage }) => {
  assert.equal(await storage.replay(replayOf("evt_none")), { kind: "unknown", webhookId: null, runs: [] });
  await storage.webhookEvents.markProcessed("m");
  const mark = String(file.rows("SELECT id FROM webhook_events")[0]?.id);
  assert.is((await storage.replay(replayOf(mark))).kind, "unknown");
  assert.is(await storage.erase(mark, 1), null);
  assert.is(await storage.getEvent(mark), null);
});

test("an erased event is not replayed, yet a repeated replay is told what it made", async ({ storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [], "conflict");
  const replayed = await storage.replay(replayOf(event.id, { idempotencyKey: "k" }));
  const runId = replayed.runs[0]?.runId ?? "";
  await storage.cancel(runId, 3_000);
  assert.is(await storage.erase(event.id, 4_000), "erased");
  assert.is((await storage.replay(replayOf(event.id))).kind, "erased");
  assert.is((await storage.replay(replayOf(event.id, { idempotencyKey: "l" }))).kind, "erased");
  const again = await storage.replay(replayOf(event.id, { idempotencyKey: "k" }));
  assert.equal([again.kind, again.runs[0]?.runId], ["duplicate", runId]);
});

test("erasing forgets all that was sent and made of it, and keeps ids, hash and times", async ({
  file,
  storage,
}) => {
  const event = eventOf("a", { type: "secret type", headers: { "user-agent": "secret" }, notes: ["secret"] });
  await storage.accept(event, [runOf("a", { id: "run_done" }), runOf("b", { id: "run_failed" })], "conflict");
  for (const { runId, fence } of (await storage.claim(claimOf({ workflows: ["a", "b"] }))).runs) {
    await storage.finishStep({ runId, fence }, stepOf("one", { result: '"secret"' }));
    const error = { code: "error", message: "secret" };
    const end =
      runId === "run_done"
        ? endOf("succeeded", { result: '"secret"' })
        : endOf("failed", { error, next: { status: "failed" } });
    await storage.endAttempt({ runId, fence }, end);
  }
  assert.is(await storage.erase(event.id, 7_000), "erased");
  const erased = await storage.getEvent(event.id);
  assert.equal(
    [erased?.body, erased?.headers, erased?.type, erased?.contentType, erased?.notes, erased?.erasedAt],
    [null, {}, null, "", [], 7_000],
  );
  assert.equal([erased?.webhookId, erased?.provider, erased?.acceptedAt], ["a", "generic", 1_000]);
  const run = await storage.getRun("run_failed");
  assert.equal(
    [run?.status, run?.workflowName, run?.error, run?.result, run?.attempts, run?.steps, run?.eventBody],
    ["failed", "b", null, null, [], [], null],
  );
  assert.is(file.count("steps"), 0);
  assert.is(file.count("attempts"), 0);
  const all = JSON.stringify(
    ["webhook_events", "runs", "replays"].map((name) => file.rows(`SELECT * FROM ${name}`)),
  );
  assert.not.match(all, /secret/);
});

test("an erased id is still a duplicate, and another body still a conflict", async ({ storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [], "conflict");
  await storage.erase(event.id, 7_000);
  assert.is((await storage.accept(eventOf("a"), [runOf()], "conflict")).kind, "duplicate");
  assert.is(
    (await storage.accept(eventOf("a", { body: new Uint8Array([1]) }), [], "conflict")).kind,
    "conflict",
  );
});

test("an event with a queued or running run is not erased", async ({ storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [runOf("done", { id: "run_done" }), runOf()], "conflict");
  await storage.cancel("run_done", 2_000);
  assert.is(await storage.erase(event.id, 7_000), "unfinished");
  const [claimed] = (await storage.claim(claimOf())).runs;
  assert.is(await storage.erase(event.id, 7_000), "unfinished");
  assert.is((await storage.getEvent(event.id))?.erasedAt, null);
  await storage.endAttempt({ runId: claimed?.runId ?? "", fence: 1 }, endOf());
  assert.is(await storage.erase(event.id, 7_000), "erased");
});

test("erasing twice keeps the first time, erasing what is unknown finds nothing", async ({ storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [], "conflict");
  await storage.erase(event.id, 7_000);
  assert.is(await storage.erase(event.id, 8_000), "erased");
  assert.is((await storage.getEvent(event.id))?.erasedAt, 7_000);
  assert.is(await storage.erase("evt_none", 8_000), null);
});

test("a run of an erased event is not retried, and says why", async ({ storage }) => {
  const event = eventOf("a");
  await storage.accept(event, [runOf("a", { id: "run_gone" })], "conflict");
  await storage.cancel("run_gone", 2_000);
  await storage.erase(event.id, 7_000);
  const change = await storage.retry("run_gone", 8_000, 60_000);
  assert.equal(change, { hasChanged: false, previous: "cancelled", isErased: true });
  assert.is((await storage.getRun("run_gone"))?.status, "cancelled");
});

test("ids with quotes, percent signs and other alphabets are stored as they are", async ({ storage }) => {
  for (const id of ["'; DROP TABLE runs; --", "100%", "漢字", "😀".repeat(255), '"', "a:b:c"]) {
    await storage.accept(eventOf(id), [runOf()], "conflict");
    assert.is((await storage.accept(eventOf(id), [runOf()], "conflict")).webhookId, id);
  }
  assert.is((await acceptRuns(storage, "a")).length, 1);
});

test.run();
