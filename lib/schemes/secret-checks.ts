import type { Scheme } from "../scheme.ts";
import { readKey, WHSEC_BYTES } from "../verify/keys.ts";
import { schemeFor } from "../verify/verify.ts";

/** What a secret is to a scheme: two kinds never share a value, because one of them is shown to others. */
export type SecretKind = "hmac" | "public" | "token";

/**
 * @throws {TypeError} a secret that is not in its scheme's form, without any of it
 */
export function secretKind(scheme: Scheme, secret: string): SecretKind {
  return readKey(schemeFor(scheme, secret), secret).kind;
}

/** What is odd about a secret but may be meant, as the end of a sentence about it. */
export function secretOddities(scheme: Scheme, secret: string): readonly string[] {
  const oddities: string[] = [];
  const key = readKey(schemeFor(scheme, secret), secret);
  // In a public key's base64 they are passed over, as editors and files put them there.
  const isText = key.kind !== "public";
  if (isText && (secret !== secret.trim() || /^\uFEFF/.test(secret) || /^(["'`]).*\1$/s.test(secret))) {
    oddities.push("has white space or quotes around it, which count as part of it");
  }
  const other = otherKey(secret);
  if (other !== null) {
    oddities.push(`looks like ${other}, which signs no webhooks: take the webhook's own secret`);
  }
  const bytes =
    key.kind === "hmac" && schemeFor(scheme, secret).key === "whsec"
      ? key.secret.symmetricKeySize
      : undefined;
  if (bytes !== undefined && (bytes < WHSEC_BYTES.min || bytes > WHSEC_BYTES.max)) {
    oddities.push(
      `stands for ${bytes} bytes, and Standard Webhooks have ${WHSEC_BYTES.min} to ${WHSEC_BYTES.max}: see whether it was copied whole`,
    );
  }
  return oddities;
}

/**
 * One text for all spellings of a value: a key with its prefix and without, a line break behind it, capitals in its hex.
 * Two values of one text are never two secrets that were made by chance.
 */
export function withoutSpelling(secret: string): string {
  return secret
    .trim()
    .replace(/^v1a?,/, "")
    .replace(/^wh(?:sec|pk)_/, "")
    .toLowerCase();
}

/** What a secret is by its form, such as `a Stripe API key`, where that signs no webhooks; null for any other text. */
export function otherKey(secret: string): string | null {
  return SHAPES.find(({ pattern }) => pattern.test(secret))?.name ?? null;
}

/**
 * Keys of the providers' APIs, which people put where the webhook's secret belongs. As long as they are at least, where
 * their first letters are short: Square's signature keys are 22 or 43 random characters, and may begin like any of them.
 */
const SHAPES: readonly { readonly name: string; readonly pattern: RegExp }[] = [
  { name: "a Stripe API key", pattern: /^(?:sk|rk|pk)_(?:live|test)_/ },
  { name: "a Razorpay key", pattern: /^rzp_(?:live|test)_/ },
  { name: "a Slack token", pattern: /^(?:xox[a-z]|xapp)-/ },
  { name: "a Meta access token", pattern: /^EAA[A-Za-z0-9]{60}/ },
  { name: "a Shopify access token", pattern: /^shp(?:at|ca|pa)_/ },
  { name: "a GitHub token", pattern: /^(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_)/ },
  { name: "a GitLab token", pattern: /^gl(?:pat|dt|rt)-/ },
  { name: "a SendGrid API key", pattern: /^SG\.[\w-]{10}/ },
  { name: "a Linear API key", pattern: /^lin_(?:api|oauth)_/ },
  { name: "a Square access token", pattern: /^(?:EAAA[\w-]{50}|(?:sandbox-)?sq0[a-z]{3}-)/ },
  { name: "an OpenAI API key", pattern: /^sk-[\w-]{20}/ },
  { name: "a Paddle API key", pattern: /^pdl_(?:live|sdbx|test)_apikey_/ },
  { name: "a Telegram bot's token", pattern: /^\d{6,12}:[\w-]{35}$/ },
  { name: "a Twilio SID", pattern: /^(?:AC|SK)[0-9a-f]{32}$/ },
  { name: "a HubSpot access token", pattern: /^pat-[a-z]{2}\d-/ },
  { name: "a Notion token", pattern: /^ntn_/ },
];
