import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { WebhookError } from "../../../lib/errors.ts";
import type { EventQuery, Storage } from "../../../lib/repositories.ts";
import { rejects } from "../../support/rejects.ts";
import { eventOf, firstPage, runOf, StoredFile } from "../../support/stored.ts";

const test = suite<{ file: StoredFile; storage: Storage }>("storage/sqlite/events");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.storage = await t.file.open();
});
test.after.each((t) => t.file.close());

const queryOf = (given: Partial<EventQuery> = {}): EventQuery => ({
  ...firstPage,
  provider: null,
  webhookId: null,
  ...given,
});

const idsOf = async (storage: Storage, given: Partial<EventQuery> = {}) =>
  (await storage.listEvents(queryOf(given))).items.map(({ eventId }) => eventId);

/** Events `evt_0`, `evt_1`, ... in the order of arrival. @returns their ids */
async function acceptEvents(storage: Storage, count: number, from = 0): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, at) => `evt_${from + at}`);
  for (const id of ids) await storage.accept(eventOf(null, { id }), [], "conflict");
  return ids;
}

test("an event shows all that was kept of it, and its runs with their present status", async ({
  storage,
}) => {
  const event = eventOf("w", {
    provider: "slack",
    idSource: "scheme",
    type: "message",
    contentType: "application/x-www-form-urlencoded",
    headers: { "user-agent": "Slackbot", "x-slack-request-timestamp": "1" },
    body: new Uint8Array([0, 200, 255]),
    notes: ["one", "two"],
    acceptedAt: 5_000,
  });
  await storage.accept(event, [runOf("a", { id: "run_a" }), runOf("b", { id: "run_b" })], "conflict");
  await storage.cancel("run_b", 6_000);
  const found = await storage.getEvent(event.id);
  assert.equal(
    { ...found, id: undefined, body: Array.from(found?.body ?? []) },
    {
      id: undefined,
      eventId: event.id,
      provider: "slack",
      webhookId: "w",
      idSource: "scheme",
      type: "message",
      acceptedAt: 5_000,
      erasedAt: null,
      contentType: "application/x-www-form-urlencoded",
      notes: ["one", "two"],
      runs: [
        { runId: "run_a", workflowName: "a", status: "queued" },
        { runId: "run_b", workflowName: "b", status: "cancelled" },
      ],
      headers: { "user-agent": "Slackbot", "x-slack-request-timestamp": "1" },
      body: [0, 200, 255],
    },
  );
});

test("an event that is unknown is null", async ({ storage }) => {
  assert.is(await storage.getEvent("evt_none"), null);
});

test("an event shows the runs of its replays too", async ({ storage }) => {
  const event = eventOf("w");
  await storage.accept(event, [runOf("a", { id: "run_0" })], "conflict");
  await storage.replay({
    eventId: event.id,
    idempotencyKey: null,
    runs: [runOf("a", { id: "run_1" })],
    now: 2_000,
  });
  assert.equal(
    (await storage.getEvent(event.id))?.runs.map(({ runId }) => runId),
    ["run_0", "run_1"],
  );
});

test("a list is newest first, without bodies, headers and marks", async ({ storage }) => {
  const ids = await acceptEvents(storage, 3);
  await storage.webhookEvents.markProcessed("m");
  assert.equal(await idsOf(storage), ids.toReversed());
  const [item] = (await storage.listEvents(queryOf())).items;
  for (const name of ["body", "headers", "seq"]) assert.not.ok(name in (item as object), name);
});

test("a list by provider and by webhook_id has those alone, alone and together, and never a mark", async ({
  storage,
}) => {
  for (const [id, provider, webhookId] of [
    ["evt_gx", "github", "x"],
    ["evt_gy", "github", "y"],
    ["evt_sx", "slack", "x"],
  ] as const) {
    await storage.accept(eventOf(webhookId, { id, provider, idSource: "scheme" }), [runOf()], "conflict");
    await storage.webhookEvents.markProcessed(webhookId, provider);
  }
  assert.equal(await idsOf(storage, { provider: "github" }), ["evt_gy", "evt_gx"]);
  assert.equal(await idsOf(storage, { webhookId: "x" }), ["evt_sx", "evt_gx"]);
  assert.equal(await idsOf(storage, { provider: "slack", webhookId: "x" }), ["evt_sx"]);
  assert.equal(await idsOf(storage, { provider: "slack", webhookId: "y" }), []);
  assert.equal((await storage.listEvents(queryOf({ provider: "slack" }))).items[0]?.runs.length, 1);
});

test("since is from that time on, until is before it", async ({ storage }) => {
  for (const acceptedAt of [1_000, 2_000, 3_000]) {
    await storage.accept(eventOf(null, { id: `evt_${acceptedAt}`, acceptedAt }), [], "conflict");
  }
  assert.equal(await idsOf(storage, { since: 2_000 }), ["evt_3000", "evt_2000"]);
  assert.equal(await idsOf(storage, { until: 2_000 }), ["evt_1000"]);
  assert.equal(await idsOf(storage, { since: 2_000, until: 3_000 }), ["evt_2000"]);
});

test("pages follow one another without a gap or a repeat, also while events arrive", async ({ storage }) => {
  const ids = await acceptEvents(storage, 7);
  const seen: string[] = [];
  let cursor: string | null = null;
  for (const [at, size] of [3, 3, 1].entries()) {
    const page: Awaited<ReturnType<Storage["listEvents"]>> = await storage.listEvents(
      queryOf({ limit: 3, cursor }),
    );
    assert.is(page.items.length, size);
    seen.push(...page.items.map(({ eventId }) => eventId));
    cursor = page.nextCursor;
    await acceptEvents(storage, 2, 100 + at * 10);
  }
  assert.is(cursor, null);
  assert.equal(seen, ids.toReversed());
});

test("a page that is just full is the last one, and its cursor is an opaque id", async ({ storage }) => {
  await acceptEvents(storage, 3);
  assert.is((await storage.listEvents(queryOf({ limit: 3 }))).nextCursor, null);
  assert.is((await storage.listEvents(queryOf({ limit: 2 }))).nextCursor, "evt_1");
});

test("a cursor that leads nowhere is refused with its fault", async ({ storage }) => {
  await acceptEvents(storage, 1);
  for (const cursor of ["evt_none", "", "run_1", "1"]) {
    await rejects(storage.listEvents(queryOf({ cursor })), (error) => {
      const { code, faults } = error as WebhookError;
      assert.equal([code, faults[0]?.pointer], ["cursor_unknown", "/cursor"]);
    });
  }
});

test("an erased event stays in the list and says when it was erased", async ({ storage }) => {
  const event = eventOf("w");
  await storage.accept(event, [], "conflict");
  await storage.erase(event.id, 9_000);
  const [item] = (await storage.listEvents(queryOf())).items;
  assert.equal([item?.eventId, item?.webhookId, item?.erasedAt, item?.type], [event.id, "w", 9_000, null]);
});

test.run();
