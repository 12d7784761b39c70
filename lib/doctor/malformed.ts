import type { Scheme } from "../scheme.ts";
import { familyOf, signatureHeaders } from "../verify/families.ts";
import { signedIdHeader } from "../verify/scheme-check.ts";
import { signatureBytes } from "../verify/signature-bytes.ts";
import type { Case, Diagnosis } from "./diagnosis.ts";
import { looksLikeProvider } from "./looks-like.ts";
import { HeldHeaders } from "./refused.ts";
import { macOf, readSpelled, type Spelled, spell } from "./spelling.ts";
import { probe } from "./trials.ts";

/** The cause where the signature or what belongs to it has not the record's form; null where the body may hide it. */
export async function diagnoseMalformed(its: Case, scheme: Scheme): Promise<Diagnosis | null> {
  const { refused } = its;
  if (probe(scheme, refused, {}) === "malformed") return misspelled(its, scheme);
  if (probe(scheme, refused, { timestamp: true }) === "malformed") return unreadTime(its, scheme);
  const name = familyOf(scheme, refused.headers);
  const idHeader = signedIdHeader(scheme);
  if (idHeader !== null && probe(scheme, refused, { id: true }) === "malformed") {
    return unfit(its, name(idHeader), "an id of 1 to 255 characters without a full stop");
  }
  const constant = Object.entries(scheme.constants ?? {}).find(
    ([key, value]) => refused.headers.get(key) !== value,
  );
  return constant === undefined ? null : unfit(its, constant[0], `exactly ${constant[1]}`);
}

async function misspelled(its: Case, scheme: Scheme): Promise<Diagnosis> {
  const { refused, provider } = its;
  const name = familyOf(scheme, refused.headers);
  const header = signatureHeaders(scheme)
    .map(name)
    .find((one) => refused.headers.has(one));
  const value = header === undefined ? "" : (refused.headers.get(header) ?? "");
  const found = header === undefined ? null : readSpelled(scheme, value);
  const place = header === undefined ? `"${scheme.signature.body}" of the body` : `header ${header}`;
  const wanted = signatureBytes(scheme.algorithm);
  const form = formOf(scheme);
  const shared = { details: detailsOf(found, wanted) };
  if (found === null) {
    return {
      ...shared,
      reason: "signature_encoding",
      subject: "list",
      isProven: true,
      advice: `What ${place} holds is no signature of ${provider.name}: it is ${form}; see what writes the header anew on the way`,
    };
  }
  if (found.bytes !== null && header !== undefined) {
    const held = await respelled(its, scheme, header, value, found);
    if (held !== null) return { ...shared, ...held };
  }
  const given = found.bytes?.byteLength ?? 0;
  const isLengthRight = found.bytes !== null && (wanted === null || given === wanted);
  if (!isLengthRight) {
    const other = await looksLikeProvider(its, 1);
    if (other !== null) return other;
  }
  if (namesOther(scheme, found) && macOf(given) !== null && !isLengthRight) {
    return {
      ...shared,
      reason: "wrong_header",
      subject: String(macOf(given)),
      isProven: false,
      advice: `The ${place} carries an ${macOf(given)} signature, and ${provider.name} is verified by ${scheme.algorithm}: have the sender sign so`,
    };
  }
  if (isLengthRight || found.bytes === null) {
    const doubled = found.isDoubled
      ? "it holds more than one value, so something sends the header twice; "
      : "";
    return {
      ...shared,
      reason: "signature_encoding",
      subject: found.isDoubled ? "doubled" : found.form,
      isProven: true,
      advice: `The signature in ${place} is spelled otherwise than ${provider.name} spells it: ${doubled}it has to be ${form}`,
    };
  }
  return {
    ...shared,
    reason: "signature_length",
    subject: "",
    isProven: true,
    advice: `The signature in ${place} has ${given} bytes and not ${wanted}: it was cut on the way, or it is not of ${provider.name}; it has to be ${form}`,
  };
}

/** True where another hash function than the record's stands before the signature. */
function namesOther({ algorithm }: Scheme, { named }: Spelled): boolean {
  return named !== null && /^sha/.test(named) && `hmac-${named.replace("-", "")}` !== algorithm;
}

/** The same bytes as the record spells them: with its own algorithm, or the one that has so many. */
async function respelled(
  { refused, provider, trials }: Case,
  scheme: Scheme,
  header: string,
  value: string,
  { bytes, text }: Spelled,
): Promise<Omit<Diagnosis, "details"> | null> {
  if (bytes === null) return null;
  const { parts, prefix = "" } = scheme.signature;
  const right = spell(scheme, bytes);
  const written = parts === undefined ? prefix + right : value.replace(text, right);
  const delivery = { headers: new HeldHeaders(refused.headers, { [header]: written }) };
  const wanted = signatureBytes(scheme.algorithm);
  if (wanted === null || bytes.byteLength === wanted) {
    if ((await trials.holds({ scheme, delivery })) === null) return null;
    return {
      reason: "signature_encoding",
      subject: "right",
      isProven: true,
      advice: `The signature in header ${header} is right, but it is spelled otherwise than ${provider.name} spells it: it has to be ${formOf(scheme)}`,
    };
  }
  const algorithm = macOf(bytes.byteLength);
  const isFixed = parts !== undefined && typeof parts.key !== "string"; // where each entry says its own
  if (algorithm === null || isFixed || !scheme.algorithm.startsWith("hmac-")) return null;
  if ((await trials.holds({ scheme: { ...scheme, algorithm }, delivery })) === null) return null;
  return {
    reason: "wrong_header",
    subject: algorithm,
    isProven: true,
    advice: `Header ${header} carries an ${algorithm} signature, which holds, but ${provider.name} is verified by ${scheme.algorithm}: have the sender sign so`,
  };
}

/** How the record spells a signature, for people. */
function formOf({ algorithm, signature }: Scheme): string {
  const { parts, prefix, encoding } = signature;
  const digits =
    encoding === "text" ? "the secret itself" : `${signatureBytes(algorithm) ?? "some"} bytes in ${encoding}`;
  if (parts === undefined) return prefix === undefined ? digits : `"${prefix}" and ${digits}`;
  const key = typeof parts.key === "string" ? parts.key : Object.keys(parts.key)[0];
  return `a list with an entry "${key}${parts.assign}" and ${digits}`;
}

function detailsOf(found: Spelled | null, wanted: number | null): Diagnosis["details"] {
  return {
    ...(found?.bytes == null ? {} : { signature_bytes: found.bytes.byteLength, signature_form: found.form }),
    ...(wanted === null ? {} : { wanted_bytes: wanted }),
  };
}

const UNITS = { s: "seconds", ms: "milliseconds", rfc3339: "a date and time (RFC 3339)" } as const;

/** Null where it stands in a body, which may not be what was sent. */
async function unreadTime(its: Case, scheme: Scheme): Promise<Diagnosis | null> {
  const { timestamp } = scheme;
  if (timestamp === undefined) return null;
  for (const unit of ["s", "ms", "rfc3339"] as const) {
    const other = { ...scheme, timestamp: { ...timestamp, unit } };
    if (unit === timestamp.unit || probe(other, its.refused, { timestamp: true }) === "malformed") continue;
    const isProven = (await its.trials.holds({ scheme: other })) !== null;
    return {
      reason: "clock_skew",
      subject: `unit ${unit}`,
      isProven,
      advice: `The signed time is given as ${UNITS[unit]}, and ${its.provider.name} gives ${UNITS[timestamp.unit]}: have the sender write it so${isProven ? "; the signature itself holds" : ""}`,
      details: { wanted_unit: timestamp.unit, given_unit: unit },
    };
  }
  if ("body" in timestamp.from) return null;
  const name = familyOf(scheme, its.refused.headers);
  return "header" in timestamp.from
    ? unfit(its, name(timestamp.from.header), UNITS[timestamp.unit])
    : unfit(
        its,
        name(signatureHeaders(scheme)[0] ?? ""),
        `an entry "${timestamp.from.part}" of ${UNITS[timestamp.unit]}`,
      );
}

function unfit({ refused, provider }: Case, header: string, wanted: string): Diagnosis {
  const isThere = refused.headers.has(header);
  return {
    reason: "header_unfit",
    subject: `${header} ${isThere ? "form" : "missing"}`,
    isProven: true,
    advice: isThere
      ? `Header ${header} has another form than ${provider.name} gives it, which is ${wanted}: see what writes it anew on the way`
      : `A signature came without header ${header}, which is part of what ${provider.name} signs: see what drops it on the way`,
    details: { header },
  };
}
