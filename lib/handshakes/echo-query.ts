import type { Answer } from "../answer.ts";
import { isSameToken } from "../constant-time.ts";
import { WebhookError } from "../errors.ts";
import type { EchoQuery } from "../handshake.ts";
import { textAnswer } from "../http/headers.ts";
import { checkChallenge } from "./challenge.ts";

/**
 * The challenge of a query, as plain text. Nothing of the query is kept.
 *
 * @param query with its `?`, or empty
 * @param verifyTokens digests of `tokenDigest`, any of which may be sent
 * @throws {WebhookError} `challenge_invalid`: none, a malformed one, or a parameter that came twice;
 *   `verify_token_invalid`
 */
export function echoQuery(
  { challenge, token, constants = {} }: EchoQuery,
  query: string,
  verifyTokens: readonly Uint8Array[],
): Answer {
  const parameters = new URLSearchParams(query);
  const text = single(parameters, challenge);
  if (token !== undefined && !isSameToken(single(parameters, token) ?? "", verifyTokens)) {
    throw new WebhookError(
      "verify_token_invalid",
      "Cannot answer the challenge: its verify token is not ours",
    );
  }
  for (const [name, value] of Object.entries(constants)) {
    if (single(parameters, name) === value) continue;
    throw new WebhookError("challenge_invalid", `Cannot answer this challenge: send ${name}=${value}`);
  }
  return textAnswer(200, checkChallenge(text));
}

/** Whoever reads the first of two and whoever reads the last would disagree, so one that came twice is refused. */
function single(parameters: URLSearchParams, name: string): string | undefined {
  const [first, ...more] = parameters.getAll(name);
  if (more.length === 0) return first;
  throw new WebhookError("challenge_invalid", `Cannot answer this challenge: send ${name} once`);
}
