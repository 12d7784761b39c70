import { WebhookError } from "../errors.ts";

/**
 * A challenge that may come back as plain text. It has no space, no line break and no mark of HTML or JSON, so that it
 * stays text whoever reads it.
 *
 * @throws {WebhookError} `challenge_invalid`
 */
export function checkChallenge(text: unknown): string {
  return check(text, CHALLENGE, `up to ${CHALLENGE_MAX} letters, digits and . _ ~ = -`);
}

/**
 * A token that a MAC is made of. Whatever a delivery's signature covers has a character that no token has, or this would
 * sign deliveries for whoever asks.
 *
 * @throws {WebhookError} `challenge_invalid`
 */
export function checkPlainToken(text: unknown): string {
  return check(text, PLAIN_TOKEN, `up to ${PLAIN_TOKEN_MAX} letters, digits and _ -`);
}

/** Slack's and Dropbox's have some 50 characters. */
const CHALLENGE_MAX = 256;
const CHALLENGE = new RegExp(`^[A-Za-z0-9._~=-]{1,${CHALLENGE_MAX}}$`);
/** Zoom's have 22. */
const PLAIN_TOKEN_MAX = 128;
const PLAIN_TOKEN = new RegExp(`^[A-Za-z0-9_-]{1,${PLAIN_TOKEN_MAX}}$`);

function check(text: unknown, pattern: RegExp, wanted: string): string {
  if (typeof text === "string" && pattern.test(text)) return text;
  throw new WebhookError("challenge_invalid", `Cannot answer this challenge: send ${wanted}`);
}
