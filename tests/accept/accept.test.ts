import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { type AcceptGivens, accept, newRun, type Slots } from "../../lib/accept/accept.ts";
import type { Delivery } from "../../lib/accept/delivery.ts";
import { FilterLog } from "../../lib/accept/filter-log.ts";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { WebhookError } from "../../lib/errors.ts";
import { encodeText } from "../../lib/json.ts";
import { silentLog } from "../../lib/log.ts";
import type { ClaimedRun, RunClaim, Storage } from "../../lib/repositories.ts";
import { ERROR_BYTES_MAX } from "../../lib/run.ts";
import { sha256 } from "../../lib/sha256.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import type { AnyWorkflow } from "../../lib/workflow.ts";
import { WorkflowRegistry } from "../../lib/workflows/registry.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { noShedding } from "../support/no-shedding.ts";
import { rejects } from "../support/rejects.ts";
import { firstPage, processOf } from "../support/stored.ts";

const amount = v.object({ amount: v.number() });
const WORKFLOWS: Readonly<Record<string, AnyWorkflow>> = {
  any: defineWorkflow({ run: () => null }),
  strict: defineWorkflow({ input: amount, run: () => null }),
  "on-acme": defineWorkflow({ on: [{ provider: "acme" }], run: () => null }),
  "on-acme-strict": defineWorkflow({ on: [{ provider: "acme" }], input: amount, run: () => null }),
};

const test = suite<{ storage: Storage; givens: AcceptGivens }>("accept/accept");
test.before.each(async (context) => {
  const clock = new ManualClock();
  context.storage = await createStorageBackend(":memory:", { clock, random: () => 0.5 });
  context.givens = {
    storage: context.storage,
    registry: registryOf(WORKFLOWS),
    clock,
    slots: null,
    shedding: noShedding(clock),
    filterLog: new FilterLog(silentLog, clock),
  };
});
test.after.each(({ storage }) => storage.close());

function registryOf(workflows: Readonly<Record<string, AnyWorkflow>>): WorkflowRegistry {
  return new WorkflowRegistry(
    Object.entries(workflows).map(([name, workflow]) => ({ name, fileHash: null, workflow })),
  );
}

/** A generic delivery that names `workflow`, or one of acme. */
function deliveryOf(workflowName: string | null, webhookId: string | null, inputs: unknown = {}): Delivery {
  const provider = workflowName === null ? "acme" : "generic";
  const value =
    workflowName === null ? inputs : { workflow_name: workflowName, inputs, webhook_id: webhookId };
  const body = encodeText(JSON.stringify(value));
  return {
    provider,
    idSource: webhookId === null ? null : "body",
    webhookId,
    idKey: webhookId === null ? null : `${provider}:body:${webhookId}`,
    guardKey: null,
    bodyHash: sha256(body),
    type: "paid",
    contentType: "application/json",
    headers: { "user-agent": "acme/1" },
    body,
    value,
    workflowName,
    notes: ["a note"],
  };
}

function isRefusal(code: string, faults: { pointer: string; detail: string }[] = []) {
  return (error: Error) => {
    assert.ok(error instanceof WebhookError);
    assert.is(error.code, code);
    assert.is.not(error.message, "");
    assert.equal(error.faults, faults);
  };
}

async function eventCount(storage: Storage): Promise<number> {
  return (await storage.listEvents({ ...firstPage, provider: null, webhookId: null })).items.length;
}

/** Slots that are taken in turn, with a record of what was asked of them. */
class RecordingSlots implements Slots {
  readonly calls: unknown[] = [];
  free: number;

  constructor(free: number) {
    this.free = free;
  }

  take(workflowName: string): RunClaim | null {
    this.calls.push(`take ${workflowName}`);
    return this.free-- > 0 ? { process: processOf("p1"), fileHash: null } : null;
  }

  settle(taken: number, claimed: readonly ClaimedRun[] | null, takenAt: number): void {
    this.calls.push(["settle", taken, claimed?.map((run) => run.workflowName) ?? null, takenAt]);
  }

  wakeSoon(): void {
    this.calls.push("wake");
  }
}

test("an accepted delivery is stored as it came, with the run that it asked for", async ({
  storage,
  givens,
}) => {
  const delivery = deliveryOf("any", "a");
  const outcome = await accept(givens, delivery);
  assert.is(outcome.kind, "accepted");
  const event = await storage.getEvent(outcome.eventId);
  assert.match(outcome.eventId, /^evt_/);
  const { provider, idSource, webhookId, type, contentType, headers, notes, body, acceptedAt, runs } =
    event ?? {};
  assert.equal(
    { provider, idSource, webhookId, type, contentType, headers, notes, acceptedAt },
    {
      provider: "generic",
      idSource: "body",
      webhookId: "a",
      type: "paid",
      contentType: "application/json",
      headers: { "user-agent": "acme/1" },
      notes: ["a note"],
      acceptedAt: givens.clock.now(),
    },
  );
  assert.equal(Buffer.from(body ?? []), Buffer.from(delivery.body));
  assert.equal(
    runs?.map((run) => [run.workflowName, run.status]),
    [["any", "queued"]],
  );
  assert.match(runs?.[0]?.runId ?? "", /^run_/);
});

test("a copy is a duplicate of the first, whose run it is told", async ({ storage, givens }) => {
  const first = await accept(givens, deliveryOf("any", "a"));
  const copy = await accept(givens, deliveryOf("any", "a"));
  assert.equal([copy.kind, copy.eventId, copy.runs], ["duplicate", first.eventId, first.runs]);
  assert.is(await eventCount(storage), 1);
});

const TAKEN = [
  {
    pointer: "/webhook_id",
    detail: "is taken by an event with another body; give each event an id of its own",
  },
];

test("another body under an id is a conflict on generic, and at a provider a duplicate", async ({
  storage,
  givens,
}) => {
  await accept(givens, deliveryOf("any", "a", { n: 1 }));
  await rejects(accept(givens, deliveryOf("any", "a", { n: 2 })), isRefusal("id_conflict", TAKEN));
  await accept(givens, deliveryOf(null, "a", { n: 1 }));
  assert.is((await accept(givens, deliveryOf(null, "a", { n: 2 }))).kind, "duplicate");
  assert.is(await eventCount(storage), 2);
});

test("generic starts only what is there and either has no `on` or names generic in it", async ({
  storage,
  givens,
}) => {
  for (const name of ["none", "__proto__", "", "on-acme"])
    await rejects(accept(givens, deliveryOf(name, "a")), isRefusal("workflow_unknown"));
  assert.is(await eventCount(storage), 0);
});

test("inputs that do not fit are refused on generic, each fault below /inputs", async ({
  storage,
  givens,
}) => {
  const faults = [{ pointer: "/inputs/amount", detail: "Invalid type: Expected number" }];
  await rejects(
    accept(givens, deliveryOf("strict", "a", { amount: "7" })),
    isRefusal("input_invalid", faults),
  );
  assert.is(await eventCount(storage), 0);
  assert.is((await accept(givens, deliveryOf("strict", "a", { amount: 7 }))).kind, "accepted");
});

test("what was accepted stays so, though its workflow is gone or refuses it now", async ({ givens }) => {
  const first = await accept(givens, deliveryOf("any", "a", { n: 1 }));
  const registries = [registryOf({}), registryOf({ any: WORKFLOWS.strict as AnyWorkflow })];
  for (const registry of registries) {
    const copy = await accept({ ...givens, registry }, deliveryOf("any", "a", { n: 1 }));
    assert.equal([copy.kind, copy.eventId], ["duplicate", first.eventId]);
    const other = accept({ ...givens, registry }, deliveryOf("any", "a", { n: 2 }));
    await rejects(other, isRefusal("id_conflict", TAKEN));
  }
  const unnamed = accept({ ...givens, registry: registryOf({}) }, deliveryOf("any", null));
  await rejects(unnamed, isRefusal("workflow_unknown"));
});

test("at a provider every workflow whose `on` names it starts, and a schema that refuses fails that one", async ({
  storage,
  givens,
}) => {
  const { runs } = await accept(givens, deliveryOf(null, "a", { amount: "7" }));
  assert.equal(
    runs.map((run) => [run.workflowName, run.status]),
    [
      ["on-acme", "queued"],
      ["on-acme-strict", "failed"],
    ],
  );
  const failed = await storage.getRun(runs[1]?.runId ?? "");
  assert.equal(failed?.error, {
    code: "input_invalid",
    message: "The inputs do not fit workflow on-acme-strict: /inputs/amount: Invalid type: Expected number",
  });
  assert.equal(
    (await accept(givens, deliveryOf(null, "b", { amount: 7 }))).runs.map((run) => run.status),
    ["queued", "queued"],
  );
});

test("a refused run lists all faults, cut to what an error may hold", async () => {
  const named = (count: number) => ({
    name: "many",
    fileHash: null,
    workflow: defineWorkflow({ input: v.object(Object.fromEntries(keys(count))), run: () => null }),
  });
  const keys = (count: number) => Array.from({ length: count }, (_, at) => [`k${at}`, v.number()] as const);
  const origin = { provider: "acme", type: null, webhookId: null, headers: {} };
  const two = await newRun(named(2), {}, origin);
  assert.match(two.error?.message ?? "", /: \/inputs\/k0: Invalid key.*; \/inputs\/k1: Invalid key/);
  const many = await newRun(named(5_000), {}, origin);
  assert.is(encodeText(many.error?.message ?? "").length, ERROR_BYTES_MAX);
  assert.equal([many.workflowName, many.claim, many.id.slice(0, 4)], ["many", null, "run_"]);
});

test("a run begins with its accept where a slot is free, and the slot is settled with it", async ({
  givens,
}) => {
  const slots = new RecordingSlots(1);
  const { runs } = await accept({ ...givens, slots }, deliveryOf("any", "a"));
  assert.is(runs[0]?.status, "running");
  assert.equal(slots.calls, ["take any", ["settle", 1, ["any"], givens.clock.monotonic()]]);
});

test("a run without a slot is queued and somebody is woken; nothing was taken, so nothing is settled", async ({
  givens,
}) => {
  const slots = new RecordingSlots(0);
  const { runs } = await accept({ ...givens, slots }, deliveryOf("any", "a"));
  assert.is(runs[0]?.status, "queued");
  assert.equal(slots.calls, ["take any", "wake"]);
});

test("a run that is refused takes no slot, and the one beside it does", async ({ givens }) => {
  const slots = new RecordingSlots(5);
  await accept({ ...givens, slots }, deliveryOf(null, "a", { amount: "7" }));
  const calls = slots.calls.filter((call) => call !== "wake"); // which would do no harm here
  assert.equal(calls, ["take on-acme", ["settle", 1, ["on-acme"], givens.clock.monotonic()]]);
});

test("a copy gives its slot back and wakes nobody", async ({ givens }) => {
  const slots = new RecordingSlots(5);
  await accept(givens, deliveryOf("any", "a"));
  await accept({ ...givens, slots }, deliveryOf("any", "a"));
  assert.equal(slots.calls, ["take any", ["settle", 1, [], givens.clock.monotonic()]]);
});

test("where the storage fails, the runner looks for what may be stored all the same, and slots are settled", async ({
  storage,
  givens,
}) => {
  const slots = new RecordingSlots(5);
  const away = new WebhookError("storage_unavailable", "away");
  const failing = Object.create(storage, { accept: { value: () => Promise.reject(away) } }) as Storage;
  await rejects(
    accept({ ...givens, storage: failing, slots }, deliveryOf("any", "a")),
    (error) => error === away,
  );
  assert.equal(slots.calls, ["take any", "wake", ["settle", 1, null, givens.clock.monotonic()]]);
});

test.run();
