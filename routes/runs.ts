import { orWake } from "../lib/accept/accept.ts";
import type { Answer } from "../lib/answer.ts";
import { WebhookError } from "../lib/errors.ts";
import { runJson, runSummaryJson } from "../lib/http/answer.ts";
import { jsonAnswer } from "../lib/http/headers.ts";
import { ProblemError } from "../lib/http/problem.ts";
import { parseListQuery } from "../lib/http/query.ts";
import type { RunChange } from "../lib/repositories.ts";
import type { RunStatus } from "../lib/run.ts";
import { readOptionalObject } from "./body.ts";
import { answerContext, type Call, type Route, type RouteContext } from "./context.ts";

const STATUSES: readonly string[] = [
  "queued",
  "running",
  "succeeded",
  "failed",
  "cancelled",
] satisfies RunStatus[];

/** GET /runs: newest first. Errors: 401 403 422 429. */
export const listRuns: Route = async ({ query: asked }, context) => {
  const names = ["workflow_name", "status", "event_id"] as const;
  const { page, filters } = parseListQuery(new URLSearchParams(asked), names, { status: STATUSES });
  const query = {
    ...page,
    workflowName: filters.workflow_name,
    status: filters.status as RunStatus | null,
    eventId: filters.event_id,
  };
  const runs = await context.storage.listRuns(query);
  const items = runs.items.map((run) => runSummaryJson(run, answerContext(context)));
  return jsonAnswer(200, { items, next_cursor: runs.nextCursor });
};

/** GET /runs/{id}: with attempts, steps, result or error. Errors: 401 403 404 429. */
export const getRun: Route = async ({ part }, context) => answerRun(200, part, context);

/** POST /runs/{id}/retry. 202, 200 when there is nothing to do, 409 where it succeeded or was erased. */
export const retryRun: Route = async (call, context) => {
  await readOptionalObject(call, context, []);
  const { storage, clock, settings, accept } = context;
  const change = await orWake(accept.slots, storage.retry(call.part, clock.now(), settings.holdMs));
  if (change?.isErased) throw new WebhookError("erased", "Cannot retry a run whose inputs were erased");
  if (change?.hasChanged) accept.slots?.wakeSoon();
  return answerChange(call, context, change, "retry", ["queued", "running"]);
};

/** POST /runs/{id}/cancel. 202, 200 when it is cancelled already, 409 where it has ended. */
export const cancelRun: Route = async (call, context) => {
  await readOptionalObject(call, context, []);
  const change = await context.storage.cancel(call.part, context.clock.now());
  if (change?.hasChanged) context.onCancelled(call.part);
  return answerChange(call, context, change, "cancel", ["cancelled"]);
};

async function answerChange(
  { part, requestId }: Call,
  context: RouteContext,
  change: RunChange | null,
  action: "retry" | "cancel",
  idle: readonly RunStatus[],
): Promise<Answer> {
  if (change === null) throw notFound();
  if (change.hasChanged) {
    context.log.info("run changed", { request_id: requestId, run_id: part, action });
    return answerRun(202, part, context);
  }
  if (idle.includes(change.previous)) return answerRun(200, part, context);
  throw new ProblemError("not_possible", `Cannot ${action} a run that has ${change.previous}`, {
    extensions: { run_id: part, run_status: change.previous },
  });
}

async function answerRun(status: number, runId: string, context: RouteContext): Promise<Answer> {
  const run = await context.storage.getRun(runId);
  if (run === null) throw notFound();
  return jsonAnswer(status, runJson(run, answerContext(context)));
}

function notFound(): WebhookError {
  return new WebhookError("not_found", "Cannot find this run");
}
