/**
 * `npm run test:vendors`: what the providers' own libraries sign is verified by ours, and they take what ours signs. They
 * come from npm into `.vendors/`, at the versions of the lock file beside this file. Prints which evidence each provider
 * has, and ends with `N passed, N failed`.
 */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { encodeText } from "../../lib/json.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { signatureHeaders } from "../../lib/verify/families.ts";
import { signDelivery, type Unsigned } from "../../lib/verify/sign.ts";
import { schemeFor, Verifier } from "../../lib/verify/verify.ts";
import { evidenceTable } from "../support/evidence.ts";
import { installLocked } from "../support/install-locked.ts";
import { type Keys, keysFor } from "../support/keys.ts";
import { type Load, type OnWire, VENDORS, type Vendor } from "./vendors.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const INSTALLED = fileURLToPath(new URL("../../.vendors", import.meta.url));

type HeaderTexts = Readonly<Record<string, string>>;

/** A delivery, and the URL that its sender has signed where that is spelled in another way than it is called. */
interface Case {
  readonly body: string;
  readonly contentType: string;
  readonly url: string;
  readonly signedUrl?: string;
}

/** Bodies on which encodings part: each is signed as its bytes stand. */
const JSON_BODIES: readonly string[] = [
  '{"id":"evt_1","type":"a.b"}',
  '{ "id": "evt_1",\n  "type": "a.b" }\r\n',
  '{"text":"\u{1f496} \\u00e5 å \\/ /","n":12345678901234567890,"x":1.0,"y":1e2}',
  "{}",
  `{"deep":${"[".repeat(50)}${"]".repeat(50)},"long":"${"x".repeat(5_000)}"}`,
];
const FORM_BODIES: readonly string[] = [
  "MessageSid=SM1&Body=a+%26+b&From=%2B4915112345678",
  "z=1&a=&Media=y&Media=x&Media=y&%C3%A5=%F0%9F%92%96",
];
const LIST_BODIES: readonly string[] = [
  '[{"eventId":1,"subscriptionId":2}]',
  '[{"text":"å","event":"open"}]\r\n',
];

await installLocked(HERE, INSTALLED);
await writeFile(join(INSTALLED, "load.mjs"), "export const load = (name) => import(name);\n");
const { load } = (await import(pathToFileURL(join(INSTALLED, "load.mjs")).href)) as { load: Load };

let passed = 0;
let failed = 0;
for (const vendor of VENDORS) await check(vendor);
console.log(`\n${evidenceTable()}`);
console.log(`\n${passed} passed, ${failed} failed`);
// Some of the libraries leave timers and connections behind.
process.exit(failed === 0 ? 0 : 1);

async function check(vendor: Vendor): Promise<void> {
  const scheme = builtInScheme(vendor.provider) as Scheme;
  const keys = vendor.keys ?? keysFor(scheme);
  // Before a time is signed: Paddle's takes what is five seconds old at most, and loading may take longer.
  await load(vendor.library);
  for (const given of casesOf(vendor.provider)) {
    await checkTheirs(vendor, scheme, keys, given, Date.now());
    await checkOurs(vendor, scheme, keys, given, Date.now());
  }
}

/** Their library signs, and ours verifies. */
async function checkTheirs(
  vendor: Vendor,
  scheme: Scheme,
  keys: Keys,
  given: Case,
  at: number,
): Promise<void> {
  const { provider, library, signs } = vendor;
  if (signs === undefined) return;
  const { body, url, signedUrl = url } = given;
  const withContentType = (headers: HeaderTexts): HeaderTexts => ({
    "content-type": given.contentType,
    ...headers,
  });
  const sign = async (secret: string): Promise<HeaderTexts> =>
    withContentType(await signs(load, { url: signedUrl, body, at }, secret));
  const headers = await sign(keys.signing);
  tell(`${library} -> ours`, provider, holds(scheme, keys, { url, headers, body }, at));
  // Of a form white space belongs to a value, as it does to the bytes of JSON.
  const changed = { url, headers, body: `${body} ` };
  tell(`${library} -> ours, changed`, provider, !holds(scheme, keys, changed, at));
  const form = schemeFor(scheme, keys.signing);
  if (!canRotate(form)) return;
  const other = await sign(keys.other);
  const both = { url, headers: rotating(form, other, headers), body };
  tell(`${library} -> ours, two signatures`, provider, holds(scheme, keys, both, at));
  const neither = { url, headers: rotating(form, other, other), body };
  tell(`${library} -> ours, two of another secret`, provider, !holds(scheme, keys, neither, at));
}

/** Ours signs, and their library verifies. */
async function checkOurs(
  { provider, library, accepts }: Vendor,
  scheme: Scheme,
  keys: Keys,
  given: Case,
  at: number,
): Promise<void> {
  const { url, contentType } = given;
  const unsigned: Unsigned = {
    method: "POST",
    url,
    body: encodeText(given.body),
    contentType,
    at,
    id: "msg_1",
    type: null,
  };
  const sent = signDelivery(scheme, keys.signing, unsigned);
  const body = Buffer.from(sent.body).toString();
  const onWire: OnWire = { url, headers: sent.headers, body };
  tell(`ours -> ${library}`, provider, await accepts(load, onWire, keys));
  // A token covers nothing, so there the token itself is wrong.
  const another = { ...keys, verifying: keys.other };
  tell(`ours -> ${library}, another secret`, provider, !(await accepts(load, onWire, another)));
  const form = schemeFor(scheme, keys.signing);
  if (!canRotate(form)) return;
  const other = signDelivery(scheme, keys.other, unsigned).headers;
  const both = { ...onWire, headers: rotating(form, other, sent.headers) };
  tell(`ours -> ${library}, two signatures`, provider, await accepts(load, both, keys));
  const neither = { ...onWire, headers: rotating(form, other, other) };
  tell(`ours -> ${library}, two of another secret`, provider, !(await accepts(load, neither, keys)));
}

function casesOf(provider: string): readonly Case[] {
  const url = `https://hooks.example.org/webhooks/${provider}`;
  if (provider === "twilio") return twilioCases(`${url}?a=1&b=%3A`);
  const bodies = provider === "hubspot" || provider === "sendgrid" ? LIST_BODIES : JSON_BODIES;
  // HubSpot's library wants the URL as it signs it, with some escapes read; its users have to do that.
  const query = provider === "hubspot" ? "?a=1&b=:" : "?a=1&b=%3A";
  return bodies.map((body) => ({ body, contentType: "application/json", url: url + query }));
}

/** Forms, JSON whose hash stands in the URL, and URLs that Twilio signs in another spelling than it calls. */
function twilioCases(url: string): readonly Case[] {
  const contentType = "application/x-www-form-urlencoded";
  const [body = ""] = FORM_BODIES;
  const withPort = url.replace(".org/", ".org:443/");
  return [
    ...FORM_BODIES.map((one) => ({ body: one, contentType, url })),
    ...JSON_BODIES.map((one) => ({
      body: one,
      contentType: "application/json",
      url: `${url}&bodySHA256=${createHash("sha256").update(one).digest("hex")}`,
    })),
    { body, contentType, url, signedUrl: withPort },
    { body, contentType, url: withPort, signedUrl: url },
    // A URL that was parsed has a query's quote as an escape.
    { body, contentType, url: `${url}&c=it%27s`, signedUrl: `${url}&c=it's` },
  ];
}

/** Whether a delivery may carry two signatures, as while a secret is rotated. */
function canRotate(scheme: Scheme): boolean {
  return scheme.signature.parts !== undefined || signatureHeaders(scheme).length > 1;
}

/** The second delivery with the first one's signature before its own. */
function rotating(scheme: Scheme, first: HeaderTexts, second: HeaderTexts): HeaderTexts {
  const [header = "", otherHeader] = signatureHeaders(scheme);
  if (otherHeader !== undefined) {
    return { ...second, [header]: first[header] ?? "", [otherHeader]: second[header] ?? "" };
  }
  const name = header in second ? header : header.replace("webhook-", "svix-");
  const separator = scheme.signature.parts?.separator ?? "";
  const own = second[name]?.split(separator).at(-1);
  return { ...second, [name]: `${first[name]}${separator}${own}` };
}

function holds(scheme: Scheme, keys: Keys, { url, headers, body }: OnWire, now: number): boolean {
  try {
    const delivery = { method: "POST", url, headers: new Headers(headers), body: encodeText(body) };
    new Verifier(scheme, [keys.verifying]).verify(delivery, now);
    return true;
  } catch {
    return false;
  }
}

function tell(what: string, provider: string, isRight: boolean): void {
  if (isRight) passed++;
  else {
    failed++;
    console.log(`FAIL ${provider}: ${what}`);
  }
}
