/**
 * `npm run test:vendors`: what the providers' own libraries sign is verified by ours, and they take what ours signs. They
 * come from npm into `.vendors/`, at the versions of the lock file beside this file. Prints which evidence each provider
 * has, and ends with `N passed, N failed`.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { encodeText } from "../../lib/json.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { signDelivery, type Unsigned } from "../../lib/verify/sign.ts";
import { Verifier } from "../../lib/verify/verify.ts";
import { evidenceTable } from "../support/evidence.ts";
import { installLocked } from "../support/install-locked.ts";
import { type Keys, keysFor } from "../support/keys.ts";
import { type Load, type OnWire, VENDORS, type Vendor } from "./vendors.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const INSTALLED = fileURLToPath(new URL("../../.vendors", import.meta.url));

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
  const { provider, library } = vendor;
  const scheme = builtInScheme(provider) as Scheme;
  const keys = keysFor(scheme);
  // HubSpot's library wants the URL as it signs it, with some escapes read; its users have to do that.
  const query = provider === "hubspot" ? "?a=1&b=:" : "?a=1&b=%3A";
  const url = `https://hooks.example.org/webhooks/${provider}${query}`;
  for (const text of bodiesOf(provider)) {
    const contentType = provider === "twilio" ? "application/x-www-form-urlencoded" : "application/json";
    const at = Date.now();
    if (vendor.signs !== undefined) {
      const signed = await vendor.signs(load, { url, body: text, at }, keys.signing);
      const headers = { "content-type": contentType, ...signed };
      tell(`${library} -> ours`, provider, holds(scheme, keys, { url, headers, body: text }, at));
      tell(
        `${library} -> ours, changed`,
        provider,
        !holds(scheme, keys, { url, headers, body: changed(text) }, at),
      );
    }
    const unsigned: Unsigned = {
      method: "POST",
      url,
      body: encodeText(text),
      contentType,
      at,
      id: "msg_1",
      type: null,
    };
    const sent = signDelivery(scheme, keys.signing, unsigned);
    const body = Buffer.from(sent.body).toString();
    const onWire: OnWire = { url, headers: sent.headers, body };
    tell(`ours -> ${library}`, provider, await vendor.accepts(load, onWire, keys));
    // A token covers nothing, so there the token itself is wrong.
    const other = { ...keys, verifying: keys.other };
    tell(`ours -> ${library}, another secret`, provider, !(await vendor.accepts(load, onWire, other)));
  }
}

function bodiesOf(provider: string): readonly string[] {
  if (provider === "twilio") return FORM_BODIES;
  return provider === "hubspot" || provider === "sendgrid" ? LIST_BODIES : JSON_BODIES;
}

/** Of a form white space belongs to a value, as it does to the bytes of JSON. */
function changed(body: string): string {
  return `${body} `;
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
