import { replay } from "../lib/accept/replay.ts";
import { parseIdempotencyKey } from "../lib/accept/webhook-id.ts";
import type { Answer } from "../lib/answer.ts";
import { WebhookError } from "../lib/errors.ts";
import { acceptJson, eventJson, eventSummaryJson } from "../lib/http/answer.ts";
import { jsonAnswer } from "../lib/http/headers.ts";
import { parseListQuery } from "../lib/http/query.ts";
import { readOptionalObject } from "./body.ts";
import type { Route, RouteContext } from "./context.ts";

/** GET /events: newest first. Errors: 401 403 422 429. */
export const listEvents: Route = async ({ query: asked }, context) => {
  const { page, filters } = parseListQuery(new URLSearchParams(asked), ["provider", "webhook_id"]);
  const query = { ...page, provider: filters.provider, webhookId: filters.webhook_id };
  const events = await context.storage.listEvents(query);
  const items = events.items.map((event) => eventSummaryJson(event, context.settings.urlBase));
  return jsonAnswer(200, { items, next_cursor: events.nextCursor });
};

/** GET /events/{id}: with headers and body. Errors: 401 403 404 429. */
export const getEvent: Route = async ({ part }, context) => answerEvent(part, context);

/** DELETE /events/{id}: erases what was sent and what came of it, and keeps the id. 409 while a run is unfinished. */
export const deleteEvent: Route = async ({ part, requestId }, context) => {
  const erased = await context.storage.erase(part, context.clock.now());
  if (erased === null) throw notFound();
  if (erased === "unfinished") {
    throw new WebhookError(
      "unfinished",
      "Cannot erase an event with an unfinished run: cancel the run first",
    );
  }
  context.log.info("event erased", { request_id: requestId, event_id: part });
  return answerEvent(part, context);
};

/** POST /events/{id}/replay `{"workflow_name"?}`: 202, or 200 for a repeated Idempotency-Key. Errors: 404 409 422. */
export const replayEvent: Route = async (call, context) => {
  const { workflow_name: name } = await readOptionalObject(call, context, ["workflow_name"]);
  if (name !== undefined && typeof name !== "string") {
    throw new WebhookError("fields_invalid", "Cannot replay: the body does not fit", {
      faults: [{ pointer: "/workflow_name", detail: "must be a string" }],
    });
  }
  const idempotencyKey = parseIdempotencyKey(call.request.headers.get("idempotency-key"));
  const request = { eventId: call.part, workflowName: name ?? null, idempotencyKey };
  const outcome = await replay(context.accept, request);
  if (outcome === null) throw notFound();
  context.log.info("event replayed", {
    request_id: call.requestId,
    event_id: call.part,
    status: outcome.kind,
  });
  return jsonAnswer(outcome.kind === "accepted" ? 202 : 200, acceptJson(outcome, context.settings.urlBase));
};

async function answerEvent(eventId: string, context: RouteContext): Promise<Answer> {
  const event = await context.storage.getEvent(eventId);
  if (event === null) throw notFound();
  return jsonAnswer(200, eventJson(event, context.settings.urlBase));
}

function notFound(): WebhookError {
  return new WebhookError("not_found", "Cannot find this event");
}
