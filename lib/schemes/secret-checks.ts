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
  if (secret !== secret.trim() || /^\uFEFF/.test(secret) || /^(["'`]).*\1$/s.test(secret)) {
    oddities.push("has white space or quotes around it, which count as part of it");
  }
  const other = otherKey(secret);
  if (other !== null) {
    oddities.push(`looks like ${other}, which signs no webhooks: take the webhook's own secret`);
  }
  const key = readKey(schemeFor(scheme, secret), secret);
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

/** What a secret is by its form, such as `a Stripe API key`, where that signs no webhooks; null for any other text. */
export function otherKey(secret: string): string | null {
  return SHAPES.find(({ pattern }) => pattern.test(secret))?.name ?? null;
}

/** Keys of the providers' APIs, which people put where the webhook's secret belongs. */
const SHAPES: readonly { readonly name: string; readonly pattern: RegExp }[] = [
  { name: "a Stripe API key", pattern: /^(?:sk|rk|pk)_(?:live|test)_/ },
  { name: "a Razorpay key", pattern: /^rzp_(?:live|test)_/ },
  { name: "a Slack token", pattern: /^xox[a-z]-/ },
  { name: "a Meta access token", pattern: /^EAA[A-Za-z0-9]{20}/ },
  { name: "a Shopify access token", pattern: /^shp(?:at|ca|pa)_/ },
  { name: "a GitHub token", pattern: /^(?:gh[a-z]_|github_pat_)/ },
  { name: "a GitLab token", pattern: /^gl(?:pat|dt|rt)-/ },
  { name: "a SendGrid API key", pattern: /^SG\.[\w-]{10}/ },
  { name: "a Linear API key", pattern: /^lin_(?:api|oauth)_/ },
  { name: "a Square access token", pattern: /^(?:EAAA|sq0[a-z]{3}-)/ },
  { name: "an OpenAI API key", pattern: /^sk-/ },
];
