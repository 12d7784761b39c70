import { createHmac } from "node:crypto";
import type { RejectionReason } from "../../lib/rejection.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { type Sent, signDelivery } from "../../lib/verify/sign.ts";

/** One mistake as it is made at a server with `SETTINGS`. */
export interface OnPurpose {
  readonly reason: RejectionReason;
  readonly provider: string;
  /** What the advice has to name. */
  readonly advice: RegExp;
  readonly isProven: boolean;
  /** Requests in their order, one a second. The last one is what the reason is of. */
  requests(now: number): readonly OnPurposeRequest[];
}

export interface OnPurposeRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export const PUBLIC_URL = "https://hooks.example.org";

const TEXT = JSON.stringify({ id: "evt_of-nobody-else", type: "a/b", note: "grüße" });

/** One of each name, so that no two mistakes share a provider. */
const ALIASES = {
  unsigned: "github",
  legacy: "github",
  misrouted: "slack",
  timeless: "zoom",
  cut: "github",
  hexed: "shopify",
  ahead: "slack",
  late: "stripe",
  swapped: "github",
  swapper: "github",
  padded: "github",
  undecoded: "standard-webhooks",
  keyed: "stripe",
  rewritten: "github",
  trimmed: "github",
  gateway: "github",
  latin: "github",
  elsewhere: "square",
  rebuilt: "slack",
  rotated: "github",
  puzzling: "github",
  busy: "github",
} as const;
type Alias = keyof typeof ALIASES;

const WHSEC = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;

const secretOf = (name: string): string => `secret-of-${name}-0123456789`;

export const SETTINGS: {
  readonly schemes: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string | readonly string[]>>;
} = {
  schemes: ALIASES,
  secrets: {
    ...Object.fromEntries(Object.keys(ALIASES).map((name) => [name, secretOf(name)])),
    undecoded: WHSEC,
    padded: `${secretOf("padded")}\n`,
    keyed: "sk_live_0123456789abcdefghij",
    stripe: secretOf("stripe"),
  },
};

/** What none of the outputs may have: the secrets, and what was signed with. */
export const SECRETS: readonly string[] = [
  ...Object.values(SETTINGS.secrets).flat(),
  secretOf("padded"),
  WHSEC.slice(6),
  secretOf("nobody"),
];

function signed(
  scheme: string,
  secret: string,
  at: number,
  body = TEXT,
  more: { url?: string; type?: string } = {},
): Sent {
  const record = builtInScheme(scheme);
  if (record === undefined) throw new Error(`Cannot find ${scheme}`);
  return signDelivery(record, secret, {
    method: "POST",
    url: more.url ?? null,
    body: Buffer.from(body),
    contentType: more.type ?? "application/json",
    at,
    id: "msg_1",
    type: null,
  });
}

function own(name: Alias, at: number, body = TEXT): Sent {
  const scheme: string = ALIASES[name];
  return signed(scheme, secretOf(name), at, body);
}

type Changes = { headers?: Readonly<Record<string, string | undefined>>; body?: string | Uint8Array };

function changed(sent: Sent, { headers = {}, body = sent.body }: Changes = {}): OnPurposeRequest {
  const all = Object.entries({ ...sent.headers, ...headers });
  return {
    headers: Object.fromEntries(all.filter(([, value]) => value !== undefined)) as Record<string, string>,
    body: Uint8Array.from(Buffer.from(body as Uint8Array)),
  };
}

function mistake(
  reason: RejectionReason,
  provider: Alias | "sentry",
  advice: RegExp,
  requests: (now: number) => OnPurposeRequest | readonly OnPurposeRequest[],
  isProven = true,
): OnPurpose {
  return { reason, provider, advice, isProven, requests: (now) => [requests(now)].flat() };
}

const HUB = "x-hub-signature-256";

/** Each cause, made on purpose. */
export const ON_PURPOSE: readonly OnPurpose[] = [
  mistake("no_secret", "sentry", /secrets\.sentry \(WEBHOOK_SECRET_SENTRY\)/, (now) =>
    changed(signed("sentry", secretOf("nobody"), now)),
  ),
  mistake("no_signature", "unsigned", /x-hub-signature-256/, (now) =>
    changed(own("unsigned", now), { headers: { [HUB]: undefined } }),
  ),
  mistake("wrong_header", "legacy", /hmac-sha1 signature came, in x-hub-signature:/, (now) =>
    changed(own("legacy", now), {
      headers: {
        [HUB]: undefined,
        "x-hub-signature": `sha1=${createHmac("sha1", secretOf("legacy")).update(TEXT).digest("hex")}`,
      },
    }),
  ),
  mistake("looks_like_provider", "misrouted", /delivery of stripe.*\/webhooks\/stripe/, (now) =>
    changed(signed("stripe", secretOf("stripe"), now)),
  ),
  mistake("header_unfit", "timeless", /x-zm-request-timestamp/, (now) =>
    changed(own("timeless", now), { headers: { "x-zm-request-timestamp": undefined } }),
  ),
  mistake("signature_length", "cut", /24 bytes and not 32/, (now) =>
    changed(own("cut", now), { headers: { [HUB]: own("cut", now).headers[HUB]?.slice(0, -16) } }),
  ),
  mistake("signature_encoding", "hexed", /is right.*32 bytes in base64/, (now) => {
    const sent = own("hexed", now);
    const name = "x-shopify-hmac-sha256";
    return changed(sent, {
      headers: { [name]: Buffer.from(sent.headers[name] ?? "", "base64").toString("hex") },
    });
  }),
  mistake("clock_skew", "ahead", /future.*NTP/, (now) => changed(own("ahead", now + 1_000_000))),
  mistake("stale", "late", /older than late allows/, (now) => changed(own("late", now - 1_000_000))),
  mistake(
    "other_secret",
    "swapped",
    /secrets\.swapper \(WEBHOOK_SECRET_SWAPPER\).*secrets\.swapped \(WEBHOOK_SECRET_SWAPPED\)/,
    (now) => changed(own("swapper", now)),
  ),
  mistake("secret_has_whitespace", "padded", /secrets\.padded \(WEBHOOK_SECRET_PADDED\)/, (now) =>
    changed(own("padded", now)),
  ),
  mistake("secret_encoding", "undecoded", /not decoded.*secrets\.undecoded/, (now) => {
    const at = String(Math.floor(now / 1_000));
    const mac = createHmac("sha256", WHSEC).update(`msg_1.${at}.${TEXT}`).digest("base64");
    return changed(signed("standard-webhooks", WHSEC, now), {
      headers: { "webhook-signature": `v1,${mac}` },
    });
  }),
  mistake(
    "not_a_webhook_secret",
    "keyed",
    /secrets\.keyed \(WEBHOOK_SECRET_KEYED\) looks like a Stripe API key/,
    (now) => changed(signed("stripe", secretOf("nobody"), now)),
    false,
  ),
  mistake("body_reserialised", "rewritten", /an indent of 2.*body parser/, (now) =>
    changed(own("rewritten", now, JSON.stringify(JSON.parse(TEXT), null, 2)), { body: TEXT }),
  ),
  mistake("body_changed_in_transit", "trimmed", /line break at its end/, (now) =>
    changed(own("trimmed", now, `${TEXT}\n`), { body: TEXT }),
  ),
  mistake("body_base64", "gateway", /base64/, (now) =>
    changed(own("gateway", now), { body: Buffer.from(TEXT).toString("base64") }),
  ),
  mistake("charset", "latin", /Latin-1/, (now) =>
    changed(own("latin", now), { body: Buffer.from(Buffer.from(TEXT).toString("latin1")) }),
  ),
  mistake(
    "url_mismatch",
    "elsewhere",
    /publicUrl \(WEBHOOK_PUBLIC_URL\) to https:\/\/called\.example\.net$/,
    (now) =>
      changed(
        signed("square", secretOf("elsewhere"), now, TEXT, {
          url: "https://called.example.net/webhooks/elsewhere",
        }),
        { headers: { "x-forwarded-host": "called.example.net" } },
      ),
  ),
  mistake("form_rebuilt", "rebuilt", /blanks as \+.*form/, (now) =>
    changed(
      signed("slack", secretOf("rebuilt"), now, "text=hello+you&user=a", {
        type: "application/x-www-form-urlencoded",
      }),
      { body: "text=hello%20you&user=a" },
    ),
  ),
  mistake(
    "maybe_rotated",
    "rotated",
    /held before.*secrets\.rotated \(WEBHOOK_SECRET_ROTATED\)/,
    (now) => [
      changed(own("rotated", now)),
      ...[1, 2, 3].map(() => changed(signed("github", secretOf("nobody"), now))),
    ],
    false,
  ),
  mistake(
    "unexplained",
    "puzzling",
    /SHA-256.*secrets\.puzzling \(WEBHOOK_SECRET_PUZZLING\)/,
    (now) => changed(signed("github", secretOf("nobody"), now)),
    false,
  ),
];
