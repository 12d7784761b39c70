import { nextTurn } from "../clock.ts";
import { toHex } from "../event.ts";
import { mediaType } from "../parse-body.ts";
import type { Scheme } from "../scheme.ts";
import { sha256 } from "../sha256.ts";
import { familyOf, signatureHeaders } from "../verify/families.ts";
import { schemeFor } from "../verify/verify.ts";
import { bodyVariants } from "./body-variants.ts";
import { diagnoseByForm } from "./by-form.ts";
import type { Case, Diagnosis } from "./diagnosis.ts";
import { headerNames, onTheWay } from "./header-names.ts";
import { diagnoseMalformed } from "./malformed.ts";
import { diagnoseNoSignature } from "./no-signature.ts";
import { readsBody, signsUrl } from "./reads-body.ts";
import { secretVariants } from "./secret-variants.ts";
import type { TimeFinding } from "./signed-times.ts";
import { readSpelled } from "./spelling.ts";
import { probe } from "./trials.ts";
import { urlVariants } from "./url-variants.ts";

/** MACs for the secrets of others. */
const OTHERS_MAX = 14;

/** MACs that are left for bodies, and for URLs where the scheme signs them, so that no cause takes those of the next. */
const BODY_MACS = 16;
const URL_MACS = 14;

/**
 * Why a delivery was refused: a short list of causes, from what its form says to what takes a MAC to see. The first that
 * explains it is the answer, and whatever it is, the delivery stays refused.
 */
export async function diagnose(its: Case): Promise<Diagnosis> {
  const { refused, provider, secretSetting } = its;
  if (refused.verdict === "no_secret") {
    return {
      reason: "no_secret",
      subject: "",
      isProven: true,
      advice: `No secret is set for ${provider.name}: set ${secretSetting} to the one that its webhook's settings show`,
      details: {},
    };
  }
  const scheme = recordOf(its);
  if (refused.verdict === "stale") return offTime(its);
  if (refused.verdict === "no_url") return (await otherUrl(its, scheme)) ?? unknownUrl(its);
  if (refused.verdict === "missing" && signatureHeaders(scheme).length > 0) {
    return diagnoseNoSignature(its, scheme);
  }
  if (refused.verdict === "malformed") {
    const found = await diagnoseMalformed(its, scheme);
    if (found !== null) return found;
  }
  return (
    (await otherSecret(its, scheme)) ??
    (await otherBody(its, scheme)) ??
    (await otherUrl(its, scheme)) ??
    (refused.verdict === "missing" ? await diagnoseNoSignature(its, scheme) : null) ??
    (await diagnoseByForm(its, scheme)) ??
    unexplained(its, scheme)
  );
}

/** The record that the delivery came furthest with; a provider's secrets may choose several. */
function recordOf({ refused, provider }: Case): Scheme {
  const records = [...new Set(provider.secrets.map((secret) => schemeFor(provider.scheme, secret)))];
  return (
    records.find((record) => probe(record, refused) === refused.verdict) ?? records[0] ?? provider.scheme
  );
}

async function offTime({ refused, provider, trials, times }: Case): Promise<Diagnosis> {
  const held = refused.isBodyKept ? await trials.holds({}) : null;
  const signedAt = held?.signedAt ?? null;
  // Without the body the time is not known again, but that it is off is what the verifier has said.
  const finding = signedAt === null ? null : times.judge({ signedAt, at: refused.at });
  const kind = finding?.kind ?? "late";
  return {
    reason: finding?.reason ?? "stale",
    subject: kind,
    isProven: true,
    advice: `The signature holds, but ${TIME_ADVICE[kind](provider.name)}`,
    details: finding === null ? {} : { offset_seconds: finding.offsetSeconds },
  };
}

const TIME_ADVICE: Readonly<Record<TimeFinding["kind"], (name: string) => string>> = {
  ahead: (name) =>
    `it was signed in the future: this machine's clock is slow or the sender's of ${name} is fast; set the clock by NTP`,
  zone: (name) =>
    `its time is off by whole hours, as a time zone's: have the sender of ${name} write UTC, and see this machine's clock`,
  steady: (name) =>
    `each delivery of ${name} is old by the same: this machine's clock is fast or the sender's is slow; set the clock by NTP`,
  late: (name) =>
    `it is older than ${name} allows: a queue or relay held it back, or somebody sent a captured one again; if each one is old by the same, see the clocks`,
};

async function otherSecret(its: Case, scheme: Scheme): Promise<Diagnosis | null> {
  const { refused, provider, known, trials, secretSetting } = its;
  if (!refused.isBodyKept && readsBody(scheme)) return null;
  trials.reserve(BODY_MACS + (signsUrl(scheme) ? URL_MACS / 2 : 0));
  const own = new Set(provider.secrets);
  const seen = new Set(own);
  const others = known.secrets.filter(({ secret }) => !seen.has(secret) && seen.add(secret));
  const isAkin = (name: string): boolean => known.providers.get(name)?.scheme === provider.scheme;
  const nearFirst = [...others].sort((a, b) => Number(isAkin(b.provider)) - Number(isAkin(a.provider)));
  for (const other of nearFirst.slice(0, OTHERS_MAX)) {
    if ((await trials.holds({ scheme: provider.scheme, secrets: [other.secret] })) === null) continue;
    return {
      reason: "other_secret",
      subject: other.setting,
      isProven: true,
      advice: `It is signed with ${other.setting}, and the route of ${provider.name} takes ${secretSetting}: set the right one there, or have it sent to the other route`,
      details: { signed_with: other.setting },
    };
  }
  for (const secret of provider.secrets) {
    for (const variant of secretVariants(provider.scheme, secret)) {
      if ((await trials.holds({ scheme: variant.scheme, secrets: [variant.secret] })) === null) continue;
      return {
        reason: variant.reason,
        subject: variant.means,
        isProven: true,
        advice: `It is signed with ${variant.means}: see ${secretSetting}, and copy it again as ${provider.name} shows it`,
        details: { key: variant.means },
      };
    }
  }
  return null;
}

async function otherBody(its: Case, scheme: Scheme): Promise<Diagnosis | null> {
  const { refused, provider, trials } = its;
  if (!refused.isBodyKept || !readsBody(scheme)) return null;
  trials.reserve(signsUrl(scheme) ? URL_MACS : 0);
  const isForm = mediaType(refused.headers.get("content-type") ?? "") === "application/x-www-form-urlencoded";
  // The newest secret first, because with two of them each body would cost twice.
  for (const secret of provider.secrets) {
    for (const variant of bodyVariants(refused.body, isForm)) {
      if (!trials.mayGoOn) return null;
      if (variant === null) {
        await nextTurn();
        continue;
      }
      const { bytes, means, reason } = variant;
      if ((await trials.holds({ secrets: [secret], delivery: { body: bytes } })) === null) continue;
      return {
        reason,
        subject: means,
        isProven: true,
        advice: `The signature of ${provider.name} is right for this body with ${means}: ${BODY_ADVICE[reason] ?? ""}`,
        details: { signed_body: means, on_the_way: onTheWay(refused.headers) },
      };
    }
  }
  return null;
}

const BODY_ADVICE: Readonly<Record<string, string>> = {
  body_reserialised:
    "something before us parses the JSON and writes it again; hand over the request before a body parser has read it, or have the gateway pass the bytes on",
  body_changed_in_transit: "a proxy or relay on the way adds or cuts white space; have it pass the bytes on",
  body_base64:
    "a gateway passes it on as base64; decode it before it is handed over, or have the gateway pass the bytes on",
  charset:
    "something on the way reads the text in another charset than UTF-8 and writes it again; have it pass the bytes on",
  form_rebuilt: "something before us reads the form and writes it again; have it pass the bytes on",
};

async function otherUrl(its: Case, scheme: Scheme): Promise<Diagnosis | null> {
  const { refused, provider, trials } = its;
  trials.reserve(0);
  if (!signsUrl(scheme) || !refused.isBodyKept) return null;
  for (const { url, shown, publicUrl } of urlVariants(refused)) {
    if ((await trials.holds({ delivery: { url } })) === null) continue;
    return {
      reason: "url_mismatch",
      subject: publicUrl ?? shown,
      isProven: true,
      advice:
        publicUrl === null
          ? `The signature is right for ${shown}, and ${provider.name} was called at another path or query: have the webhook's URL registered just as it is called`
          : `The signature is right for ${shown}: set publicUrl (WEBHOOK_PUBLIC_URL) to ${publicUrl}`,
      details: { url: shown, ...(publicUrl === null ? {} : { public_url: publicUrl }) },
    };
  }
  return null;
}

function unknownUrl({ provider }: Case): Diagnosis {
  return {
    reason: "url_mismatch",
    subject: "unknown",
    isProven: false,
    advice: `${provider.name} signs the URL that it calls, and nothing that is trusted says it: set publicUrl (WEBHOOK_PUBLIC_URL), or trustProxy (TRUST_PROXY) to the address of the proxy that the request comes from`,
    details: {},
  };
}

function unexplained({ refused, provider, secretSetting }: Case, scheme: Scheme): Diagnosis {
  const header = signatureHeaders(scheme)
    .map(familyOf(scheme, refused.headers))
    .find((one) => refused.headers.has(one));
  const spelled = header === undefined ? null : readSpelled(scheme, refused.headers.get(header) ?? "");
  return {
    reason: "unexplained",
    subject: refused.isBodyKept ? refused.verdict : "large",
    isProven: false,
    advice: refused.isBodyKept
      ? `It is well formed, but no cause that is known explains it: compare the body's SHA-256 with what ${provider.name} shows of this delivery; where they agree it is ${secretSetting} that is not this webhook's, such as that of test and not of live`
      : `It is well formed, but its body is larger than what is looked at: see ${secretSetting}, and try with a smaller delivery of ${provider.name}`,
    details: {
      body_bytes: refused.bodyBytes,
      ...(refused.isBodyKept ? { body_sha256: toHex(sha256(refused.body)) } : {}),
      ...(spelled?.bytes == null ? {} : { signature_bytes: spelled.bytes.byteLength }),
      headers: headerNames(refused.headers),
    },
  };
}
