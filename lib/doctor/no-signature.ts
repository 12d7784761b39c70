import type { Scheme } from "../scheme.ts";
import { familyOf, signatureHeaders } from "../verify/families.ts";
import type { Case, Diagnosis } from "./diagnosis.ts";
import { headerNames, onTheWay, signatureLike, wordsShared } from "./header-names.ts";
import { evidenceOf, looksLikeProvider, recordsOf } from "./looks-like.ts";
import { HeldHeaders } from "./refused.ts";
import { macOf, readSpelled, spell } from "./spelling.ts";

/** Headers that are tried in place of the one that is missing. */
const RENAMED_MAX = 3;

/** The cause where the record's header did not come at all. */
export async function diagnoseNoSignature(its: Case, scheme: Scheme): Promise<Diagnosis> {
  const { refused, provider } = its;
  const wanted = signatureHeaders(scheme).map(familyOf(scheme, refused.headers));
  const like = signatureLike(refused.headers).filter((name) => !wanted.includes(name));
  return (
    (await renamed(its, scheme, wanted, like)) ??
    otherForm(its, scheme) ??
    ofSameSender(its, scheme, wanted, like) ??
    (await looksLikeProvider(its, 0)) ??
    wrongHeader(
      its,
      wanted,
      like.filter((name) => wanted.some((own) => wordsShared(own, name) > 0)),
    ) ?? {
      reason: "no_signature",
      subject: "",
      isProven: true,
      advice: `No ${placeOf(scheme, wanted)} came: set a secret where ${provider.name} has its webhook's settings${
        onTheWay(refused.headers).length === 0 ? "" : ", and see that no proxy on the way drops the header"
      }`,
      details: { signature_headers: like, headers: headerNames(refused.headers) },
    }
  );
}

function placeOf({ signature }: Scheme, wanted: readonly string[]): string {
  return wanted.length === 0 ? `"${signature.body}" in the body` : `header ${wanted.join(" or ")}`;
}

/** A header of another name whose signature holds. */
async function renamed(
  its: Case,
  scheme: Scheme,
  [wanted]: readonly string[],
  like: readonly string[],
): Promise<Diagnosis | null> {
  if (wanted === undefined) return null;
  const nearest = [...like].sort((a, b) => wordsShared(wanted, b) - wordsShared(wanted, a));
  for (const name of nearest.slice(0, RENAMED_MAX)) {
    const value = its.refused.headers.get(name) ?? "";
    const inPlace = (text: string) => ({
      headers: new HeldHeaders(its.refused.headers, { [wanted]: text }),
    });
    const spelled = scheme.signature.parts === undefined ? readSpelled(scheme, value) : null;
    const algorithm = spelled?.bytes == null ? null : macOf(spelled.bytes.byteLength);
    const held =
      (await its.trials.holds({ scheme, delivery: inPlace(value) })) ??
      (spelled?.bytes == null || algorithm === null || !scheme.algorithm.startsWith("hmac-")
        ? null
        : await its.trials.holds({
            scheme: { ...scheme, algorithm },
            delivery: inPlace((scheme.signature.prefix ?? "") + spell(scheme, spelled.bytes)),
          }));
    if (held === null) continue;
    const isOther = algorithm !== null && algorithm !== scheme.algorithm;
    return {
      reason: "wrong_header",
      subject: isOther ? algorithm : "name",
      isProven: true,
      advice: isOther
        ? `Only an ${algorithm} signature came, in ${name}: ${its.provider.name} is verified by ${scheme.algorithm} in ${wanted}, so see that the sender or a proxy does not leave that out`
        : `The signature came in ${name} and holds, but it is wanted in ${wanted}: see what renames the header on the way`,
      details: { wanted: [wanted], came: [name] },
    };
  }
  return null;
}

/** The provider signs in two ways, and the secret is for the other one. */
function otherForm({ refused, provider, secretSetting }: Case, scheme: Scheme): Diagnosis | null {
  const other = recordsOf(provider.scheme).find((one) => {
    const name = familyOf(one, refused.headers);
    return one !== scheme && signatureHeaders(one).some((header) => refused.headers.has(name(header)));
  });
  if (other === undefined) return null;
  const came = signatureHeaders(other);
  const { prefix = "" } = provider.scheme.forSecrets ?? {};
  const wanted = other === provider.scheme ? `not begin with "${prefix}"` : `begin with "${prefix}"`;
  return {
    reason: "wrong_header",
    subject: "form",
    isProven: false,
    advice: `${provider.name} signs in two ways, and the header ${came.join(", ")} is of the one that ${secretSetting} is not for: set the secret that belongs to it, which does ${wanted}, or change the webhook`,
    details: { wanted: signatureHeaders(scheme), came },
  };
}

/** The provider's other headers say that it is from there, and an older or newer signature came in place of ours. */
function ofSameSender(
  its: Case,
  scheme: Scheme,
  wanted: readonly string[],
  like: readonly string[],
): Diagnosis | null {
  if (evidenceOf(scheme, its.refused.headers) === 0) return null;
  return wrongHeader(
    its,
    wanted,
    like.filter((name) => wanted.some((own) => wordsShared(own, name) > 0)),
  );
}

function wrongHeader(
  { provider }: Case,
  wanted: readonly string[],
  came: readonly string[],
): Diagnosis | null {
  if (came.length === 0) return null;
  return {
    reason: "wrong_header",
    subject: "missing",
    isProven: false,
    advice: `No header ${wanted.join(" or ")} came, and another one that carries signatures did: see in the webhook's settings at ${provider.name} whether it signs in an older way, and what drops headers on the way`,
    details: { wanted, came },
  };
}
