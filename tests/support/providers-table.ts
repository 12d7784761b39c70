import type { Place, Read, ReadFunction, Scheme } from "../../lib/scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { secretHeaders, signatureHeaders } from "../../lib/verify/families.ts";
import { signedIdHeader } from "../../lib/verify/scheme-check.ts";
import { parseSigned } from "../../lib/verify/signed.ts";
import { TOLERANCE_MS } from "../../lib/verify/timestamp.ts";
import { type Evidence, evidence, evidenceText } from "./evidence.ts";

/** The rows of the table of providers, made of their records. Names that share a record share a row. */
export function providerRows(): readonly string[] {
  const names = new Map<Scheme, string[]>();
  for (const name of builtInSchemeNames()) {
    const scheme = builtInScheme(name);
    if (scheme !== undefined) names.set(scheme, [...(names.get(scheme) ?? []), name]);
  }
  const known = new Map(evidence().map((one) => [one.provider, one]));
  return Array.from(names, ([scheme, own]) => {
    const [name = ""] = own;
    const cells = [
      own.map((name) => `\`${name}\``).join(", "),
      headerCell(scheme),
      signatureCell(scheme),
      FUNCTIONS[name] ?? signedCell(scheme),
      timeCell(scheme),
      idCell(scheme),
      scheme.type === undefined ? "" : readText(scheme.type),
      answerCell(scheme),
      evidenceText(known.get(name) as Evidence),
    ];
    return `| ${cells.join(" | ")} |`;
  });
}

/** What the functions sign, which stand in the place of a template. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  twilio: "URL, then the form's fields in order; or a URL with the body's SHA-256",
  hubspot: "method, URL, body, time",
  mailgun: "time, token; not the event",
};

function headerCell(scheme: Scheme): string {
  if (scheme.signature.body !== undefined) return `\`${scheme.signature.body}\` in the body`;
  const { forSecrets, ...own } = scheme;
  const names = secretHeaders(own).map((name) => `\`${name}\``);
  return forSecrets === undefined
    ? names.join(", ")
    : `${names.join(", ")}; \`${signatureHeaders(forSecrets.scheme).join(", ")}\` where the secret begins with \`${forSecrets.prefix}\``;
}

function signatureCell({ algorithm, signature }: Scheme): string {
  if (algorithm === "token")
    return signature.prefix === undefined ? "the secret" : `\`${signature.prefix}\`the secret`;
  const { parts, prefix } = signature;
  const keys =
    parts === undefined ? [] : typeof parts.key === "string" ? [parts.key] : Object.keys(parts.key);
  const before =
    parts === undefined ? (prefix ?? "") : keys.map((key) => `${key}${parts.assign}`).join("`, `");
  return `${before === "" ? "" : `\`${before}\` `}${algorithm}, ${signature.encoding}`;
}

function signedCell({ algorithm, signed }: Scheme): string {
  if (algorithm === "token") return "nothing";
  if (typeof signed === "string" || signed === undefined) return `\`${signed ?? "{body}"}\``;
  return parseSigned(signed)
    .of.map((atom) => `\`{${atom}}\``)
    .join(", ");
}

function timeCell({ timestamp }: Scheme): string {
  if (timestamp === undefined) return "";
  const { from, toleranceMs = TOLERANCE_MS } = timestamp;
  const place =
    "part" in from ? `\`${from.part}=\`` : "header" in from ? `\`${from.header}\`` : `\`${from.body}\``;
  const minutes = toleranceMs / 60_000;
  return `${place}, ${minutes >= 60 ? `${minutes / 60} h` : `${minutes} min`}`;
}

function idCell(scheme: Scheme): string {
  const { id, replayGuard } = scheme;
  if (id === undefined) return "none: not deduplicated";
  const signed = signedIdHeader(scheme);
  const guard =
    typeof replayGuard === "object" ? `; \`${replayGuard.body}\` once` : GUARDS[replayGuard ?? "none"];
  return `${readText(id)}${signed === null ? "" : " (signed)"}${guard}`;
}

const GUARDS = { body: "; known by the body", "body+type": "; known by body and type", none: "" };

function answerCell({ answer = { status: 202 } }: Scheme): string {
  const isEmpty = answer.status === 204 || answer.body === "empty";
  return `${answer.status}${isEmpty ? ", empty" : ""}`;
}

function readText(from: Read): string {
  if (typeof from === "function") return "made of the body";
  if (isList(from)) return from.map(readText).join(", else ");
  if ("join" in from) return from.join.map(placeText).join(" + ");
  return placeText(from);
}

function isList(from: Exclude<Read, ReadFunction>): from is readonly Read[] {
  return Array.isArray(from);
}

function placeText(place: Place): string {
  if ("header" in place) return `\`${place.header}\``;
  if ("body" in place) return `body \`${place.body}\``;
  if ("hash" in place) return "SHA-256 of the body";
  const but = place.bodyKeyBut.map((key) => `\`${key}\``).join(", ");
  return `the body's first key${but === "" ? "" : ` but ${but}`}`;
}
