import type { Answer } from "../answer.ts";
import { toHex } from "../event.ts";
import type { BodyPattern, Handshake } from "../handshake.ts";
import { emptyAnswer, jsonAnswer, textAnswer } from "../http/headers.ts";
import { mediaType, tryParseBody } from "../parse-body.ts";
import type { Provider } from "../schemes/providers.ts";
import { mac } from "../verify/holds.ts";
import { readKey } from "../verify/keys.ts";
import { valueAt } from "../verify/read.ts";
import type { Verified } from "../verify/scheme-check.ts";
import { checkChallenge, checkPlainToken } from "./challenge.ts";

/** A handshake that is known by its body. */
export type BodyHandshake = Extract<Handshake, BodyPattern>;

/**
 * The handshake that a verified POST is, and its answer; null where it is a delivery like any other.
 *
 * @param verified of this very body: without a secret that has signed there is no handshake
 * @throws {WebhookError} `challenge_invalid`
 */
export function bodyHandshake(
  provider: Provider,
  verified: Verified,
  contentType: string,
  body: Uint8Array,
): { kind: BodyHandshake["kind"]; answer: Answer } | null {
  const handshakes = provider.scheme.handshakes?.filter(hasPattern) ?? [];
  if (handshakes.length === 0 || body.byteLength > BODY_BYTES_MAX) return null;
  if (mediaType(contentType) !== "application/json") return null;
  const value = tryParseBody(body, contentType);
  const handshake = handshakes.find((one) => isFitting(one, value));
  if (handshake === undefined) return null;
  return { kind: handshake.kind, answer: answerOf(handshake, value, provider, verified) };
}

/** What is larger is a delivery, and not parsed twice. The largest handshake, Discord's, has some 2 KiB. */
const BODY_BYTES_MAX = 16_384;

function hasPattern(handshake: Handshake): handshake is BodyHandshake {
  return "when" in handshake;
}

function isFitting({ when, without = [] }: BodyPattern, value: unknown): boolean {
  const isSame = ([path, wanted]: [string, unknown]): boolean => {
    const found = valueAt(value, path);
    return Array.isArray(wanted) ? Array.isArray(found) && found.length === 0 : found === wanted;
  };
  return Object.entries(when).every(isSame) && without.every((path) => valueAt(value, path) === undefined);
}

function answerOf(handshake: BodyHandshake, value: unknown, provider: Provider, verified: Verified): Answer {
  switch (handshake.kind) {
    case "echo-body":
      return textAnswer(200, checkChallenge(valueAt(value, handshake.challenge)));
    case "mac-body": {
      const token = checkPlainToken(valueAt(value, handshake.token));
      const { answer } = handshake;
      return jsonAnswer(200, { [answer.token]: token, [answer.mac]: macOf(token, provider, verified) });
    }
    case "ping":
      return handshake.json === undefined
        ? emptyAnswer(handshake.status)
        : jsonAnswer(handshake.status, handshake.json);
  }
}

/** By the secret that has signed: several apps may share the route, and each knows its own alone. */
function macOf(token: string, { name, secrets }: Provider, { scheme, secretIndex }: Verified): string {
  const key = readKey(scheme, secrets[secretIndex] ?? "");
  if (key.kind !== "hmac") throw new Error(`Cannot make a MAC for ${name}: its scheme has no shared key`);
  return toHex(mac(key, [token]));
}
