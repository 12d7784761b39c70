import { createHmac, timingSafeEqual } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { IncomingHeaders } from "../../lib/incoming.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import { Verifier } from "../../lib/verify/verify.ts";
import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";

const BODY_BYTES = 400;
/** So few that most turns go by undisturbed; the quickest turn of each side counts. */
const CALLS = 500;
const TURNS = 800;
const NOW = 1_793_617_200_000;
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const NAMES = ["generic", "github", "stripe", "standard-webhooks"] as const;

/** What a signature costs through its record, beside what it costs by hand; and how large the verifier is alone. */
export async function measureVerify(bench: Bench): Promise<Figure[]> {
  const section = new Section(
    "Verifying 400 bytes",
    "createHmac over the same bytes and a compare of the decoded digest",
    "us",
  );
  const pairs = NAMES.map(pairOf);
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const [name, byHand, byRecord] of pairs) {
      let [hand, record] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (let turn = 0; turn < TURNS; turn++) {
        hand = Math.min(hand, microseconds(byHand));
        record = Math.min(record, microseconds(byRecord));
      }
      console.log(`  verify, round ${round}: ${name} ${record.toFixed(2)} us, by hand ${hand.toFixed(2)} us`);
      section.add(name, record, hand);
    }
  }
  const bytes = await bundleBytes();
  console.log(`  latchhook/verify with all schemes, minified: ${bytes} bytes`);
  const size = new Section(
    "latchhook/verify with all schemes, minified",
    "its bound of 25,000 bytes",
    "bytes",
  );
  size.add("bundle", bytes, 25_000);
  return [...section.figures, ...size.figures];
}

type Check = () => unknown;

/** The same delivery, checked by hand and by its record. */
function pairOf(name: (typeof NAMES)[number]): [name: string, byHand: Check, byRecord: Check] {
  const scheme = builtInScheme(name) as Scheme;
  const text = JSON.stringify({ id: "evt_1", type: "a.b", text: "" });
  const body = Buffer.from(text.replace('""', `"${"x".repeat(BODY_BYTES - text.length)}"`));
  const unsigned = {
    method: "POST",
    url: null,
    body,
    contentType: "application/json",
    at: NOW,
    id: "m",
    type: null,
  };
  const sent = new Map(Object.entries(signDelivery(scheme, SECRET, unsigned).headers));
  const headers: IncomingHeaders = {
    get: (header) => sent.get(header) ?? null,
    has: (header) => sent.has(header),
    keys: () => sent.keys(),
  };
  const verifier = new Verifier(scheme, [SECRET]);
  const delivery = { method: "POST", url: null, headers, body };
  const key = scheme.key === "whsec" ? Buffer.alloc(32, 7) : SECRET;
  const before = {
    generic: "",
    github: "",
    stripe: `${NOW / 1_000}.`,
    "standard-webhooks": `m.${NOW / 1_000}.`,
  }[name];
  const digest = createHmac("sha256", key).update(before).update(body).digest();
  const encoding = scheme.signature.encoding === "hex" ? "hex" : "base64";
  const given = digest.toString(encoding);
  const byHand = (): boolean => {
    const hmac = createHmac("sha256", key);
    if (before !== "") hmac.update(before);
    return timingSafeEqual(hmac.update(body).digest(), Buffer.from(given, encoding));
  };
  return [name, byHand, () => verifier.verify(delivery, NOW)];
}

function microseconds(check: Check): number {
  const started = process.hrtime.bigint();
  for (let call = 0; call < CALLS; call++) check();
  return Number(process.hrtime.bigint() - started) / CALLS / 1_000;
}

async function bundleBytes(): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../lib/schemes/verify-webhook.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    external: ["node:*"],
    write: false,
  });
  return outputFiles[0]?.contents.byteLength ?? 0;
}
