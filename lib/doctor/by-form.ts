import { mediaType, tryParseBody } from "../parse-body.ts";
import type { Scheme } from "../scheme.ts";
import { otherKey } from "../schemes/secret-checks.ts";
import type { Case, Diagnosis } from "./diagnosis.ts";
import { onTheWay } from "./header-names.ts";
import { decodeUtf8, isSorted, REFORM_BYTES_MAX, smallJson } from "./json-forms.ts";
import { evidenceOf, looksLikeProvider } from "./looks-like.ts";
import { readsBody } from "./reads-body.ts";
import { countContents } from "./trials.ts";

/** What no MAC can show any more, but the form of things does. */
export async function diagnoseByForm(its: Case, scheme: Scheme): Promise<Diagnosis | null> {
  const { refused, provider, secretSetting } = its;
  const shape = provider.secrets.map(otherKey).find((name) => name !== null);
  if (shape !== undefined && shape !== null) {
    return {
      reason: "not_a_webhook_secret",
      subject: shape,
      isProven: false,
      advice: `${secretSetting} looks like ${shape}, which signs no webhooks: set the secret that the webhook's own settings at ${provider.name} show`,
      details: {},
    };
  }
  const from = scheme.timestamp?.from;
  if (refused.verdict === "malformed" && from !== undefined && "body" in from) {
    return {
      reason: "header_unfit",
      subject: `body ${from.body}`,
      isProven: true,
      advice: `The body has no "${from.body}" with the time, which ${provider.name} signs with it: see what sends this, and what changes the body on the way`,
      details: { field: from.body, body_bytes: refused.bodyBytes },
    };
  }
  if (refused.isBodyKept && refused.verdict === "mismatch") {
    const damaged = damagedBody(its, scheme);
    if (damaged !== null) return damaged;
  }
  // Alike in the signature's header: what else there is says whose it is.
  return evidenceOf(scheme, refused.headers) > 0 ? null : looksLikeProvider(its, 1);
}

/** A body that is not what was signed, and from which that cannot be had back. */
function damagedBody({ refused, provider }: Case, scheme: Scheme): Diagnosis | null {
  const shared = {
    isProven: false,
    details: { body_bytes: refused.bodyBytes, on_the_way: onTheWay(refused.headers) },
  };
  if (countContents(scheme, refused) === 0) {
    return {
      ...shared,
      reason: "form_rebuilt",
      subject: "contradiction",
      advice: `What came cannot be signed by ${provider.name}: its URL, content type and body do not go together; see what rewrites the body or cuts the query on the way`,
    };
  }
  if (!readsBody(scheme)) return null;
  const broken = brokenJson(refused);
  if (broken !== null) {
    return {
      ...shared,
      reason: broken === "object" ? "body_reserialised" : "body_changed_in_transit",
      subject: broken,
      advice: BROKEN_ADVICE[broken](provider.name),
    };
  }
  if (decodeUtf8(refused.body)?.includes("\uFFFD")) {
    return {
      ...shared,
      reason: "charset",
      subject: "replaced",
      advice: `The body that came for ${provider.name} holds the sign that stands for letters that could not be read (U+FFFD): something on the way reads it in a wrong charset and writes it again; have it pass the bytes on`,
    };
  }
  if (isSorted(smallJson(refused.body))) {
    return {
      ...shared,
      reason: "body_reserialised",
      subject: "sorted",
      advice: `All keys of the body that came for ${provider.name} are in alphabetical order, as programs write that have read the JSON into a map: if it does not send them so, something before us writes it anew; have it pass the bytes on`,
    };
  }
  const declared = refused.headers.get("content-length");
  if (declared === null || declared === String(refused.bodyBytes)) return null;
  return {
    ...shared,
    reason: "body_changed_in_transit",
    subject: "length",
    advice: `The body that came for ${provider.name} has another length than its Content-Length says: something has changed it after it arrived; hand over the request before a body parser has read it`,
  };
}

type Broken = "empty" | "object" | "cut";

const BROKEN_ADVICE: Readonly<Record<Broken, (name: string) => string>> = {
  empty: (name) =>
    `The body that came for ${name} is empty, and it sends none that are: something has read it before us; hand over the request before a body parser has read it`,
  object: (name) =>
    `The body that came for ${name} is a parsed object written as text: something has parsed the JSON before us; hand over the request before a body parser has read it`,
  cut: (name) =>
    `The body that came for ${name} is no JSON: it was cut or changed on the way; see the limits of what is before us, and have it pass the bytes on`,
};

/** What a body that should be JSON has become; null where it is JSON. */
function brokenJson({ body, headers }: Case["refused"]): Broken | null {
  if (body.byteLength === 0) return "empty";
  const contentType = headers.get("content-type") ?? "";
  const isJson = mediaType(contentType).endsWith("json");
  if (!isJson || body.byteLength > REFORM_BYTES_MAX || tryParseBody(body, contentType) !== undefined)
    return null;
  return decodeUtf8(body)?.startsWith("[object ") ? "object" : "cut";
}
