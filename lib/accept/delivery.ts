import { type Fault, WebhookError } from "../errors.ts";
import { type IdSource, idKeyOf, toHex } from "../event.ts";
import type { IncomingHeaders } from "../incoming.ts";
import { encodeText } from "../json.ts";
import { parseBody } from "../parse-body.ts";
import type { Scheme } from "../scheme.ts";
import type { Provider } from "../schemes/providers.ts";
import { sha256 } from "../sha256.ts";
import { familyOf } from "../verify/families.ts";
import { headersOf, type Readable, read } from "../verify/read.ts";
import { signedIdHeader } from "../verify/scheme-check.ts";
import { isLongWebhookId, parseIdempotencyKey, parseWebhookId } from "./webhook-id.ts";

/** A verified delivery, parsed and checked, before it is known whether it is a copy. */
export interface Delivery {
  provider: string;
  idSource: IdSource | null;
  webhookId: string | null;
  /** null where the delivery is not deduplicated by an id. */
  idKey: string | null;
  /** The value that counts for one event only; null where the scheme has none. */
  guardKey: string | null;
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
 * @param scheme by which it was verified: not the provider's own where the secret's form decides
 * @throws {WebhookError} `json_invalid`, `json_too_deep`, `form_invalid`; on generic `fields_invalid` with one fault a field
 */
export function parseDelivery(
  provider: Provider,
  scheme: Scheme,
  headers: IncomingHeaders,
  body: Uint8Array,
  settings: DeliverySettings,
  notes: readonly string[],
): Delivery {
  const contentType = headers.get("content-type") ?? "";
  const value = parseBody(body, contentType);
  const bodyHash = sha256(body);
  const isGeneric = provider.name === "generic";
  const delivery = { headers, headerName: familyOf(scheme, headers), value, bodyHash: () => bodyHash };
  const id = isGeneric
    ? genericId(headers, parseGenericBody(value, settings.requireId))
    : schemeId(scheme, delivery);
  const type = read(scheme.type, delivery)?.text ?? null;
  return {
    provider: provider.name,
    idSource: id?.source ?? null,
    webhookId: id?.webhookId ?? null,
    idKey: id === null ? null : keyOf(provider.name, id, scheme, bodyHash, type),
    guardKey: guardKeyOf(provider.name, scheme, delivery),
    bodyHash,
    type,
    contentType,
    headers: keptHeaders(delivery, scheme, settings.keepHeaders),
    body: withoutSecrets(body, value, scheme),
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

function schemeId(scheme: Scheme, delivery: Readable): Id | null {
  const found =
    read(scheme.id, delivery) ?? (isKnownByBody(scheme) ? read({ hash: "body" }, delivery) : null);
  if (found === null) return null;
  const signedHeader = signedIdHeader(scheme);
  const isSigned = found.headers.every((name) => name === signedHeader);
  return { source: "scheme", webhookId: fitted(found.text), isSigned };
}

/** What makes the delivery a copy of another. */
function keyOf(
  provider: string,
  { source, webhookId, isSigned }: Id,
  scheme: Scheme,
  bodyHash: Uint8Array,
  type: string | null,
): string {
  // Where bodies do not repeat the body alone decides: an id that nobody signed can be exchanged in a captured request.
  if (isKnownByBody(scheme)) {
    const under = scheme.replayGuard === "body+type" ? fitted(type ?? "") : "";
    return idKeyOf(provider, source, under, bodyHash);
  }
  // An unsigned id counts together with the bytes, so that nobody takes it in advance with a body of their own. Not where
  // the time stands in the body, as Linear has it: there each retry has other bytes, and what was captured soon is stale.
  const isBound = !isSigned && source === "scheme" && !hasTimeInBody(scheme);
  return idKeyOf(provider, source, webhookId, isBound ? bodyHash : undefined);
}

function isKnownByBody({ replayGuard }: Scheme): boolean {
  return replayGuard === "body" || replayGuard === "body+type";
}

function hasTimeInBody({ timestamp }: Scheme): boolean {
  return timestamp !== undefined && "body" in timestamp.from;
}

/** What makes the delivery a copy whatever its id: the value at the place where the scheme says that each counts once. */
function guardKeyOf(provider: string, { replayGuard }: Scheme, delivery: Readable): string | null {
  if (typeof replayGuard !== "object") return null;
  const found = read(replayGuard, delivery);
  return found === null ? null : `${provider}:guard:${fitted(found.text)}`;
}

/**
 * A provider's id as it is stored: one that is too long, or that has no UTF-8 of its own, by its hash. It is never
 * refused, because a 4xx for our reasons loses the event.
 */
function fitted(text: string): string {
  if (!isLongWebhookId(text) && !/\p{Cs}|\p{Cc}/u.test(text)) return text;
  return `sha256:${toHex(sha256(encodeText(/\p{Cs}/u.test(text) ? JSON.stringify(text) : text)))}`;
}

function keptHeaders(
  { headers, headerName }: Readable,
  scheme: Scheme,
  more: readonly string[],
): Record<string, string> {
  const own = [...headersOf(scheme.id), ...headersOf(scheme.type)];
  const from = scheme.timestamp?.from;
  if (from !== undefined && "header" in from) own.push(from.header);
  const kept: Record<string, string> = {};
  for (const name of new Set(["content-type", "user-agent", ...own.map(headerName), ...more])) {
    const value = headers.get(name);
    if (value !== null) kept[name] = value;
  }
  return kept;
}

/** The body without what its scheme calls a secret, which is not to be stored. */
function withoutSecrets(body: Uint8Array, value: unknown, { secretKeys = [] }: Scheme): Uint8Array {
  if (!isObject(value) || !secretKeys.some((key) => Object.hasOwn(value, key))) return body;
  for (const key of secretKeys) delete value[key];
  return encodeText(JSON.stringify(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(faults: readonly Fault[]): WebhookError {
  return new WebhookError("fields_invalid", "Cannot accept the delivery: its fields do not fit", { faults });
}
