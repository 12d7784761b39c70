import type { Clock } from "../clock.ts";
import { type Fault, WebhookError } from "../errors.ts";
import { type EventOrigin, inputsOf } from "../event.ts";
import { newId } from "../ids.ts";
import { cutText } from "../json.ts";
import type {
  AcceptOutcome,
  ClaimedRun,
  NewEvent,
  NewRun,
  OtherBody,
  RunClaim,
  Storage,
} from "../repositories.ts";
import { ERROR_BYTES_MAX } from "../run.ts";
import type { NamedWorkflow } from "../workflow.ts";
import type { WorkflowRegistry } from "../workflows/registry.ts";
import { validateInput } from "../workflows/validate.ts";
import type { Delivery } from "./delivery.ts";
import { type FilterLog, notesOf } from "./filter-log.ts";
import type { Shedding } from "./shedding.ts";

/** What accepting needs. */
export interface AcceptGivens {
  storage: Storage;
  registry: WorkflowRegistry;
  clock: Clock;
  /** null where this process runs nothing. */
  slots: Slots | null;
  shedding: Shedding;
  filterLog: FilterLog;
}

/** Where runs begin; the runner has them. */
export interface Slots {
  /** Takes a slot for a run that is about to be stored; null where none is free or others have waited longer. */
  take(workflowName: string): RunClaim | null;
  /**
   * Gives slots back, all but those whose runs were stored: these begin once the answer is out.
   *
   * @param claimed null where the storage failed, so that nobody knows what it has stored
   * @param takenAt monotonic, before they were taken
   */
  settle(taken: number, claimed: readonly ClaimedRun[] | null, takenAt: number): void;
  /** Runs were queued. */
  wakeSoon(): void;
}

/**
 * The decision about a verified delivery: it is on disk once this resolves.
 *
 * @returns `accepted`, or `duplicate` of an event that was accepted before
 * @throws {WebhookError} on generic `id_conflict`, `workflow_unknown`, `input_invalid`; `overloaded`, `rate_limited`,
 *   `storage_unavailable`
 */
export async function accept(givens: AcceptGivens, delivery: Delivery): Promise<AcceptOutcome> {
  const bytes = delivery.body.byteLength;
  givens.shedding.enter(delivery.provider, bytes);
  try {
    return decided(await decide(givens, delivery));
  } finally {
    givens.shedding.leave(bytes);
  }
}

async function decide(givens: AcceptGivens, delivery: Delivery): Promise<AcceptOutcome> {
  const otherBody: OtherBody = delivery.provider === "generic" ? "conflict" : "duplicate";
  const { shedding, storage } = givens;
  let runs: readonly NewRun[];
  let notes: readonly string[];
  let reserved = 0;
  try {
    ({ runs, notes } = await runsFor(givens, delivery));
    const waiting = runs.filter((run) => run.error === null).length;
    const reserving = shedding.reserveRuns(waiting);
    if (reserving !== null) await reserving;
    reserved = waiting;
  } catch (refusal) {
    // An event that is stored already stays accepted, whatever has become of its workflow since, and whatever else is
    // to be done.
    const first = await findFirst(storage, delivery, otherBody);
    if (first === null) throw refusal;
    return first;
  }
  let queued = 0;
  try {
    const outcome = await store(givens, toEvent(delivery, notes, givens.clock.now()), runs, otherBody);
    if (outcome.kind === "accepted") queued = reserved - outcome.claimed.length;
    return outcome;
  } finally {
    shedding.settleRuns(reserved, queued);
  }
}

/** Stores an event with its runs, which begin at once where there are slots, so that nobody has to look for them. */
export async function store(
  { storage, slots, clock }: AcceptGivens,
  event: NewEvent,
  runs: readonly NewRun[],
  otherBody: OtherBody,
): Promise<AcceptOutcome> {
  if (slots === null) return storage.accept(event, runs, otherBody);
  const takenAt = clock.monotonic();
  let taken = 0;
  for (const run of runs) {
    if (run.error === null) run.claim = slots.take(run.workflowName);
    if (run.claim !== null) taken++;
  }
  let claimed: readonly ClaimedRun[] | null = null;
  try {
    const outcome = await orWake(slots, storage.accept(event, runs, otherBody));
    claimed = outcome.claimed;
    if (outcome.kind === "accepted" && claimed.length < runs.length) slots.wakeSoon();
    return outcome;
  } finally {
    if (taken > 0) slots.settle(taken, claimed, takenAt);
  }
}

/** What was stored; where that failed it may have been stored all the same, so the runner looks for what waits. */
export async function orWake<T>(slots: Slots | null, stored: Promise<T>): Promise<T> {
  try {
    return await stored;
  } catch (error) {
    slots?.wakeSoon();
    throw error;
  }
}

/** The outcome, with the same id under another body as a refusal. */
export function decided(outcome: AcceptOutcome): AcceptOutcome {
  if (outcome.kind !== "conflict") return outcome;
  throw new WebhookError("id_conflict", "Cannot accept another body under a webhook_id that was accepted", {
    faults: [
      {
        pointer: "/webhook_id",
        detail: "is taken by an event with another body; give each event an id of its own",
      },
    ],
  });
}

/** A run of a workflow for an input; stored as failed where its schema refuses the input. */
export async function newRun(named: NamedWorkflow, input: unknown, event: EventOrigin): Promise<NewRun> {
  const faults = await faultsOf(named, input, event);
  const run = { id: newId("run"), workflowName: named.name, claim: null };
  if (faults.length === 0) return { ...run, error: null };
  const text = faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join("; ");
  const message = cutText(`The inputs do not fit workflow ${named.name}: ${text}`, ERROR_BYTES_MAX);
  return { ...run, error: { code: "input_invalid", message } };
}

/** The runs that a delivery starts, and the notes of its event. */
interface Planned {
  runs: readonly NewRun[];
  notes: readonly string[];
}

async function runsFor({ registry, filterLog }: AcceptGivens, delivery: Delivery): Promise<Planned> {
  const input = inputsOf(delivery.provider, delivery.value);
  const { provider, type, webhookId, headers, value: body } = delivery;
  const event = { provider, type, webhookId, headers, body };
  if (delivery.workflowName === null) {
    const { workflows, faults } = registry.startedBy(event);
    const notes = faults.length === 0 ? delivery.notes : [...delivery.notes, ...notesOf(faults)];
    filterLog.write(faults, delivery);
    return { runs: await Promise.all(workflows.map((named) => newRun(named, input, event))), notes };
  }
  const { workflows, faults } = registry.startedByGeneric(delivery.workflowName, event);
  filterLog.write(faults, delivery);
  const [named] = workflows;
  if (named === undefined) {
    throw new WebhookError(
      "workflow_unknown",
      "Cannot start the workflow: none of this name is started by generic",
    );
  }
  const inputFaults = await faultsOf(named, input, event);
  if (inputFaults.length > 0) {
    throw new WebhookError("input_invalid", `Cannot start workflow ${named.name}: its inputs do not fit`, {
      faults: inputFaults,
    });
  }
  const run = { id: newId("run"), workflowName: named.name, error: null, claim: null };
  // An entry that could not tell is noted though another one matched.
  return { runs: [run], notes: [...delivery.notes, ...notesOf(faults)] };
}

async function faultsOf(named: NamedWorkflow, input: unknown, event: EventOrigin): Promise<readonly Fault[]> {
  const validation = await validateInput(named.workflow, input, event);
  if (!("faults" in validation)) return [];
  return validation.faults.map(({ pointer, detail }) => ({ pointer: `/inputs${pointer}`, detail }));
}

async function findFirst(
  storage: Storage,
  delivery: Delivery,
  otherBody: OtherBody,
): Promise<AcceptOutcome | null> {
  if (delivery.idKey === null && delivery.guardKey === null) return null;
  return storage.findAccepted(delivery, otherBody);
}

function toEvent(delivery: Delivery, notes: readonly string[], acceptedAt: number): NewEvent {
  // One by one: to copy all but some fields costs more than the rest of an accept.
  return {
    id: newId("evt"),
    provider: delivery.provider,
    idSource: delivery.idSource,
    webhookId: delivery.webhookId,
    idKey: delivery.idKey,
    guardKey: delivery.guardKey,
    bodyHash: delivery.bodyHash,
    type: delivery.type,
    contentType: delivery.contentType,
    headers: delivery.headers,
    body: delivery.body,
    notes,
    acceptedAt,
  };
}
