import { WebhookError } from "../errors.ts";
import { inputsOf } from "../event.ts";
import { parseStoredBody } from "../parse-body.ts";
import type { AcceptOutcome, EventRecord } from "../repositories.ts";
import type { NamedWorkflow } from "../workflow.ts";
import { type AcceptGivens, newRun, orWake } from "./accept.ts";

/** What to run again of an event. */
export interface ReplayRequest {
  eventId: string;
  /** One workflow; null for those that today's `on` starts, and on generic for the one that it named. */
  workflowName: string | null;
  idempotencyKey: string | null;
}

/**
 * Makes new runs for a stored event, without the steps of earlier ones; once for each idempotency key.
 *
 * @returns null for an unknown event
 * @throws {WebhookError} `erased`, `nothing_to_start`, `workflow_unknown`
 */
export async function replay(givens: AcceptGivens, request: ReplayRequest): Promise<AcceptOutcome | null> {
  const { eventId, idempotencyKey } = request;
  const event = await givens.storage.getEvent(eventId);
  if (event === null) return null;
  const body = event.body === null ? undefined : parseStoredBody(event.body, event.contentType);
  // Of an erased event there is nothing left to run, but a repeated request is still told what it made.
  const chosen = event.body === null ? [] : choose(givens, event, body, request.workflowName);
  const runs = await Promise.all(chosen.map((named) => newRun(named, inputsOf(event.provider, body), event)));
  const now = givens.clock.now();
  const { storage, slots } = givens;
  const outcome = await orWake(slots, storage.replay({ eventId, idempotencyKey, runs, now }));
  if (outcome.kind === "unknown") return null;
  if (outcome.kind === "erased") {
    throw new WebhookError("erased", "Cannot replay an event whose body was erased");
  }
  if (outcome.kind === "accepted") slots?.wakeSoon();
  return { kind: outcome.kind, eventId, webhookId: outcome.webhookId, runs: outcome.runs, claimed: [] };
}

function choose(
  givens: AcceptGivens,
  event: EventRecord,
  body: unknown,
  asked: string | null,
): readonly NamedWorkflow[] {
  const name = asked ?? nameIn(event, body);
  if (name === null) {
    const { workflows, faults } = givens.registry.startedBy({ ...event, body });
    givens.filterLog.write(faults, event);
    if (workflows.length > 0) return workflows;
    throw new WebhookError(
      "nothing_to_start",
      `Cannot replay: no workflow's "on" matches this event of ${event.provider}; give workflow_name`,
    );
  }
  const named = givens.registry.get(name);
  if (named !== undefined) return [named];
  if (asked !== null) throw new WebhookError("workflow_unknown", "Cannot replay: no workflow has this name");
  throw new WebhookError(
    "nothing_to_start",
    "Cannot replay: the event's workflow is not here; give workflow_name",
  );
}

function nameIn(event: EventRecord, body: unknown): string | null {
  const name: unknown = event.provider === "generic" ? Reflect.get(Object(body), "workflow_name") : null;
  return typeof name === "string" ? name : null;
}
