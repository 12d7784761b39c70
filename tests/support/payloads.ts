import { readdirSync, readFileSync } from "node:fs";
import { encodeText } from "../../lib/json.ts";
import type { Read, Scheme } from "../../lib/scheme.ts";

const FOLDER = new URL("../fixtures/payloads/", import.meta.url);
export const FORM = "application/x-www-form-urlencoded";

/** What a provider sends, after the shape that it publishes. */
export interface Payload {
  readonly provider: string;
  /** The event's type as a workflow sees it. */
  readonly type: string;
  /** What a workflow is given. Each call makes it anew. */
  value(): unknown;
  /** The bytes for a value: a form where the provider sends this event as one. */
  encode(value: unknown): Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

/** Names that have a file, sorted. */
export function payloadNames(): readonly string[] {
  return readdirSync(FOLDER)
    .map((file) => file.replace(/\.json$/, ""))
    .sort();
}

/** The payloads of a provider, by its file. */
export function payloadsOf(provider: string): readonly Payload[] {
  const text = readFileSync(new URL(`${provider}.json`, FOLDER), "utf8");
  const types = Object.keys(JSON.parse(text) as object);
  return types.map((type) => {
    const read = (): unknown => (JSON.parse(text) as Record<string, unknown>)[type];
    const isForm = provider === "twilio" || (provider === "slack" && isFormOfSlack(read()));
    return {
      provider,
      type,
      value: () => (isForm ? fieldsOf(read()) : read()),
      encode: (value) => encodeText(isForm ? encodeForm(value) : JSON.stringify(value)),
      contentType: isForm ? FORM : "application/json; charset=utf-8",
    };
  });
}

/** What stands in the header that holds the type, where a scheme has one and the body has the rest. */
export function headerType(type: Read | undefined, text: string): string {
  const isJoined = typeof type === "object" && !Array.isArray(type) && "join" in type;
  return isJoined ? text.replace(/\..*$/s, "") : text;
}

/** The URL that a scheme signs, with a query as some people put into theirs. */
export function signedUrl(provider: string): string {
  return `https://hooks.example.org/webhooks/${provider}?shop=1`;
}

/** True where the URL is part of what is signed. */
export function signsUrl({ signed }: Scheme): boolean {
  return typeof signed === "object" ? signed.of.includes("url") : signed?.includes("{url}") === true;
}

/** Commands have no envelope, and interactions stand in one field. */
function isFormOfSlack(value: unknown): boolean {
  return Object.hasOwn(Object(value), "command") || Object.hasOwn(Object(value), "payload");
}

/** A form that is one field `payload` stands for what is in it. */
function fieldsOf(value: unknown): unknown {
  return Reflect.get(Object(value), "payload") ?? value;
}

function encodeForm(value: unknown): string {
  const isPayload = Object.values(Object(value)).some((one) => typeof one !== "string");
  const fields = isPayload ? { payload: JSON.stringify(value) } : (value as Record<string, string>);
  return String(new URLSearchParams(fields));
}
