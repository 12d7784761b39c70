import type { Answer } from "../lib/answer.ts";
import { echoQuery } from "../lib/handshakes/echo-query.ts";
import { handshakeOf, type MethodHandshake } from "../lib/handshakes/handshake-of.ts";
import { answerPermission } from "../lib/handshakes/permission.ts";
import { emptyAnswer } from "../lib/http/headers.ts";
import type { Provider } from "../lib/schemes/providers.ts";
import type { Call, Route, RouteContext } from "./context.ts";

/** GET, HEAD and OPTIONS /webhooks/{provider}, where its handshake has them. Errors: 400 403 404 405 503. */
export const answerHandshake: Route = (call, context) => {
  const provider = context.providers.get(call.part);
  const handshake = provider === undefined ? undefined : handshakeOf(provider, call.request.method);
  if (provider === undefined || handshake === undefined) {
    throw new Error(`Cannot find the handshake of ${call.part} that the table has found`);
  }
  const answered = answerOf(handshake, provider, call, context);
  const leftOut = context.refusalLines.take("handshake"); // strangers ask, too
  if (leftOut !== null) {
    const more = leftOut === 0 ? {} : { left_out: leftOut };
    const { kind } = handshake;
    context.log.info("handshake", { request_id: call.requestId, provider: provider.name, kind, ...more });
  }
  return answered;
};

function answerOf(
  handshake: MethodHandshake,
  { rate, verifyTokens }: Provider,
  { request, query }: Call,
  { settings }: RouteContext,
): Answer {
  switch (handshake.kind) {
    case "echo-query":
      return echoQuery(handshake, query, verifyTokens);
    case "head":
      return emptyAnswer(200);
    case "permission":
      return answerPermission(request.headers, { requestOrigins: settings.requestOrigins, rate });
  }
}
