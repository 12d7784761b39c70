import { type Fault, WebhookError } from "../errors.ts";
import { type IdSource, idKeyOf, toHex } from "../event.ts";
import type { IncomingHeaders } from "../incoming.ts";
import { encodeText } from "../json.ts";
import { parseJson } from "../parse-json.ts";
import type { Scheme } from "../scheme.ts";
import type { Provider } from "../schemes/providers.ts";
import { sha256 } from "../sha256.ts";
import { isLongWebhookId, parseIdempotencyKey, parseWebhookId } from "./webhook-id.ts";

/** A verified delivery, parsed and checked, before it is known whether it is a copy. */
export interface Delivery {
  provider: string;
  idSource: IdSource | null;
  webhookId: string | null;
  /** null where the delivery is not deduplicated. */
  idKey: string | null;
  /** SHA-256 of the body. */
  bodyHash: Uint8Array;
  type: string | null;
  contentType: string;
  /** The headers that are kept. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  /** The body's value. */
  value: unknown;
  /** The workflow that a generic body names; null at any other provider, where `on` decides. */
  workflowName: string | null;
  notes: readonly string[];
}

export interface DeliverySettings {
  /** Names in lower case. */
  keepHeaders: readonly string[];
  requireId: boolean;
}

/**
 * What a delivery says.
 *
 * @throws {WebhookError} `json_invalid`, `json_too_deep`; on generic `fields_invalid` with one fault a field
 */
export function parseDelivery(
  provider: Provider,
  headers: IncomingHeaders,
  body: Uint8Array<ArrayBuffer>,
  settings: DeliverySettings,
  notes: readonly string[],
): Delivery {
  const value = parseJson(body);
  const bodyHash = sha256(body);
  const isGeneric = provider.name === "generic";
  const id = isGeneric
    ? genericId(headers, parseGenericBody(value, settings.requireId))
    : schemeId(provider.scheme, headers, value);
  // An unsigned id counts together with the bytes, so that nobody takes it in advance with a body of their own.
  const isBound = !isGeneric && id !== null && !id.isSigned;
  return {
    provider: provider.name,
    idSource: id?.source ?? null,
    webhookId: id?.webhookId ?? null,
    idKey:
      id === null ? null : idKeyOf(provider.name, id.source, id.webhookId, isBound ? bodyHash : undefined),
    bodyHash,
    type: readText(provider.scheme.type, headers, value),
    contentType: headers.get("content-type") ?? "",
    headers: keptHeaders(headers, provider.scheme, settings.keepHeaders),
    body,
    value,
    workflowName: isGeneric ? String(Reflect.get(Object(value), "workflow_name")) : null,
    notes,
  };
}

interface Id {
  source: IdSource;
  webhookId: string;
  isSigned: boolean;
}

function parseGenericBody(value: unknown, requireId: boolean): string | null {
  if (!isObject(value))
    throw invalid([{ pointer: "", detail: "must be an object with workflow_name and inputs" }]);
  const faults: Fault[] = [];
  if (!Object.hasOwn(value, "workflow_name"))
    faults.push({ pointer: "/workflow_name", detail: "is missing" });
  else if (typeof value.workflow_name !== "string")
    faults.push({ pointer: "/workflow_name", detail: "must be a string" });
  if (!Object.hasOwn(value, "inputs"))
    faults.push({ pointer: "/inputs", detail: "is missing; give an object, {} for none" });
  else if (!isObject(value.inputs)) faults.push({ pointer: "/inputs", detail: "must be an object" });
  let webhookId: string | null = null;
  try {
    webhookId = parseWebhookId(value.webhook_id);
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    faults.push(...error.faults);
  }
  if (requireId && webhookId === null && faults.length === 0) {
    faults.push({
      pointer: "/webhook_id",
      detail: "is missing; this server takes no delivery without a signed id",
    });
  }
  if (faults.length > 0) throw invalid(faults);
  return webhookId;
}

function genericId(headers: IncomingHeaders, inBody: string | null): Id | null {
  if (inBody !== null) return { source: "body", webhookId: inBody, isSigned: true };
  const inHeader = parseIdempotencyKey(headers.get("idempotency-key"));
  return inHeader === null ? null : { source: "header", webhookId: inHeader, isSigned: false };
}

function schemeId(scheme: Scheme, headers: IncomingHeaders, value: unknown): Id | null {
  const text = readText(scheme.id, headers, value);
  if (scheme.id === undefined || text === null || text === "") return null;
  const isSigned = "body" in scheme.id;
  return { source: "scheme", webhookId: fitted(text), isSigned };
}

/**
 * A provider's id as it is stored: one that is too long, or that has no UTF-8 of its own, by its hash. It is never
 * refused, because a 4xx for our reasons loses the event.
 */
function fitted(text: string): string {
  if (!isLongWebhookId(text) && !/\p{Cs}|\p{Cc}/u.test(text)) return text;
  return `sha256:${toHex(sha256(encodeText(/\p{Cs}/u.test(text) ? JSON.stringify(text) : text)))}`;
}

/** A text or number at a place of the delivery; null where there is none. */
function readText(
  place: Scheme["id"] | Scheme["type"],
  headers: IncomingHeaders,
  value: unknown,
): string | null {
  if (place === undefined) return null;
  if ("header" in place) return headers.get(place.header);
  let found: unknown = value;
  for (const key of place.body.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return null;
    found = Reflect.get(found, key);
  }
  if (typeof found === "string") return found;
  // Beyond 2^53 two different numbers read the same, and one of two events would be taken for the other's copy.
  return typeof found === "number" && Number.isSafeInteger(found) ? String(found) : null;
}

function keptHeaders(
  headers: IncomingHeaders,
  scheme: Scheme,
  more: readonly string[],
): Record<string, string> {
  const names = new Set(["content-type", "user-agent", ...more]);
  for (const place of [scheme.id, scheme.type])
    if (place !== undefined && "header" in place) names.add(place.header);
  const kept: Record<string, string> = {};
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) kept[name] = value;
  }
  return kept;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(faults: readonly Fault[]): WebhookError {
  return new WebhookError("fields_invalid", "Cannot accept the delivery: its fields do not fit", { faults });
}
