import type { Answer } from "../lib/answer.ts";
import { InvalidSignatureError, WebhookError } from "../lib/errors.ts";
import { handshakeMethods } from "../lib/handshakes/handshake-of.ts";
import { methodNotAllowed, problemAnswer, problemCode } from "../lib/http/problem.ts";
import { newId } from "../lib/ids.ts";
import { type Incoming, splitUrl } from "../lib/incoming.ts";
import type { Peer } from "../lib/peer.ts";
import type { Call, Route, RouteContext } from "./context.ts";
import { deleteEvent, getEvent, listEvents, replayEvent } from "./events.ts";
import { answerHandshake } from "./handshakes.ts";
import { getHealth, getReady } from "./health.ts";
import { listRejections } from "./rejections.ts";
import { cancelRun, getRun, listRuns, retryRun } from "./runs.ts";
import { postWebhook } from "./webhooks.ts";
import { listWorkflows } from "./workflows.ts";

interface Entry {
  /** One `*` at most; it takes any one part of the path. */
  readonly path: readonly string[];
  readonly methods: Readonly<Record<string, Route>>;
  /** Who may ask: a provider with its signature, an operator with the token, anybody. */
  readonly access: "provider" | "admin" | "anybody";
}

/** Every path and method. `HEAD` works where `GET` does, and a provider has those of its handshakes alone. */
const TABLE: readonly Entry[] = [
  {
    path: ["webhooks", "*"],
    methods: { GET: answerHandshake, OPTIONS: answerHandshake, POST: postWebhook },
    access: "provider",
  },
  { path: ["runs"], methods: { GET: listRuns }, access: "admin" },
  { path: ["runs", "*"], methods: { GET: getRun }, access: "admin" },
  { path: ["runs", "*", "retry"], methods: { POST: retryRun }, access: "admin" },
  { path: ["runs", "*", "cancel"], methods: { POST: cancelRun }, access: "admin" },
  { path: ["events"], methods: { GET: listEvents }, access: "admin" },
  { path: ["events", "*"], methods: { GET: getEvent, DELETE: deleteEvent }, access: "admin" },
  { path: ["events", "*", "replay"], methods: { POST: replayEvent }, access: "admin" },
  { path: ["rejections"], methods: { GET: listRejections }, access: "admin" },
  { path: ["workflows"], methods: { GET: listWorkflows }, access: "admin" },
  { path: ["health"], methods: { GET: getHealth }, access: "anybody" },
  { path: ["ready"], methods: { GET: getReady }, access: "anybody" },
];

/**
 * Answers a request. Never rejects: what is thrown below becomes a problem here, and nowhere else.
 *
 * @param peer where our own listener has taken the connection
 */
export async function route(
  request: Incoming,
  peer: Peer | undefined,
  context: RouteContext,
): Promise<Answer> {
  const requestId = newId("req");
  let answered: Answer;
  try {
    answered = await answer(request, peer, context, requestId);
  } catch (error) {
    logRefusal(error, request, context, requestId);
    answered = problemAnswer(error, requestId);
    if (error instanceof InvalidSignatureError && isRefusedEmpty(request, context))
      answered = emptied(answered);
  }
  return request.method === "HEAD" ? { ...answered, body: null } : answered;
}

/** True at a provider that describes no body of a 401, and takes one for a fault of ours. */
function isRefusedEmpty(request: Incoming, context: RouteContext): boolean {
  const { part } = find(splitUrl(request.url).path, context);
  return context.providers.get(part)?.scheme.refusal === "empty";
}

/** The same status and headers without the body. */
function emptied({ status, headers }: Answer): Answer {
  const { "content-type": _, ...others } = headers;
  return { status, headers: others, body: null };
}

function answer(
  request: Incoming,
  peer: Peer | undefined,
  context: RouteContext,
  requestId: string,
): Answer | Promise<Answer> {
  const { path, query } = splitUrl(request.url);
  const { entry, part } = find(path, context);
  const handler = handlerOf(entry, part, request.method, context);
  const call: Call = { request, query, part, peer, requestId };
  if (entry.access === "anybody") return handler(call, context);
  if (context.isStopping()) throw new WebhookError("stopping", "Cannot answer: the server stops");
  if (entry.access === "provider") return handler(call, context);
  return context.gate.check(request, peer).then(() => handler(call, context));
}

function find(path: string, context: RouteContext): { entry: Entry; part: string } {
  const { basePath, hasAllRoutes } = context.settings;
  const isOurs = path.startsWith(`${basePath}/`) && !path.includes("%") && !path.includes("//");
  const parts = isOurs ? path.slice(basePath.length + 1).split("/") : [];
  const entry = TABLE.find(
    ({ path: pattern }) =>
      pattern.length === parts.length && pattern.every((name, at) => name === "*" || name === parts[at]),
  );
  const isHidden = entry?.access !== "anybody" && !hasAllRoutes;
  const part = entry === undefined ? "" : (parts[entry.path.indexOf("*")] ?? "");
  if (entry === undefined || isHidden || (entry.path.includes("*") && part === "")) {
    throw new WebhookError("not_found", "Cannot find this path");
  }
  if (entry.access === "provider" && !context.providers.has(part)) {
    throw new WebhookError("provider_unknown", "Cannot find this provider");
  }
  return { entry, part };
}

function handlerOf(entry: Entry, part: string, method: string, context: RouteContext): Route {
  // A delivery is the common case, and every provider takes it.
  const isDelivery = entry.access === "provider" && method === "POST";
  if (!isDelivery) {
    const allowed = allowedMethods(entry, part, context);
    if (!allowed.includes(method)) throw methodNotAllowed(allowed);
  }
  return entry.methods[method === "HEAD" ? "GET" : method] as Route;
}

function allowedMethods(entry: Entry, part: string, context: RouteContext): readonly string[] {
  const provider = entry.access === "provider" ? context.providers.get(part) : undefined;
  if (provider !== undefined) return [...handshakeMethods(provider), "POST"];
  const methods = Object.keys(entry.methods);
  return methods.includes("GET") ? ["HEAD", ...methods] : methods;
}

function logRefusal(error: unknown, request: Incoming, context: RouteContext, requestId: string): void {
  const code = problemCode(error);
  const leftOut = context.refusalLines.take(code);
  if (leftOut === null) return;
  // The path has no query, in which people put tokens.
  const { path } = splitUrl(request.url);
  const more = leftOut === 0 ? {} : { left_out: leftOut };
  const fields = { request_id: requestId, code, method: request.method, path, ...more };
  if (error instanceof InvalidSignatureError) {
    context.log.warn("request refused", { ...fields, reason: error.reason });
  } else if (code === "internal" || code === "storage_unavailable") {
    context.log.error("request failed", { ...fields, error });
  } else {
    context.log.info("request refused", fields);
  }
}
