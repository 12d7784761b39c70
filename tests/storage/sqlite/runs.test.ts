import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { WebhookError } from "../../../lib/errors.ts";
import type { RunQuery, Storage } from "../../../lib/repositories.ts";
import { rejects } from "../../support/rejects.ts";
import {
  acceptMany,
  claimOf,
  endOf,
  eventOf,
  firstPage,
  requeueOf,
  runOf,
  StoredFile,
} from "../../support/stored.ts";

const test = suite<{ file: StoredFile; storage: Storage }>("storage/sqlite/runs");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.storage = await t.file.open();
});
test.after.each((t) => t.file.close());

const queryOf = (given: Partial<RunQuery> = {}): RunQuery => ({
  ...firstPage,
  workflowName: null,
  status: null,
  eventId: null,
  ...given,
});

const idsOf = async (storage: Storage, given: Partial<RunQuery> = {}) =>
  (await storage.listRuns(queryOf(given))).items.map(({ runId }) => runId);

test("a run that is unknown is null", async ({ storage }) => {
  assert.is(await storage.getRun("run_none"), null);
});

test("a run shows its event, its body and nothing that it has not got yet", async ({ storage }) => {
  const event = eventOf("a", {
    provider: "github",
    idSource: "scheme",
    acceptedAt: 5_000,
    body: new Uint8Array([7]),
  });
  await storage.accept(event, [runOf("a", { id: "run_a" })], "conflict");
  const run = await storage.getRun("run_a");
  assert.equal(
    { ...run, id: undefined, eventBody: Array.from(run?.eventBody ?? []) },
    {
      id: undefined,
      runId: "run_a",
      eventId: event.id,
      workflowName: "a",
      replay: 0,
      status: "queued",
      waitingFor: null,
      dueAt: null,
      error: null,
      createdAt: 5_000,
      endedAt: null,
      provider: "github",
      eventBody: [7],
      eventContentType: "application/json",
      result: null,
      attempts: [],
      steps: [],
    },
  );
});

test("attempts are listed in the order of their fences", async ({ storage }) => {
  const [runId = ""] = await acceptMany(storage, "a", 1);
  for (let fence = 1; fence <= 11; fence++) {
    await storage.claim(claimOf({ now: fence * 1_000 }));
    await storage.endAttempt({ runId, fence }, endOf("failed", { endedAt: fence * 1_000 + 1 }));
  }
  const attempts = (await storage.getRun(runId))?.attempts ?? [];
  assert.equal(
    attempts.map(({ fence, startedAt }) => [fence, startedAt]),
    Array.from({ length: 11 }, (_, at) => [at + 1, (at + 1) * 1_000]),
  );
});

test("a list is newest first, and leaves out what only one run shows", async ({ storage }) => {
  const ids = await acceptMany(storage, "a", 3);
  assert.equal(await idsOf(storage), ids.toReversed());
  const [item] = (await storage.listRuns(queryOf())).items;
  for (const name of ["result", "steps", "attempts", "eventBody"])
    assert.not.ok(name in (item as object), name);
});

/** One run in each status, by its status. */
async function oneOfEach(storage: Storage): Promise<Record<string, string>> {
  const [succeeded = "", failed = "", running = "", cancelled = "", queued = ""] = await acceptMany(
    storage,
    "a",
    5,
  );
  await storage.claim(claimOf({ limit: 3 }));
  await storage.endAttempt({ runId: succeeded, fence: 1 }, endOf());
  await storage.endAttempt({ runId: failed, fence: 1 }, endOf("failed", { next: { status: "failed" } }));
  await storage.cancel(cancelled, 5_000);
  return { succeeded, failed, running, cancelled, queued };
}

for (const status of ["queued", "running", "succeeded", "failed", "cancelled"] as const) {
  test(`a list of ${status} runs has those alone`, async ({ storage }) => {
    const ids = await oneOfEach(storage);
    const { items } = await storage.listRuns(queryOf({ status }));
    assert.equal(
      items.map(({ runId, status }) => [runId, status]),
      [[ids[status], status]],
    );
    assert.equal(await idsOf(storage, { status, workflowName: "a" }), [ids[status]]);
    assert.equal(await idsOf(storage, { status, workflowName: "other" }), []);
  });
}

test("a list by workflow and by event has those alone, alone and together", async ({ storage }) => {
  const event = eventOf("x");
  await storage.accept(event, [runOf("a", { id: "run_xa" }), runOf("b", { id: "run_xb" })], "conflict");
  const [ya = ""] = await acceptMany(storage, "a", 1);
  assert.equal(await idsOf(storage, { workflowName: "a" }), [ya, "run_xa"]);
  assert.equal(await idsOf(storage, { eventId: event.id }), ["run_xb", "run_xa"]);
  assert.equal(await idsOf(storage, { eventId: event.id, workflowName: "a" }), ["run_xa"]);
  assert.equal(await idsOf(storage, { eventId: event.id, status: "failed" }), []);
  assert.equal(await idsOf(storage, { eventId: "evt_none" }), []);
  assert.equal(await idsOf(storage, { workflowName: "A" }), []);
});

test("an event's list has its replays", async ({ storage }) => {
  const event = eventOf("x");
  await storage.accept(event, [runOf("a", { id: "run_0" })], "conflict");
  await storage.replay({
    eventId: event.id,
    idempotencyKey: null,
    runs: [runOf("a", { id: "run_1" })],
    now: 2_000,
  });
  const { items } = await storage.listRuns(queryOf({ eventId: event.id }));
  assert.equal(
    items.map(({ runId, replay }) => [runId, replay]),
    [
      ["run_1", 1],
      ["run_0", 0],
    ],
  );
});

test("since is from that time on, until is before it", async ({ storage }) => {
  for (const at of [1_000, 2_000, 3_000]) {
    await storage.accept(eventOf(null, { acceptedAt: at }), [runOf("a", { id: `run_${at}` })], "conflict");
  }
  assert.equal(await idsOf(storage, { since: 2_000 }), ["run_3000", "run_2000"]);
  assert.equal(await idsOf(storage, { until: 2_000 }), ["run_1000"]);
  assert.equal(await idsOf(storage, { since: 2_000, until: 3_000 }), ["run_2000"]);
  assert.equal(await idsOf(storage, { since: 0, until: 0 }), []);
});

test("pages follow one another without a gap or a repeat, also while runs arrive", async ({ storage }) => {
  const ids = await acceptMany(storage, "a", 7);
  const seen: string[] = [];
  let cursor: string | null = null;
  for (const size of [3, 3, 1]) {
    const page: Awaited<ReturnType<Storage["listRuns"]>> = await storage.listRuns(
      queryOf({ limit: 3, cursor }),
    );
    assert.is(page.items.length, size);
    seen.push(...page.items.map(({ runId }) => runId));
    cursor = page.nextCursor;
    await acceptMany(storage, "a", 2);
  }
  assert.is(cursor, null);
  assert.equal(seen, ids.toReversed());
});

test("a page that is just full is the last one", async ({ storage }) => {
  await acceptMany(storage, "a", 3);
  assert.is((await storage.listRuns(queryOf({ limit: 3 }))).nextCursor, null);
  assert.is.not((await storage.listRuns(queryOf({ limit: 2 }))).nextCursor, null);
});

test("a cursor goes on within its filter", async ({ storage }) => {
  const ids = await acceptMany(storage, "a", 3);
  await acceptMany(storage, "b", 3);
  const first = await storage.listRuns(queryOf({ limit: 2, workflowName: "a" }));
  assert.equal(await idsOf(storage, { cursor: first.nextCursor, workflowName: "a" }), [ids[0]]);
});

test("a cursor that leads nowhere is refused with its fault", async ({ storage }) => {
  await acceptMany(storage, "a", 1);
  for (const cursor of ["run_none", "", "1", "' OR 1"]) {
    await rejects(storage.listRuns(queryOf({ cursor })), (error) => {
      const { code, faults } = error as WebhookError;
      assert.equal([code, faults[0]?.pointer], ["cursor_unknown", "/cursor"]);
    });
  }
});

test("an empty list has no next page", async ({ storage }) => {
  assert.equal(await storage.listRuns(queryOf()), { items: [], nextCursor: null });
});

test("a list tells what a queued run waits for, and until when", async ({ storage }) => {
  const [runId = ""] = await acceptMany(storage, "a", 1);
  await storage.claim(claimOf());
  await storage.endAttempt(
    { runId, fence: 1 },
    endOf("failed", { next: requeueOf({ waitingFor: "retry", dueAt: 9_000 }) }),
  );
  const [item] = (await storage.listRuns(queryOf())).items;
  assert.equal([item?.status, item?.waitingFor, item?.dueAt], ["queued", "retry", 9_000]);
  assert.equal(item?.error, { code: "error", message: "it broke" });
});

test("row numbers never leave", async ({ storage }) => {
  const [runId = ""] = await acceptMany(storage, "a", 2);
  const { nextCursor } = await storage.listRuns(queryOf({ limit: 1 }));
  assert.match(String(nextCursor), /^run_/);
  const shown = [await storage.getRun(runId), (await storage.listRuns(queryOf())).items[0]];
  for (const record of shown) assert.not.ok("seq" in (record as object));
});

test.run();
