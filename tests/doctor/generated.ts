import { generateKeyPairSync } from "node:crypto";
import type { RejectionReason } from "../../lib/rejection.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import type { Arrival } from "./clinic.ts";
import { Float, WRITERS } from "./writers.ts";

/** What went wrong, made up without a look at the doctor's code: how the request arrives, and what the cause is called. */
export interface Mishap {
  readonly what: string;
  readonly provider: string;
  readonly secrets: Record<string, string | string[]>;
  /** In their order. The cause is named after the last; one before it may hold. */
  readonly arrivals: readonly Step[];
  readonly cause: Cause;
  /** True where nothing but line ends and edges of a body that was written anew is different. */
  readonly isEdgesOnly?: boolean;
  /** Secrets of the sender that are set nowhere. */
  readonly hidden: readonly string[];
}

export interface Step {
  /** Milliseconds after the one before. */
  readonly after: number;
  arrival(now: number): Arrival;
}

/**
 * Where two names are true of one mishap, both are taken. Fixed before the first run:
 * - where nothing but line ends, or white space at the edges of a JSON body, is different, that is a change in transit,
 *   and writing the JSON anew makes the same;
 * - a byte order mark that was added or dropped is one of the charset, and bytes that were changed in transit;
 * - a form whose blanks are spelled otherwise was rebuilt, and changed in transit;
 * - where a secret is another provider's, whose deliveries look the same, both are said of it.
 */
const ALSO_TRUE: Readonly<Record<Cause, readonly RejectionReason[]>> = {
  no_signature: [],
  wrong_header: [],
  looks_like_provider: ["other_secret"],
  header_unfit: [],
  signature_length: [],
  signature_encoding: [],
  clock_skew: [],
  stale: [],
  other_secret: ["looks_like_provider"],
  secret_has_whitespace: [],
  secret_encoding: [],
  not_a_webhook_secret: [],
  body_reserialised: [],
  body_changed_in_transit: ["body_reserialised", "body_changed_in_transit"],
  body_base64: [],
  charset: ["body_changed_in_transit"],
  url_mismatch: [],
  form_rebuilt: ["body_changed_in_transit"],
  maybe_rotated: [],
  unexplained: [],
};

export type Cause = Exclude<RejectionReason, "no_secret" | "not_examined">;

export function accepted({ cause, isEdgesOnly }: Mishap): readonly RejectionReason[] {
  return [cause, ...ALSO_TRUE[cause], ...(isEdgesOnly ? ALSO_TRUE.body_changed_in_transit : [])];
}

/** One mishap, the same for the same numbers. */
export function makeMishap(
  random: () => number,
  makers: readonly (readonly [number, Maker])[] = MAKERS,
): Mishap {
  const dice = new Dice(random);
  const make = dice.weighted(makers);
  // What cannot go together is drawn again.
  for (;;) {
    const mishap = make(dice);
    if (mishap !== null) return mishap;
  }
}

class Dice {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  upTo(count: number): number {
    return Math.floor(this.#random() * count);
  }

  between(from: number, to: number): number {
    return from + this.upTo(to - from + 1);
  }

  may(chance: number): boolean {
    return this.#random() < chance;
  }

  one<T>(list: readonly T[]): T {
    return list[this.upTo(list.length)] as T;
  }

  weighted<T>(list: readonly (readonly [number, T])[]): T {
    let at = this.#random() * list.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of list) {
      at -= weight;
      if (at < 0) return value;
    }
    return this.one(list)[1];
  }

  letters(
    count: number,
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
  ): string {
    return Array.from({ length: count }, () => alphabet.charAt(this.upTo(alphabet.length))).join("");
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.upTo(256)));
  }
}

export type Maker = (dice: Dice) => Mishap | null;

/** Providers that send JSON and sign nothing but what stands in the request's body and headers. */
const PLAIN = [
  "generic",
  "github",
  "shopify",
  "razorpay",
  "lemon-squeezy",
  "coinbase-commerce",
  "xero",
  "jira",
  "bitbucket",
  "gitea",
  "forgejo",
  "gogs",
  "notion",
  "asana",
  "sentry",
  "pagerduty",
  "intercom",
  "typeform",
  "dropbox",
  "meta",
] as const;
const TIMED = [
  "stripe",
  "slack",
  "zoom",
  "paddle",
  "calendly",
  "box",
  "standard-webhooks",
  "clerk",
  "resend",
  "openai",
];
const PAIRS = ["discord", "sendgrid"];
const WITH_URL = ["square", "trello", "hubspot"];
const TOKENS = ["telegram", "gitlab"];
const IN_BODY = ["linear"];
const SIGNERS = [...PLAIN, ...TIMED, ...PAIRS, ...IN_BODY];
const MAC_SIGNERS = [...PLAIN, ...TIMED, ...IN_BODY];

function schemeOf(provider: string): Scheme {
  const scheme = builtInScheme(provider);
  if (scheme === undefined) throw new Error(`Cannot find ${provider}`);
  return scheme;
}

interface Pair {
  readonly signing: string;
  readonly verifying: string;
}

/** A secret as the provider's page shows such. */
function makeSecret(dice: Dice, provider: string): Pair {
  const scheme = schemeOf(provider);
  if (scheme.algorithm === "ed25519") {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    return {
      signing: privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32).toString("hex"),
      verifying: publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex"),
    };
  }
  if (scheme.algorithm === "ecdsa-p256-sha256") {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return {
      signing: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
      verifying: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    };
  }
  if (scheme.key === "whsec") return same(`whsec_${dice.bytes(dice.one([24, 32])).toString("base64")}`);
  if (provider === "stripe") return same(`whsec_${dice.letters(32)}`);
  if (provider === "paddle") return same(`pdl_ntfset_${dice.letters(26)}_${dice.letters(32)}`);
  return same(
    dice.one([
      () => dice.bytes(20).toString("hex"),
      () => dice.bytes(32).toString("hex"),
      () => dice.bytes(32).toString("base64"),
      () => dice.letters(dice.between(12, 40)),
      () => `${dice.letters(6)}-${dice.letters(8)}!${dice.letters(5)}`,
    ])(),
  );
}

function same(text: string): Pair {
  return { signing: text, verifying: text };
}

const NAMES = [
  "Jürgen Müller",
  "Zoë",
  "Иван Петров",
  "山田太郎",
  "Anna Smith",
  "José",
  "Bob",
  "Miller & Sons",
  "O'Neil",
];
const TEXTS = [
  "Order placed",
  "Fix <b>bug</b> in parser",
  "a/b & c",
  "Thanks! 🎉",
  "naïve café",
  'she said "no"',
  "line one\nline two",
  "100 % wool",
  "“quoted” – dash",
  "https://example.com/path?a=1&b=2",
];

/** A body such as providers send: ids, times, people, money, lists. */
function makeValue(dice: Dice, isInternational = dice.may(0.5)): Record<string, unknown> {
  const name = isInternational ? dice.one(NAMES) : dice.one(["Anna Smith", "Bob", "Carol Jones"]);
  const text = isInternational ? dice.one(TEXTS) : dice.one(["Order placed", "paid", "Fix parser", "a/b"]);
  const value: Record<string, unknown> = {
    id: `evt_${dice.letters(20)}`,
    type: dice.one(["order.paid", "push", "invoice.created", "issue.updated"]),
    created: 1_700_000_000 + dice.upTo(100_000_000),
    livemode: dice.may(0.5),
    data: {
      object: {
        id: dice.letters(12),
        customer: {
          name,
          email: `${dice.letters(6)}@example.org`,
          url: `https://example.org/u/${dice.letters(5)}`,
        },
        note: text,
        amount: dice.may(0.1) ? new Float(dice.between(1, 500)) : dice.between(100, 99_999),
        rate: dice.between(1, 999) / 8,
        tags: Array.from({ length: dice.upTo(4) }, () => dice.letters(4)),
        meta: {},
        parent: null,
      },
    },
  };
  // Keys that are numbers move to the front in JavaScript.
  if (dice.may(0.04)) value.items = { b: 1, "10": 2, a: 3 };
  return value;
}

const SENDERS: Readonly<Record<string, readonly string[]>> = {
  meta: ["php", "python compact"],
  stripe: ["javascript pretty", "ruby pretty"],
  github: ["rails", "javascript"],
  discord: ["python compact", "rust"],
};
const ANY_SENDER = [
  "javascript",
  "javascript",
  "ruby",
  "rails",
  "go struct",
  "java",
  "php",
  "python",
  "python compact",
  "dotnet",
  "go encoder",
];

function senderText(dice: Dice, provider: string, value: unknown): string {
  const name = dice.one(SENDERS[provider] ?? ANY_SENDER);
  return writer(name)(value);
}

function writer(name: string): (value: unknown) => string {
  const found = WRITERS[name];
  if (found === undefined) throw new Error(`Cannot find ${name}`);
  return found.write;
}

interface Sent {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

interface Signing {
  readonly url?: string | null;
  readonly contentType?: string;
}

function sign(
  provider: string,
  secret: string,
  body: Uint8Array,
  at: number,
  { url = null, contentType = "application/json" }: Signing = {},
): Sent {
  const sent = signDelivery(schemeOf(provider), secret, {
    method: "POST",
    url,
    body,
    contentType,
    at,
    id: `msg_${at}`,
    type: "order.paid",
  });
  return {
    headers: {
      ...sent.headers,
      host: "hooks.example.org",
      "user-agent": `${provider}/1.0`,
      accept: "*/*",
      "content-length": String(sent.body.byteLength),
    },
    body: sent.body,
  };
}

const encode = (text: string): Buffer => Buffer.from(text);

const URL_OF = (provider: string): string => `https://hooks.example.org/webhooks/${provider}`;

/** One delivery that was right when it was sent, and what became of it. */
function once(
  what: string,
  provider: string,
  cause: Cause,
  secrets: Mishap["secrets"],
  sentAt: (now: number) => Sent,
  happen: (
    sent: Sent,
  ) => Omit<Partial<Arrival>, "headers"> & { headers?: Record<string, string | undefined> },
  hidden: readonly string[] = [],
): Mishap {
  const arrival = (now: number): Arrival => {
    const sent = sentAt(now);
    const changed = happen(sent);
    const headers = Object.fromEntries(
      Object.entries({ ...sent.headers, ...changed.headers }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>;
    return { provider, url: URL_OF(provider), body: sent.body, ...changed, headers };
  };
  return { what, provider, secrets, cause, hidden, arrivals: [{ after: 60_000, arrival }] };
}

const reserialised: Maker = (dice) => {
  const provider = dice.one([...MAC_SIGNERS, ...PAIRS]);
  const keys = makeSecret(dice, provider);
  const value = makeValue(dice);
  const text = senderText(dice, provider, value);
  const middleware = dice.weighted([
    [10, "javascript"],
    [4, "python"],
    [1, "python utf-8"],
    [2, "python compact"],
    [3, "php"],
    [1, "php unescaped"],
    [1, "php unicode"],
    [1, "javascript pretty"],
    [1, "java"],
    [1, "go map"],
    [1, "ruby"],
    [1, "rails"],
    [1, "dotnet"],
  ]);
  // What a program reads of a text is not what the sender had: JavaScript has one kind of number, and orders keys.
  const isHosted = dice.may(0.5);
  const isNative = middleware.startsWith("javascript");
  const rewrite = (body: Uint8Array): Buffer => encode(writer(middleware)(readBack(body, isNative)));
  const isEdgesOnly = rewrite(encode(text)).toString().trim() === text.trim();
  const mishap = once(
    `${middleware} wrote it again`,
    provider,
    "body_reserialised",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => {
      const body = rewrite(sent.body);
      return isHosted ? { body } : { body, headers: { "content-length": String(body.byteLength) } };
    },
  );
  return { ...mishap, isEdgesOnly };
};

/** JSON as a program reads it: floats stay floats except in JavaScript, and keys keep their places except there. */
function readBack(body: Uint8Array, isNative: boolean): unknown {
  const text = Buffer.from(body).toString();
  if (isNative) return JSON.parse(text);
  const kept = new Map<string, unknown>();
  const marked = text.replace(/([:[,]\s*)(-?\d+\.0)(?=\s*[,}\]])/g, (_, before: string, number: string) => {
    const name = `float ${kept.size}`;
    kept.set(name, new Float(Number(number)));
    return `${before}"${name}"`;
  });
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === "string" ? (kept.get(value) ?? value) : value,
  );
}

const inTransit: Maker = (dice) => {
  const provider = dice.one([...MAC_SIGNERS, ...PAIRS]);
  const keys = makeSecret(dice, provider);
  const sender = dice.one(["javascript", "javascript pretty", "python", "go encoder", "ruby pretty"]);
  const text = writer(sender)(makeValue(dice)) + dice.one(["", "", "\n", "\r\n"]);
  const [what, change] = dice.one<readonly [string, (text: string) => string]>([
    ["trims the end", (body) => body.trimEnd()],
    ["adds a line break", (body) => `${body}\n`],
    ["adds CR LF", (body) => `${body}\r\n`],
    ["writes LF for CR LF", (body) => body.replaceAll("\r\n", "\n")],
    ["writes CR LF for LF", (body) => body.replace(/\r?\n/g, "\r\n")],
  ]);
  if (change(text) === text) return null;
  const via: Record<string, string> = dice.may(0.5)
    ? { via: "1.1 proxy", "x-forwarded-for": "203.0.113.9" }
    : {};
  return once(
    `a proxy ${what}`,
    provider,
    "body_changed_in_transit",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => ({ body: encode(change(Buffer.from(sent.body).toString())), headers: via }),
  );
};

const base64: Maker = (dice) => {
  const provider = dice.one(SIGNERS);
  const keys = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  const [what, wrap] = dice.one<readonly [string, (body: Uint8Array) => string]>([
    ["base64", (body) => Buffer.from(body).toString("base64")],
    ["base64 with a line break", (body) => `${Buffer.from(body).toString("base64")}\n`],
    [
      "an event of a gateway",
      (body) =>
        JSON.stringify({ resource: "/", body: Buffer.from(body).toString("base64"), isBase64Encoded: true }),
    ],
    ["base64 as a JSON text", (body) => JSON.stringify(Buffer.from(body).toString("base64"))],
    ["base64url", (body) => Buffer.from(body).toString("base64url")],
  ]);
  return once(
    `the gateway hands over ${what}`,
    provider,
    "body_base64",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => ({ body: encode(wrap(sent.body)) }),
  );
};

const charset: Maker = (dice) => {
  const provider = dice.one(SIGNERS.filter((name) => name !== "meta" && name !== "discord"));
  const keys = makeSecret(dice, provider);
  const value = {
    ...makeValue(dice, false),
    who: dice.one(["Jürgen", "café", "Zoë", "señor", "“quoted”", "Łukasz", "naïve – ok"]),
  };
  const text = writer("javascript")(value);
  const [what, change] = dice.one<readonly [string, (body: Buffer) => Uint8Array]>([
    ["Latin-1 and wrote UTF-8", (body) => encode(body.toString("latin1"))],
    ["Windows-1252 and wrote UTF-8", (body) => encode(new TextDecoder("windows-1252").decode(body))],
    ["UTF-8 and wrote Latin-1", (body) => Buffer.from(body.toString(), "latin1")],
    ["ASCII with U+FFFD", (body) => encode(body.toString().replace(/[^\0-\x7f]/g, "\uFFFD"))],
    ["it and put a byte order mark before", (body) => encode(`\uFEFF${body.toString()}`)],
    ["it and decomposed the letters", (body) => encode(body.toString().normalize("NFD"))],
  ]);
  const isLost = what === "UTF-8 and wrote Latin-1" && /[^\0-\xff]/.test(text);
  if (isLost || Buffer.compare(change(encode(text)), encode(text)) === 0) return null;
  return once(
    `something read ${what}`,
    provider,
    "charset",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => ({ body: change(Buffer.from(sent.body)) }),
  );
};

const otherSecret: Maker = (dice) => {
  const provider = dice.one([...SIGNERS, ...TOKENS]);
  const keys = makeSecret(dice, provider);
  const [other, setting] = dice.may(0.5)
    ? [dice.one(MAC_SIGNERS.filter((name) => name !== provider)), null]
    : [provider, "second"];
  const wrong = makeSecret(dice, provider);
  const scheme = schemeOf(provider);
  if (scheme.key !== undefined && setting === null && schemeOf(other).key !== scheme.key) return null;
  if (setting === null && schemeOf(other).key !== undefined && scheme.key === undefined) return null;
  if (scheme.algorithm === "token" && setting === null) return null;
  const name = setting === null ? other : `${provider}-second`;
  const secrets: Record<string, string | string[]> = { [provider]: keys.verifying, [name]: wrong.verifying };
  if (dice.may(0.4)) secrets.razorpay ??= makeSecret(dice, "razorpay").verifying;
  const text = senderText(dice, provider, makeValue(dice));
  return once(
    `it is signed with the secret of ${name}`,
    provider,
    "other_secret",
    secrets,
    (now) => sign(provider, wrong.signing, encode(text), now),
    () => ({}),
  );
};

const unknownSecret: Maker = (dice) => {
  const provider = dice.one([...SIGNERS, ...TOKENS]);
  const keys = makeSecret(dice, provider);
  const wrong = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  return once(
    "it is signed with a secret that is set nowhere",
    provider,
    "unexplained",
    { [provider]: keys.verifying },
    (now) => sign(provider, wrong.signing, encode(text), now),
    () => ({}),
    [wrong.signing],
  );
};

const apiKey: Maker = (dice) => {
  const [provider, secret] = dice.one<readonly [string, string]>([
    ["stripe", `sk_live_${dice.letters(24)}`],
    ["stripe", `rk_test_${dice.letters(24)}`],
    ["slack", `xoxb-${dice.letters(12)}-${dice.letters(24)}`],
    ["meta", `EAA${dice.letters(60)}`],
    ["shopify", `shpat_${dice.letters(32)}`],
    ["github", `ghp_${dice.letters(36)}`],
    ["razorpay", `rzp_live_${dice.letters(14)}`],
    ["linear", `lin_api_${dice.letters(40)}`],
  ]);
  const real = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  return once(
    "an API key is set",
    provider,
    "not_a_webhook_secret",
    { [provider]: secret },
    (now) => sign(provider, real.signing, encode(text), now),
    () => ({}),
    [real.signing],
  );
};

const whiteSpace: Maker = (dice) => {
  const provider = dice.one(
    [...MAC_SIGNERS, ...TOKENS].filter((name) => schemeOf(name).key === undefined && name !== "gitlab"),
  );
  const { signing } = makeSecret(dice, provider);
  const [what, ours, theirs] = dice.one<readonly [string, string, string]>([
    ["a line break behind ours", `${signing}\n`, signing],
    ["CR LF behind ours", `${signing}\r\n`, signing],
    ["a space behind ours", `${signing} `, signing],
    ["a space before ours", ` ${signing}`, signing],
    ["double quotes around ours", `"${signing}"`, signing],
    ["single quotes around ours", `'${signing}'`, signing],
    ["a byte order mark before ours", `\uFEFF${signing}`, signing],
    ["quotes and a line break", `"${signing}"\n`, signing],
    ["a line break behind the sender's", signing, `${signing}\n`],
    ["a line break in ours", `${signing.slice(0, 8)}\n${signing.slice(8)}`, signing],
    ["a written \\n behind ours", `${signing}\\n`, signing],
  ]);
  if (TOKENS.includes(provider) && theirs !== signing) return null; // no header carries that
  const text = senderText(dice, provider, makeValue(dice));
  return once(
    what,
    provider,
    "secret_has_whitespace",
    { [provider]: ours },
    (now) => sign(provider, theirs, encode(text), now),
    () => ({}),
    [signing],
  );
};

const secretEncoding: Maker = (dice) => {
  const raw = dice.bytes(dice.one([24, 32]));
  const text64 = raw.toString("base64");
  const text16 = raw.toString("hex");
  const whsec = dice.one(["standard-webhooks", "clerk", "resend", "openai"]);
  const plain = dice.one(
    [...PLAIN, "slack", "zoom", "paddle"].filter((name) => schemeOf(name).algorithm === "hmac-sha256"),
  );
  const asBytes = { key: "whsec" } as const;
  const [what, provider, ours, scheme, theirs] = dice.one<
    readonly [string, string, string, Partial<Scheme>, string]
  >([
    ["the sender takes the whole text", whsec, `whsec_${text64}`, { key: "text" }, `whsec_${text64}`],
    ["the sender takes the text behind whsec_", whsec, `whsec_${text64}`, { key: "text" }, text64],
    ["the sender decodes base64", plain, text64, asBytes, text64],
    ["the sender decodes what stands behind whsec_", "stripe", `whsec_${text64}`, asBytes, text64],
    ["the sender decodes hex", plain, text16, asBytes, text64],
    ["ours has a prefix that the sender cuts", plain, `whsec_${text64}`, { key: "text" }, text64],
  ]);
  const body = encode(senderText(dice, provider, makeValue(dice)));
  return once(
    what,
    provider,
    "secret_encoding",
    { [provider]: ours },
    (now) => {
      const sent = signDelivery({ ...schemeOf(provider), ...scheme } as Scheme, theirs, {
        method: "POST",
        url: null,
        body,
        contentType: "application/json",
        at: now,
        id: "msg_1",
        type: "order.paid",
      });
      return { headers: { ...sent.headers, host: "hooks.example.org" }, body: sent.body };
    },
    () => ({}),
  );
};

/** Where the signature stands, and it alone. */
function signatureOf(
  provider: string,
  headers: Readonly<Record<string, string>>,
): { name: string; value: string; digest: string } {
  const { header = "" } = schemeOf(provider).signature;
  const name = typeof header === "string" ? header : (header[0] ?? "");
  const value = headers[name] ?? "";
  const [digest = ""] = /[0-9a-f]{40,}$|[A-Za-z0-9+/]{20,}={0,2}$/.exec(value) ?? [];
  return { name, value, digest };
}

const misspelled: Maker = (dice) => {
  const provider = dice.one(MAC_SIGNERS);
  const keys = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  const isHex = schemeOf(provider).signature.encoding === "hex";
  const kind = dice.one(["other", "url", "no prefix", "quoted", "unpadded", "twice", "upper prefix"]);
  return once(
    `the signature is spelled otherwise: ${kind}`,
    provider,
    "signature_encoding",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => {
      const { name, value, digest } = signatureOf(provider, sent.headers);
      const bytes = Buffer.from(digest, isHex ? "hex" : "base64");
      const before = value.slice(0, value.length - digest.length);
      const spelled = {
        other: before + bytes.toString(isHex ? "base64" : "hex"),
        url: before + bytes.toString("base64url"),
        "no prefix": digest,
        quoted: `"${value}"`,
        unpadded: before + bytes.toString("base64").replace(/=+$/, ""),
        twice: `${value}, ${value}`,
        "upper prefix": before.toUpperCase() + digest,
      }[kind];
      return { headers: { [name]: spelled ?? value } };
    },
  );
};

const cut: Maker = (dice) => {
  const provider = dice.one(MAC_SIGNERS);
  const keys = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  const count = dice.between(6, 20) * 2;
  return once(
    `the signature was cut by ${count} letters`,
    provider,
    "signature_length",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => {
      const { name, value } = signatureOf(provider, sent.headers);
      return { headers: { [name]: value.replace(/=+$/, "").slice(0, -count) } };
    },
  );
};

const wrongHeader: Maker = (dice) => {
  const provider = dice.one(PLAIN);
  const keys = makeSecret(dice, provider);
  const scheme = schemeOf(provider);
  const text = senderText(dice, provider, makeValue(dice));
  const kind = dice.one(["sha1 in the old header", "renamed", "sha1 in its place", "underscored"]);
  return once(
    kind,
    provider,
    "wrong_header",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => {
      const { name, value } = signatureOf(provider, sent.headers);
      const asSha1 = {
        ...scheme,
        algorithm: scheme.algorithm === "hmac-sha1" ? "hmac-sha256" : "hmac-sha1",
      } as Scheme;
      const old = signDelivery(asSha1, keys.signing, {
        method: "POST",
        url: null,
        body: sent.body,
        contentType: "application/json",
        at: 0,
        id: null,
        type: null,
      }).headers[name];
      if (kind === "renamed")
        return { headers: { [name]: undefined, [`x-forwarded-${name.replace(/^x-/, "")}`]: value } };
      if (kind === "underscored") return { headers: { [name]: undefined, [`${name}-original`]: value } };
      if (kind === "sha1 in its place")
        return { headers: { [name]: (old ?? "").replace("sha256=", "sha1=") } };
      const [, digest = ""] = /([^=]+=?=?)$/.exec((old ?? "").replace(/^sha256=|^sha1=|^v1=/, "")) ?? [];
      const legacy = name.replace(/-256$|-sha256$/, "");
      return {
        headers: { [name]: undefined, [legacy === name ? `${name}-sha1` : legacy]: `sha1=${digest}` },
      };
    },
  );
};

const otherProvider: Maker = (dice) => {
  const sender = dice.one([...SIGNERS, ...WITH_URL]);
  const provider = dice.one(SIGNERS.filter((name) => name !== sender && schemeOf(name) !== schemeOf(sender)));
  const keys = makeSecret(dice, sender);
  const own = makeSecret(dice, provider);
  const text = senderText(dice, sender, makeValue(dice));
  const secrets: Record<string, string | string[]> = { [provider]: own.verifying };
  if (dice.may(0.5)) secrets[sender] = keys.verifying;
  return once(
    `a delivery of ${sender} came to ${provider}`,
    provider,
    "looks_like_provider",
    secrets,
    (now) => sign(sender, keys.signing, encode(text), now, { url: URL_OF(sender) }),
    () => ({}),
  );
};

const noSignature: Maker = (dice) => {
  const provider = dice.one([...SIGNERS, ...TOKENS]);
  const keys = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  const isCurl = dice.may(0.4);
  return once(
    isCurl ? "somebody tries it with curl" : "the header was dropped",
    provider,
    "no_signature",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => {
      const dropped = (name: string): boolean =>
        isCurl
          ? !["host", "content-type", "content-length"].includes(name)
          : /sign|token|hmac|sha256/.test(name);
      const names = Object.keys(sent.headers).filter(dropped);
      const headers = Object.fromEntries(names.map((name) => [name, undefined]));
      return { headers: { ...headers, "user-agent": isCurl ? "curl/8.5.0" : sent.headers["user-agent"] } };
    },
  );
};

const lostHeader: Maker = (dice) => {
  const [provider, name] = dice.one<readonly [string, string]>([
    ["slack", "x-slack-request-timestamp"],
    ["zoom", "x-zm-request-timestamp"],
    ["box", "box-delivery-timestamp"],
    ["box", "box-signature-version"],
    ["standard-webhooks", "webhook-id"],
    ["standard-webhooks", "webhook-timestamp"],
    ["openai", "webhook-id"],
    ["discord", "x-signature-timestamp"],
    ["sendgrid", "x-twilio-email-event-webhook-timestamp"],
  ]);
  const keys = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  const value = dice.one([undefined, undefined, "", "Thu, 26 Nov 2026 10:00:00 GMT"]);
  if (value !== undefined && name.endsWith("-id")) return null;
  return once(
    `header ${name} was ${value === undefined ? "dropped" : "written anew"}`,
    provider,
    "header_unfit",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    () => ({ headers: { [name]: value } }),
  );
};

const CLOCKED = [...TIMED, ...PAIRS, ...IN_BODY];

/** A run of deliveries, each signed by a clock that is off. */
function clocked(
  dice: Dice,
  what: string,
  cause: Cause,
  offsets: readonly number[],
  gaps: readonly number[],
): Mishap {
  const provider = dice.one(CLOCKED);
  const keys = makeSecret(dice, provider);
  const value = makeValue(dice);
  const arrivals = offsets.map(
    (offset, at): Step => ({
      after: gaps[at] ?? 60_000,
      arrival: (now) => {
        const text = senderText(dice, provider, { ...value, id: `evt_${at}` });
        const sent = sign(provider, keys.signing, encode(text), now + offset);
        return { provider, url: URL_OF(provider), headers: sent.headers, body: sent.body };
      },
    }),
  );
  return { what, provider, cause, secrets: { [provider]: keys.verifying }, arrivals, hidden: [] };
}

const skewed: Maker = (dice) => {
  const kind = dice.one(["ahead", "behind", "zone"]);
  const noise = (): number => -dice.between(0, 3_000);
  const base =
    kind === "zone"
      ? dice.one([-12, -8, -5, -1, 1, 2, 3, 9, 12]) * 3_600_000
      : dice.between(700_000, 6_000_000) * (kind === "ahead" ? 1 : -1);
  const count = kind === "behind" ? dice.between(3, 5) : dice.between(1, 3);
  const offsets = Array.from({ length: count }, () => base + noise());
  return clocked(
    dice,
    `a clock is off: ${kind}`,
    "clock_skew",
    offsets,
    offsets.map(() => dice.between(30_000, 900_000)),
  );
};

const late: Maker = (dice) => {
  const kind = dice.one(["one old copy", "copies of one", "a queue that drains", "a backlog that grows"]);
  const age = dice.between(700, 90_000) * 1_000;
  if (kind === "one old copy") return clocked(dice, kind, "stale", [-age], [60_000]);
  if (kind === "copies of one") {
    const gaps = [60_000, 2_000, 5_000, 9_000];
    let off = -age;
    const offsets = gaps.map((gap, at) => {
      if (at > 0) off -= gap + 2_000; // the clinic's own time for a look
      return off;
    });
    return clocked(dice, kind, "stale", offsets, gaps);
  }
  if (kind === "a queue that drains") {
    const signed = Array.from({ length: 4 }, (_, at) => at * dice.between(60_000, 200_000));
    return clocked(
      dice,
      kind,
      "stale",
      signed.map((off) => -age - 900_000 + off),
      [60_000, 2_000, 2_000, 2_000],
    );
  }
  const grown = Array.from({ length: 4 }, (_, at) => -age - at * dice.between(120_000, 300_000));
  return clocked(dice, kind, "stale", grown, [60_000, 300_000, 300_000, 300_000]);
};

const wrongUnit: Maker = (dice) => {
  const provider = dice.one(CLOCKED);
  const keys = makeSecret(dice, provider);
  const scheme = schemeOf(provider);
  const { timestamp } = scheme;
  if (timestamp === undefined) return null;
  const unit = timestamp.unit === "s" ? "ms" : "s";
  const text = senderText(dice, provider, makeValue(dice));
  const other = { ...scheme, timestamp: { ...timestamp, unit } } as Scheme;
  return once(
    `the time is in ${unit}`,
    provider,
    "clock_skew",
    { [provider]: keys.verifying },
    (now) => {
      const unsigned = {
        method: "POST",
        url: null,
        body: encode(text),
        contentType: "application/json",
        at: now,
      };
      const sent = signDelivery(other, keys.signing, { ...unsigned, id: "msg_1", type: null });
      return { headers: { ...sent.headers }, body: sent.body };
    },
    () => ({}),
  );
};

const urls: Maker = (dice) => {
  const provider = dice.one([...WITH_URL, "twilio"]);
  const keys = makeSecret(dice, provider);
  const isForm = provider === "twilio";
  const query = dice.one(["", "", "?a=1", "?team=x&b=2"]);
  const path = `/webhooks/${provider}`;
  const body = encode(isForm ? formText(dice) : senderText(dice, provider, makeValue(dice)));
  const seen = `https://hooks.example.org${path}${query}`;
  const port = dice.between(3_000, 9_000);
  const [what, registered, ours, headers] = dice.one<
    readonly [string, string, string | null, Record<string, string>]
  >([
    ["TLS ends at the proxy", seen, seen.replace("https:", "http:"), {}],
    [
      "a port that the proxy hides",
      `https://hooks.example.org:${port}${path}${query}`,
      seen,
      { host: `hooks.example.org:${port}` },
    ],
    ["our port is not the sender's", seen, `https://hooks.example.org:${port}${path}${query}`, {}],
    [
      "another host before the proxy",
      `https://api.example.com${path}${query}`,
      `http://10.0.0.7:8080${path}${query}`,
      { "x-forwarded-host": "api.example.com", "x-forwarded-proto": "https", host: "10.0.0.7:8080" },
    ],
    ["a slash at the end", `https://hooks.example.org${path}/${query}`, seen, {}],
    [
      "a path prefix that the proxy cuts",
      `https://hooks.example.org/api${path}${query}`,
      seen,
      { "x-forwarded-prefix": "/api" },
    ],
    [
      "the whole target was rewritten",
      `https://hooks.example.org/in/${provider}${query}`,
      seen,
      { "x-original-uri": `/in/${provider}${query}` },
    ],
    [
      "a query that the proxy adds",
      `https://hooks.example.org${path}`,
      `https://hooks.example.org${path}?via=cdn`,
      {},
    ],
    ["a prefix that is set and not registered", seen, `https://hooks.example.org/v1${path}${query}`, {}],
    [
      "the host that was called",
      `https://tunnel-${port}.example.net${path}${query}`,
      seen,
      { host: `tunnel-${port}.example.net` },
    ],
    ["the URL is not known", seen, null, {}],
    ["www", `https://www.hooks.example.org${path}${query}`, seen, {}],
  ]);
  const target = what.startsWith("a query") ? `${path}?via=cdn` : path + query;
  return once(
    what,
    provider,
    "url_mismatch",
    { [provider]: keys.verifying },
    (now) =>
      sign(provider, keys.signing, body, now, {
        url: registered,
        contentType: isForm ? "application/x-www-form-urlencoded" : "application/json",
      }),
    () => ({ url: ours, target, headers }),
  );
};

function formText(dice: Dice): string {
  const fields: [string, string][] = [
    ["MessageSid", `SM${dice.bytes(16).toString("hex")}`],
    ["From", `+1555${dice.between(1_000_000, 9_999_999)}`],
    ["To", "+15550001111"],
    ["Body", dice.one(["hello you", "Grüße & Küsse", "a=b", "100% *sure* (yes!)", "it's ~ok"])],
    ["NumMedia", "0"],
    ["FromCity", dice.one(["", "BERLIN"])],
    ["FromZip", ""],
  ];
  return new URLSearchParams(fields).toString();
}

const forms: Maker = (dice) => {
  const provider = dice.one(["twilio", "slack", "github"]);
  const keys = makeSecret(dice, provider);
  const text =
    provider === "github"
      ? new URLSearchParams({
          payload: writer("javascript")(makeValue(dice)),
        }).toString()
      : formText(dice);
  const pairs = [...new URLSearchParams(text)];
  const percent = (value: string): string => encodeURIComponent(value);
  const [what, change] = dice.one<readonly [string, () => string]>([
    ["blanks as %20", () => pairs.map(([name, value]) => `${percent(name)}=${percent(value)}`).join("&")],
    ["blank fields dropped", () => new URLSearchParams(pairs.filter(([, value]) => value !== "")).toString()],
    ["fields sorted", () => new URLSearchParams([...pairs].sort(([a], [b]) => (a < b ? -1 : 1))).toString()],
    ["a plus that is not escaped", () => text.replaceAll("%2B", "+")],
    [
      "JavaScript's marks unescaped",
      () =>
        pairs.map(([name, value]) => `${percent(name)}=${percent(value)}`.replaceAll("%20", "+")).join("&"),
    ],
    ["escapes in lower case", () => text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
    ["the form as JSON", () => JSON.stringify(Object.fromEntries(pairs))],
  ]);
  const changed = change();
  // Twilio signs the fields and not their spelling, and other senders' order cannot be had back.
  const canHeal = provider === "twilio" ? /plus|JSON/.test(what) : !/dropped|sorted|JSON/.test(what);
  if (changed === text || !canHeal) return null;
  const type = what.endsWith("JSON") ? { "content-type": "application/json" } : {};
  return once(
    `a parser before us wrote ${what}`,
    provider,
    "form_rebuilt",
    { [provider]: keys.verifying },
    (now) =>
      sign(provider, keys.signing, encode(text), now, {
        url: URL_OF(provider),
        contentType: "application/x-www-form-urlencoded",
      }),
    () => ({ body: encode(changed), headers: type }),
  );
};

const rotated: Maker = (dice) => {
  const provider = dice.one([...SIGNERS, ...TOKENS]);
  const keys = makeSecret(dice, provider);
  const fresh = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  const step = (secret: string): Step => ({
    after: dice.between(20_000, 300_000),
    arrival: (now) => {
      const sent = sign(provider, secret, encode(text), now);
      return { provider, url: URL_OF(provider), headers: sent.headers, body: sent.body };
    },
  });
  const before = Array.from({ length: dice.between(1, 3) }, () => step(keys.signing));
  const after = Array.from({ length: dice.between(3, 5) }, () => step(fresh.signing));
  return {
    what: "the secret was changed at the provider",
    provider,
    cause: "maybe_rotated",
    secrets: { [provider]: keys.verifying },
    arrivals: [...before, ...after],
    hidden: [fresh.signing],
  };
};

// The second round: written when the doctor had been seen with the first one, and before it was changed for this one.

const foreignWriter: Maker = (dice) => {
  const provider = dice.one(MAC_SIGNERS.filter((name) => name !== "linear"));
  const keys = makeSecret(dice, provider);
  const sender = dice.one(["gson", "newtonsoft", "swift pretty", "perl pretty", "jq", "python indent 2"]);
  const text = writer(sender)(makeValue(dice));
  const read = readBack(encode(text), true);
  const body = encode(
    writer(dice.one(["javascript", "javascript", "javascript pretty", "php unescaped"]))(read),
  );
  const mishap = once(
    `${sender} was read and written again`,
    provider,
    "body_reserialised",
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    () => ({ body, headers: { "content-length": String(body.byteLength) } }),
  );
  return { ...mishap, isEdgesOnly: body.toString().trim() === text.replaceAll("\r\n", "\n").trim() };
};

const lostBody: Maker = (dice) => {
  const provider = dice.one([...MAC_SIGNERS, ...PAIRS].filter((name) => name !== "linear"));
  const keys = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  const [what, cause, body] = dice.one<readonly [string, Cause, string]>([
    ["is empty, because something has read it", "body_changed_in_transit", ""],
    ["is an object as text", "body_reserialised", "[object Object]"],
    ["was cut", "body_changed_in_transit", text.slice(0, dice.between(20, 80))],
    ["is a JSON text with JSON in it", "body_reserialised", JSON.stringify(text)],
    [
      "is in an event of a gateway",
      "body_reserialised",
      JSON.stringify({ version: "2.0", body: text, isBase64Encoded: false }),
    ],
  ]);
  return once(
    `the body ${what}`,
    provider,
    cause,
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    () => ({ body: encode(body), headers: { "content-length": String(Buffer.byteLength(body)) } }),
  );
};

const pasted: Maker = (dice) => {
  const provider = dice.one(
    [...PLAIN, "slack", "zoom", "paddle"].filter((name) => schemeOf(name).key === undefined),
  );
  const { signing } = makeSecret(dice, provider);
  const [what, cause, ours] = dice.one<readonly [string, Cause, string]>([
    ["in curly quotes", "secret_has_whitespace", `\u201c${signing}\u201d`],
    ["with a zero-width space", "secret_has_whitespace", `${signing}\u200b`],
    ["with a no-break space", "secret_has_whitespace", `${signing}\u00a0`],
    ["as base64 that a cluster's secret wants", "secret_encoding", Buffer.from(signing).toString("base64")],
    ["as base64 with its line break", "secret_encoding", Buffer.from(`${signing}\n`).toString("base64")],
    ["in upper case", "secret_encoding", signing.toUpperCase()],
    ["escaped for a URL", "secret_encoding", encodeURIComponent(signing)],
    ["with backticks", "secret_has_whitespace", `\`${signing}\``],
    ["with a tab before it", "secret_has_whitespace", `\t${signing}`],
    ["twice", "secret_has_whitespace", `${signing}\n${signing}\n`],
  ]);
  const isHexOnly = what === "in upper case" && !/^[0-9a-f]+$/.test(signing);
  if (ours === signing || isHexOnly) return null;
  const text = senderText(dice, provider, makeValue(dice));
  return once(
    `the secret was pasted ${what}`,
    provider,
    cause,
    { [provider]: ours },
    (now) => sign(provider, signing, encode(text), now),
    () => ({}),
    [signing],
  );
};

const oddUrls: Maker = (dice) => {
  const provider = dice.one([...WITH_URL, "twilio"]);
  const keys = makeSecret(dice, provider);
  const isForm = provider === "twilio";
  const path = `/webhooks/${provider}`;
  const body = encode(isForm ? formText(dice) : senderText(dice, provider, makeValue(dice)));
  const seen = `https://hooks.example.org${path}?a=1&b=two%20words`;
  const [what, registered, ours, headers] = dice.one<
    readonly [string, string, string, Record<string, string>]
  >([
    ["a host in capitals", seen.replace("hooks", "Hooks"), seen, { host: "Hooks.example.org" }],
    ["a blank spelled +", seen.replace("%20", "+"), seen, {}],
    ["a query in another order", `https://hooks.example.org${path}?b=two%20words&a=1`, seen, {}],
    [
      "TLS and a prefix at once",
      `https://hooks.example.org/api${path}?a=1`,
      `http://10.1.1.1${path}?a=1`,
      { "x-forwarded-proto": "https", "x-forwarded-host": "hooks.example.org", "x-forwarded-prefix": "/api" },
    ],
    [
      "a port that is forwarded",
      `https://hooks.example.org:8443${path}`,
      `http://hooks.example.org${path}`,
      { "x-forwarded-port": "8443", "x-forwarded-proto": "https" },
    ],
    [
      "a name and password",
      `https://user:pass@hooks.example.org${path}`,
      `https://hooks.example.org${path}`,
      {},
    ],
    [
      "Cloudflare's host",
      `https://shop.example.com${path}`,
      `https://hooks.example.org${path}`,
      { "x-forwarded-host": "shop.example.com", "cf-ray": "1" },
    ],
    ["a slash and TLS at once", `https://hooks.example.org${path}/`, `http://hooks.example.org${path}`, {}],
    [
      "two hosts that were forwarded",
      `https://shop.example.com${path}`,
      `https://hooks.example.org${path}`,
      { "x-forwarded-host": "shop.example.com, lb.internal" },
    ],
  ]);
  return once(
    what,
    provider,
    "url_mismatch",
    { [provider]: keys.verifying },
    (now) =>
      sign(provider, keys.signing, body, now, {
        url: registered,
        contentType: isForm ? "application/x-www-form-urlencoded" : "application/json",
      }),
    () => ({ url: ours, headers }),
  );
};

const oddTimes: Maker = (dice) => {
  const kind = dice.one(["a year ahead", "a day behind", "minutes ahead", "hours behind"]);
  const base = {
    "a year ahead": 365 * 86_400_000,
    "a day behind": -86_400_000 + dice.between(-100, 100) * 1_000,
    "minutes ahead": dice.between(660, 3_000) * 1_000,
    "hours behind": -dice.between(2, 11) * 3_600_000,
  }[kind] as number;
  const offsets = Array.from({ length: 3 }, () => base - dice.between(100, 5_000));
  return clocked(
    dice,
    kind,
    "clock_skew",
    offsets,
    offsets.map(() => dice.between(40_000, 500_000)),
  );
};

const oddSignatures: Maker = (dice) => {
  const provider = dice.one(PLAIN.filter((name) => schemeOf(name).algorithm === "hmac-sha256"));
  const keys = makeSecret(dice, provider);
  const text = senderText(dice, provider, makeValue(dice));
  const [what, cause] = dice.one<readonly [string, Cause]>([
    ["SHA-512", "wrong_header"],
    ["empty", "signature_encoding"],
    ["the word undefined", "signature_encoding"],
    ["the secret itself", "signature_encoding"],
    ["another prefix", "signature_encoding"],
    ["colons between the digits", "signature_encoding"],
  ]);
  return once(
    `the signature is ${what}`,
    provider,
    cause,
    { [provider]: keys.verifying },
    (now) => sign(provider, keys.signing, encode(text), now),
    (sent) => {
      const { name, value, digest } = signatureOf(provider, sent.headers);
      const before = value.slice(0, value.length - digest.length);
      const bytes = Buffer.from(digest, schemeOf(provider).signature.encoding === "hex" ? "hex" : "base64");
      if (what === "SHA-512") {
        const other = { ...schemeOf(provider), algorithm: "hmac-sha512" } as Scheme;
        const unsigned = {
          method: "POST",
          url: null,
          body: sent.body,
          contentType: "application/json",
          at: 0,
          id: null,
          type: null,
        };
        return { headers: { [name]: signDelivery(other, keys.signing, unsigned).headers[name] } };
      }
      const spelled: Record<string, string> = {
        empty: "",
        "the word undefined": `${before}undefined`,
        "the secret itself": `${before}${keys.signing}!`,
        "another prefix": `hmac=${digest}`,
        "colons between the digits": before + (bytes.toString("hex").match(/../g) ?? []).join(":"),
      };
      return { headers: { [name]: spelled[what] } };
    },
  );
};

const SECOND_ROUND: readonly (readonly [number, Maker])[] = [
  [4, foreignWriter],
  [3, lostBody],
  [4, pasted],
  [4, oddUrls],
  [2, oddTimes],
  [3, oddSignatures],
];

/** How often each happens, as far as issue trackers tell: bodies, secrets and clocks lead. */
const MAKERS: readonly (readonly [number, Maker])[] = [
  [8, reserialised],
  [3, inTransit],
  [3, base64],
  [3, charset],
  [4, otherSecret],
  [3, unknownSecret],
  [3, apiKey],
  [4, whiteSpace],
  [4, secretEncoding],
  [4, misspelled],
  [2, cut],
  [3, wrongHeader],
  [3, otherProvider],
  [4, noSignature],
  [2, lostHeader],
  [3, skewed],
  [3, late],
  [2, wrongUnit],
  [5, urls],
  [3, forms],
  [2, rotated],
  ...SECOND_ROUND,
];
