import { generateKeyPairSync } from "node:crypto";
import { InvalidSignatureError } from "../../lib/errors.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { signatureHeaders } from "../../lib/verify/families.ts";
import { readPath } from "../../lib/verify/read.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import { schemeFor, Verifier } from "../../lib/verify/verify.ts";
import { type Keys, keysFor } from "./keys.ts";
import { headerType, payloadsOf, signedUrl } from "./payloads.ts";

/** A delivery as it is checked, with headers to be changed. */
export interface Checked {
  readonly method: string;
  readonly url: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly secrets: readonly string[];
}

/** A delivery that is signed as its provider signs it. */
export interface SignedCase {
  readonly name: string;
  /** The record that checks it: another one than the provider's where the secret's form decides. */
  readonly scheme: Scheme;
  readonly keys: Keys;
  readonly sent: Checked;
}

export const SIGNED_AT = 1_793_606_400_000;

/** Ways to sign that a provider has besides the one of its usual secret: the provider, and whose keys it has. */
const MORE: Readonly<Record<string, { provider: string; keys: (owner: string) => Keys }>> = {
  "gitlab-signed": {
    provider: "gitlab",
    keys: (owner) => keysFor(schemeNamed("standard-webhooks"), owner),
  },
  "standard-pair": { provider: "standard-webhooks", keys: pairKeys },
};

export const MORE_NAMES: readonly string[] = Object.keys(MORE);

/**
 * The first payload of a provider, signed.
 *
 * @param name a built-in scheme's, or one of `MORE_NAMES`
 */
export function signedCase(name: string): SignedCase {
  const { provider = name, keys = undefined } = MORE[name] ?? {};
  const own = schemeNamed(provider);
  const made = keys?.(name) ?? keysFor(own, name);
  const scheme = schemeFor(own, made.verifying);
  const [payload] = payloadsOf(provider);
  if (payload === undefined) throw new Error(`Cannot find a payload of ${provider}`);
  const unsigned = {
    method: "POST",
    url: signedUrl(provider),
    body: payload.encode(payload.value()),
    contentType: payload.contentType,
    at: SIGNED_AT,
    id: "msg_1",
    type: headerType(scheme.type, payload.type),
  };
  const { headers, body } = signDelivery(own, made.signing, unsigned);
  const secrets = [made.verifying];
  const sent = { method: "POST", url: unsigned.url, headers, body, now: SIGNED_AT, secrets };
  return { name, scheme, keys: made, sent };
}

/** `holds`, or the reason why it does not. */
export function outcomeOf(name: string, checked: Checked): string {
  const { secrets, now, headers, ...delivery } = checked;
  const provider = MORE[name]?.provider ?? name;
  try {
    new Verifier(schemeNamed(provider), secrets).verify({ ...delivery, headers: new Headers(headers) }, now);
    return "holds";
  } catch (error) {
    if (error instanceof InvalidSignatureError) return error.reason;
    throw error;
  }
}

/** The signature alone, as it is spelled. */
export function signatureOf({ scheme, sent }: SignedCase): string {
  return splitSignature(scheme, signatureText(scheme, sent)).signature;
}

/** The same with another signature at its place. */
export function withSignature({ scheme, sent }: SignedCase, signature: string): Checked {
  const { before } = splitSignature(scheme, signatureText(scheme, sent));
  return withText(scheme, sent, before + signature);
}

/** The whole text of the place where the signature stands, such as `t=1,v1=abc`. */
export function signatureText(scheme: Scheme, { headers, body }: Checked): string {
  const { signature } = scheme;
  if (signature.body === undefined) return headers[headerOf(scheme)] ?? "";
  return field(body, signature.body.split("."));
}

/** The same with another text there. */
export function withText(scheme: Scheme, sent: Checked, text: string): Checked {
  const { signature } = scheme;
  if (signature.body === undefined) return withHeader(sent, headerOf(scheme), text);
  const value: unknown = JSON.parse(new TextDecoder().decode(sent.body));
  const keys = signature.body.split(".");
  const last = keys.pop() ?? "";
  Reflect.set(
    keys.reduce((at, key) => Reflect.get(Object(at), key) as object, Object(value)),
    last,
    text,
  );
  return { ...sent, body: Buffer.from(JSON.stringify(value)) };
}

/** The same with one header changed, or without it. */
export function withHeader(sent: Checked, name: string, value: string | null): Checked {
  const { [name]: _, ...others } = sent.headers;
  return { ...sent, headers: value === null ? others : { ...others, [name]: value } };
}

/** The signed time as it is spelled; null where the scheme signs none. */
export function timeText({ scheme, sent }: SignedCase): string | null {
  const from = scheme.timestamp?.from;
  if (from === undefined) return null;
  if ("header" in from) return sent.headers[from.header] ?? null;
  if ("part" in from) return /\d+/.exec(signatureText(scheme, sent))?.[0] ?? null;
  return readPath(tryJson(sent.body), from.body);
}

/** The same with another text as its time. */
export function withTime(one: SignedCase, sent: Checked, text: string): Checked {
  const from = one.scheme.timestamp?.from;
  const time = timeText(one) ?? "";
  if (from === undefined || "header" in from) return withHeader(sent, from?.header ?? "", text);
  if ("part" in from)
    return withText(
      one.scheme,
      sent,
      signatureText(one.scheme, sent).replace(time, () => text),
    );
  const body = new TextDecoder().decode(sent.body).replace(time, () => text);
  return { ...sent, body: Buffer.from(body) };
}

/** The body's value; undefined where it is no JSON. */
export function tryJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

function splitSignature({ signature }: Scheme, text: string): { before: string; signature: string } {
  const { parts, prefix = "" } = signature;
  const at = parts === undefined ? prefix.length : text.lastIndexOf(keyOf(parts.key, parts.assign, text));
  const start = parts === undefined ? at : text.indexOf(parts.assign, at) + parts.assign.length;
  return { before: text.slice(0, start), signature: text.slice(start) };
}

/** The key and what follows it, of the entry that is the signature. */
function keyOf(key: string | Readonly<Record<string, unknown>>, assign: string, text: string): string {
  const keys = typeof key === "string" ? [key] : Object.keys(key);
  return keys.map((one) => one + assign).find((one) => text.includes(one)) ?? "";
}

function headerOf(scheme: Scheme): string {
  const [header = ""] = signatureHeaders(scheme);
  return header;
}

function field(body: Uint8Array, keys: readonly string[]): string {
  const value: unknown = JSON.parse(new TextDecoder().decode(body));
  return String(keys.reduce((at, key) => Reflect.get(Object(at), key) as unknown, value));
}

function schemeNamed(name: string): Scheme {
  const scheme = builtInScheme(name);
  if (scheme === undefined) throw new Error(`Cannot find scheme ${name}`);
  return scheme;
}

/** Standard Webhooks' own spelling of an Ed25519 pair. */
function pairKeys(): Keys {
  const [own, other] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
  const open = (pair: typeof own): string =>
    `whpk_${pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64")}`;
  const seed = own.privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32).toString("base64");
  return { signing: `whsk_${seed}`, verifying: open(own), other: open(other) };
}
