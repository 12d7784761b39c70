import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import type { AcceptGivens, Slots } from "../../lib/accept/accept.ts";
import { FilterLog } from "../../lib/accept/filter-log.ts";
import { type ReplayRequest, replay } from "../../lib/accept/replay.ts";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { WebhookError } from "../../lib/errors.ts";
import { encodeText } from "../../lib/json.ts";
import { silentLog } from "../../lib/log.ts";
import type { Storage } from "../../lib/repositories.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import type { AnyWorkflow } from "../../lib/workflow.ts";
import { WorkflowRegistry } from "../../lib/workflows/registry.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { noShedding } from "../support/no-shedding.ts";
import { rejects } from "../support/rejects.ts";
import { eventOf } from "../support/stored.ts";

const WORKFLOWS: Readonly<Record<string, AnyWorkflow>> = {
  any: defineWorkflow({ run: () => null }),
  other: defineWorkflow({ run: () => null }),
  "on-acme": defineWorkflow({ on: [{ provider: "acme" }], run: () => null }),
  "on-acme-strict": defineWorkflow({
    on: [{ provider: "acme" }],
    input: v.object({ amount: v.number() }),
    run: () => null,
  }),
};

interface Context {
  storage: Storage;
  givens: AcceptGivens;
  /** How often somebody was woken. */
  wakes: { count: number };
  /** Replays on `WORKFLOWS`, or on those of these names. */
  ask(request: Partial<ReplayRequest>, names?: readonly string[]): ReturnType<typeof replay>;
}

const test = suite<Context>("accept/replay");
test.before.each(async (context) => {
  const clock = new ManualClock();
  const storage = await createStorageBackend(":memory:", { clock, random: () => 0.5 });
  const wakes = { count: 0 };
  const slots: Slots = {
    take: () => null,
    settle: () => {},
    wakeSoon: () => void wakes.count++,
  };
  const givens = {
    storage,
    registry: registryOf(Object.keys(WORKFLOWS)),
    clock,
    slots,
    shedding: noShedding(clock),
    filterLog: new FilterLog(silentLog, clock),
  };
  Object.assign(context, { storage, wakes, givens });
  context.ask = (request, names = Object.keys(WORKFLOWS)) =>
    replay({ ...givens, registry: registryOf(names) }, { ...ALL, ...request });
});
test.after.each(({ storage }) => storage.close());

const ALL: ReplayRequest = { eventId: "", workflowName: null, idempotencyKey: null };

function registryOf(names: readonly string[]): WorkflowRegistry {
  return new WorkflowRegistry(
    names.map((name) => ({ name, fileHash: null, workflow: WORKFLOWS[name] as AnyWorkflow })),
  );
}

/** Stores an event with no run of its own. @returns its id */
async function stored(storage: Storage, provider: string, body: unknown): Promise<string> {
  const event = eventOf("a", { provider, body: encodeText(JSON.stringify(body)) });
  await storage.accept(event, [], "conflict");
  return event.id;
}

const isCode = (code: string) => (error: Error) =>
  error instanceof WebhookError && error.code === code && error.message !== "";

test("an event that is not there is null, and nobody is woken", async ({ ask, wakes }) => {
  assert.is(await ask({ eventId: "evt_none" }), null);
  assert.is(wakes.count, 0);
});

test("of generic the workflow that the body names runs again, with the body's inputs", async ({
  ask,
  storage,
  wakes,
}) => {
  const eventId = await stored(storage, "generic", { workflow_name: "any", inputs: { n: 1 } });
  const outcome = await ask({ eventId });
  assert.equal([outcome?.kind, outcome?.eventId, outcome?.webhookId], ["accepted", eventId, "a"]);
  assert.equal(outcome?.claimed, []); // they are queued, and whoever has a slot claims them
  assert.equal(
    outcome?.runs.map((run) => run.workflowName),
    ["any"],
  );
  assert.is((await storage.getRun(outcome?.runs[0]?.runId ?? ""))?.replay, 1);
  assert.is(wakes.count, 1);
});

test("an event that retention deletes in between is null, as one that never was", async ({
  ask,
  storage,
  wakes,
}) => {
  const eventId = await stored(storage, "generic", { workflow_name: "any", inputs: {} });
  const now = 90 * 86_400_000;
  const getEvent = storage.getEvent.bind(storage);
  storage.getEvent = async (id) => {
    const event = await getEvent(id);
    await storage.cleanup({ now, eraseBefore: now, deleteBefore: now, marksBefore: now, limit: 10 });
    return event;
  };
  assert.is(await ask({ eventId }), null);
  assert.is(wakes.count, 0);
});

test("a process that runs nothing replays, too", async ({ givens }) => {
  const eventId = await stored(givens.storage, "generic", { workflow_name: "any", inputs: {} });
  assert.is((await replay({ ...givens, slots: null }, { ...ALL, eventId }))?.kind, "accepted");
});

test("a workflow that is asked for runs instead, whatever its `on`", async ({ ask, storage }) => {
  const eventId = await stored(storage, "generic", { workflow_name: "any", inputs: {} });
  for (const workflowName of ["other", "on-acme"]) {
    const outcome = await ask({ eventId, workflowName });
    assert.equal(
      outcome?.runs.map((run) => run.workflowName),
      [workflowName],
    );
  }
});

test("of a provider all run whose `on` names it, whatever its body says of workflows", async ({
  ask,
  storage,
}) => {
  const eventId = await stored(storage, "acme", { workflow_name: "any", amount: "7" });
  const outcome = await ask({ eventId });
  assert.equal(
    outcome?.runs.map((run) => [run.workflowName, run.status]),
    [
      ["on-acme", "queued"],
      ["on-acme-strict", "failed"], // its schema refuses the body, as it did at the accept
    ],
  );
});

const NOTHING: [
  why: string,
  provider: string,
  body: unknown,
  names: string[],
  asked: string | null,
  code: string,
][] = [
  ["no `on` names the provider", "acme", {}, ["any"], null, "nothing_to_start"],
  [
    "the event's own workflow is gone",
    "generic",
    { workflow_name: "any", inputs: {} },
    ["other"],
    null,
    "nothing_to_start",
  ],
  ["generic names none", "generic", [], ["any"], null, "nothing_to_start"],
  ["generic names a number", "generic", { workflow_name: 7 }, ["any"], null, "nothing_to_start"],
  ["generic is no object at all", "generic", null, ["any"], null, "nothing_to_start"],
  [
    "nobody has the name that is asked for",
    "generic",
    { workflow_name: "any" },
    ["any"],
    "none",
    "workflow_unknown",
  ],
];
for (const [why, provider, body, names, workflowName, code] of NOTHING) {
  test(`where ${why} it is ${code}, and nothing is stored`, async ({ ask, storage, wakes }) => {
    const eventId = await stored(storage, provider, body);
    await rejects(ask({ eventId, workflowName }, names), isCode(code));
    assert.equal((await storage.getEvent(eventId))?.runs, []);
    assert.is(wakes.count, 0);
  });
}

test("a key makes runs once; asked again it tells of them and wakes nobody", async ({
  ask,
  storage,
  wakes,
}) => {
  const eventId = await stored(storage, "generic", { workflow_name: "any", inputs: {} });
  const first = await ask({ eventId, idempotencyKey: "k" });
  const again = await ask({ eventId, idempotencyKey: "k", workflowName: "other" });
  assert.equal([again?.kind, again?.runs], ["duplicate", first?.runs]);
  assert.is(wakes.count, 1);
  assert.is((await ask({ eventId, idempotencyKey: "l" }))?.kind, "accepted");
  assert.is((await ask({ eventId }))?.kind, "accepted");
});

test("of an erased event nothing runs again, but a repeated key is still told what it made", async ({
  ask,
  storage,
}) => {
  const eventId = await stored(storage, "generic", { workflow_name: "any", inputs: {} });
  const first = await ask({ eventId, idempotencyKey: "k" });
  await storage.cancel(first?.runs[0]?.runId ?? "", 5_000);
  assert.is(await storage.erase(eventId, 6_000), "erased");
  await rejects(ask({ eventId }), isCode("erased"));
  await rejects(ask({ eventId, workflowName: "other", idempotencyKey: "l" }), isCode("erased"));
  const again = await ask({ eventId, idempotencyKey: "k" });
  assert.equal([again?.kind, again?.runs.map((run) => run.status)], ["duplicate", ["cancelled"]]);
});

test.run();
