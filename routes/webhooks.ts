import { accept } from "../lib/accept/accept.ts";
import { type Delivery, parseDelivery } from "../lib/accept/delivery.ts";
import type { Answer } from "../lib/answer.ts";
import { InvalidSignatureError } from "../lib/errors.ts";
import { bodyHandshake } from "../lib/handshakes/body-handshake.ts";
import { acceptJson, succeededJson } from "../lib/http/answer.ts";
import { isLocal } from "../lib/http/auth.ts";
import { readBody } from "../lib/http/body.ts";
import { calledUrl } from "../lib/http/called-url.ts";
import { checkContentType } from "../lib/http/content-type.ts";
import { emptyAnswer, jsonAnswer } from "../lib/http/headers.ts";
import { parseWaitSeconds } from "../lib/http/prefer.ts";
import { ProblemError } from "../lib/http/problem.ts";
import { runUrl } from "../lib/http/run-url.ts";
import { splitUrl } from "../lib/incoming.ts";
import type { AcceptOutcome } from "../lib/repositories.ts";
import type { Scheme } from "../lib/scheme.ts";
import type { Provider } from "../lib/schemes/providers.ts";
import type { Verified } from "../lib/verify/scheme-check.ts";
import type { Call, Route, RouteContext } from "./context.ts";

/** POST /webhooks/{provider}. Errors: 400 401 404 413 415 422 503, and 500 where `Prefer: wait` asked for the outcome. */
export const postWebhook: Route = async (call, context) => {
  const provider = context.providers.get(call.part);
  if (provider === undefined) throw new Error(`Cannot find provider ${call.part} that the table has found`);
  const { request } = call;
  const { settings } = context;
  context.accept.shedding.checkRoom();
  // In the order that gives strangers nothing to learn.
  checkContentType(request.headers, provider.acceptedContentTypes);
  const share = context.bodies.share();
  let delivery: Delivery;
  try {
    const body = await readBody(request, provider.scheme.bodyBytesMax ?? settings.bodyBytesMax, share);
    const { scheme, verified, notes } = verify(call, context, provider, body);
    if (verified !== null) {
      const contentType = request.headers.get("content-type") ?? "";
      const handshake = bodyHandshake(provider, verified, contentType, body);
      if (handshake !== null) {
        const { kind, answer } = handshake;
        context.log.info("handshake", { request_id: call.requestId, provider: provider.name, kind });
        return answer;
      }
    }
    delivery = parseDelivery(provider, scheme, request.headers, body, settings, notes);
  } finally {
    share.release();
  }
  const outcome = await accept(context.accept, delivery); // on disk once this resolves
  context.log.info("delivery", {
    request_id: call.requestId,
    status: outcome.kind,
    provider: provider.name,
    webhook_id: outcome.webhookId,
    event_id: outcome.eventId,
    runs: outcome.runs.map((run) => run.runId),
  });
  if (provider.name !== "generic") return answerProvider(outcome, provider, context);
  return (await answerResult(call, outcome, context)) ?? answerGeneric(outcome, context);
};

/** @returns how to read it, which secret has signed it (null for none), and what an operator should know about how it was let in */
function verify(
  call: Call,
  context: RouteContext,
  provider: Provider,
  body: Uint8Array,
): { scheme: Scheme; verified: Verified | null; notes: readonly string[] } {
  const { request, peer } = call;
  const { settings, clock, doctor } = context;
  const { method, headers } = request;
  const url = calledUrl(request, peer, settings);
  try {
    if (provider.secrets.length > 0) {
      const verified = provider.verifier.verify({ method, url, headers, body }, clock.now());
      doctor.verified(provider);
      return { scheme: verified.scheme, verified, notes: [] };
    }
    const { scheme } = provider;
    if (provider.isUnsignedAllowed)
      return { scheme, verified: null, notes: ["not signed: WEBHOOK_ALLOW_UNSIGNED"] };
    if (settings.isTryOut && isLocal(request, peer, settings.signatureHeaders))
      return { scheme, verified: null, notes: ["not signed: try-out mode"] };
    throw new InvalidSignatureError("no_secret");
  } catch (error) {
    if (error instanceof InvalidSignatureError) {
      const verdict = error.reason;
      const { path, query } = splitUrl(request.url);
      const { requestId } = call;
      doctor.refused({ provider, verdict, requestId, method, url, target: path + query, headers, body });
    }
    throw error;
  }
}

/** A duplicate gets the status of the first delivery, or the sender keeps sending it. */
function answerProvider(outcome: AcceptOutcome, provider: Provider, context: RouteContext): Answer {
  const { status, body } = { status: 202, body: "json", ...provider.scheme.answer };
  if (status === 204 || body === "empty") return emptyAnswer(status);
  return jsonAnswer(status, acceptJson(outcome, context.settings.urlBase));
}

function answerGeneric(
  outcome: AcceptOutcome,
  { settings }: RouteContext,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const [run] = outcome.runs;
  const location = run === undefined ? {} : { location: runUrl(settings.urlBase, run.runId) };
  const status = outcome.kind === "accepted" ? 202 : 200;
  return jsonAnswer(status, acceptJson(outcome, settings.urlBase), { ...location, ...headers });
}

/** What `Prefer: wait` asked for; null where it did not ask, or where too many wait already. */
async function answerResult(
  { request }: Call,
  outcome: AcceptOutcome,
  context: RouteContext,
): Promise<Answer | null> {
  const seconds = parseWaitSeconds(request.headers.get("prefer"));
  const [first] = outcome.runs;
  if (seconds === null || first === undefined) return null;
  const waiting = context.waitForRun(first.runId, seconds * 1_000, request.signal);
  if (waiting === null) return null;
  const headers = { "preference-applied": `wait=${seconds}` };
  const run = await waiting;
  const status = run?.status ?? first.status;
  if (status === "succeeded") {
    const { urlBase } = context.settings;
    const location = { location: runUrl(urlBase, first.runId) };
    return jsonAnswer(200, succeededJson(outcome, run?.result ?? null, urlBase), {
      ...location,
      ...headers,
    });
  }
  if (status === "failed" || status === "cancelled") {
    throw new ProblemError(status === "failed" ? "run_failed" : "run_cancelled", "The run did not succeed", {
      headers,
      extensions: {
        event_id: outcome.eventId,
        run_id: first.runId,
        workflow_name: first.workflowName,
        run_status: status,
        ...(outcome.kind === "duplicate" ? { duplicate: true } : {}),
      },
    });
  }
  return answerGeneric({ ...outcome, runs: [{ ...first, status }] }, context, headers);
}
