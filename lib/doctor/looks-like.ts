import type { IncomingHeaders } from "../incoming.ts";
import type { Scheme } from "../scheme.ts";
import type { Provider } from "../schemes/providers.ts";
import { familyOf, signatureHeaders } from "../verify/families.ts";
import { headersOf } from "../verify/read.ts";
import type { Case, Diagnosis } from "./diagnosis.ts";
import { REFORM_BYTES_MAX } from "./json-forms.ts";
import { probe } from "./trials.ts";

/** Deliveries look like several where records are alike; more names than this help nobody. */
const NAMES_MAX = 3;

interface Candidate {
  readonly provider: Provider;
  readonly scheme: Scheme;
  readonly evidence: number;
}

/**
 * Whose delivery it is, by its form: all that another record wants is there.
 *
 * @param evidenceMin of that record's own headers besides the signature, so many have to be there
 */
export async function looksLikeProvider(
  { refused, provider, known, trials }: Case,
  evidenceMin: number,
): Promise<Diagnosis | null> {
  const candidates = [...known.providers.values()]
    .filter(({ name, scheme }) => name !== provider.name && scheme !== provider.scheme)
    .flatMap((other) =>
      recordsOf(other.scheme).map(
        (scheme): Candidate => ({
          provider: other,
          scheme,
          evidence: evidenceOf(scheme, refused.headers),
        }),
      ),
    )
    .filter(({ scheme, evidence }) => {
      // Anybody sends an Authorization header.
      const isCommon = signatureHeaders(scheme).includes("authorization");
      // A signature in the body is looked for by parsing it.
      if (scheme.signature.body !== undefined && refused.bodyBytes > REFORM_BYTES_MAX) return false;
      return evidence >= Math.max(evidenceMin, isCommon ? 1 : 0) && probe(scheme, refused) === "mismatch";
    })
    .sort((a, b) => b.evidence - a.evidence || Number(isSet(b)) - Number(isSet(a)));
  const [best] = candidates;
  if (best === undefined) return null;
  let isProven = false;
  if (isSet(best)) {
    const held = await trials.holds({ scheme: best.provider.scheme, secrets: best.provider.secrets });
    isProven = held !== null;
  }
  const names = isProven
    ? [best.provider.name]
    : candidates
        .filter((one) => one.evidence === best.evidence && isSet(one) === isSet(best))
        .map((one) => one.provider.name);
  const some = [...new Set(names)].slice(0, NAMES_MAX);
  const named = some.join(" or ");
  return {
    reason: "looks_like_provider",
    subject: named,
    isProven,
    advice: `This is signed as a delivery of ${named}, and it came to the route of ${provider.name}: have it sent to /webhooks/${some[0]}`,
    details: { providers: some },
  };
}

/** Of the record's own headers besides the signature's, how many the delivery has. */
export function evidenceOf(scheme: Scheme, headers: IncomingHeaders): number {
  const name = familyOf(scheme, headers);
  const from = scheme.timestamp?.from;
  const own = new Set([
    ...headersOf(scheme.id),
    ...headersOf(scheme.type),
    ...Object.keys(scheme.constants ?? {}),
    ...(from !== undefined && "header" in from ? [from.header] : []),
  ]);
  return [...own].filter((header) => headers.has(name(header))).length;
}

/** A provider's own record, and the one that the form of a secret chooses. */
export function recordsOf(scheme: Scheme): readonly Scheme[] {
  return scheme.forSecrets === undefined ? [scheme] : [scheme, scheme.forSecrets.scheme];
}

function isSet({ provider }: Candidate): boolean {
  return provider.secrets.length > 0;
}
