import { createHmac } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { systemClock } from "../../lib/clock.ts";
import { Doctor, HELD_BODY_BYTES_MAX, HELD_BYTES_MAX } from "../../lib/doctor/doctor.ts";
import { knownSecrets } from "../../lib/doctor/known.ts";
import { MACS_MAX } from "../../lib/doctor/trials.ts";
import { silentLog } from "../../lib/log.ts";
import { github } from "../../lib/schemes/github.ts";
import { Verifier } from "../../lib/verify/verify.ts";
import { randomOf } from "../support/random.ts";
import { until } from "../support/until.ts";
import { type Arrival, openClinic } from "./clinic.ts";

const test = suite("doctor/doctor");

const SECRET = "the secret of github";

/** Well formed, and signed with the given secret. */
function delivery(secret: string, body: string | Uint8Array = '{"id":"a"}', provider = "github"): Arrival {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const signature = `sha256=${createHmac("sha256", secret).update(bytes).digest("hex")}`;
  const headers = { "content-type": "application/json", "x-hub-signature-256": signature };
  return { provider, url: null, headers, body: bytes };
}

function garbage(body: Uint8Array = Buffer.from("{}"), provider = "github"): Arrival {
  return { provider, url: null, headers: { "content-type": "application/json" }, body };
}

test("nothing is worked out before the answer has left, and then at once", async () => {
  const clinic = openClinic({ secrets: { github: SECRET } });
  clinic.arrive(delivery("another"));
  assert.equal([clinic.macs, clinic.lines, clinic.doctor.rejections()], [[], [], []]);
  await clinic.clock.advance(49);
  assert.equal(clinic.macs, []);
  await clinic.settle();
  assert.is(clinic.macs.length, 1);
  assert.is(clinic.lines.length, 1);
});

test("one refusal of a provider is looked at in a second, and the counts add up to all", async () => {
  const clinic = openClinic({ secrets: { github: SECRET, shopify: "another one" } });
  for (let count = 0; count < 100; count++) clinic.arrive(delivery("wrong"));
  await clinic.clock.advance(50);
  await until(() => clinic.macs.length === 1, "the first look");
  const counts = clinic.doctor.rejections().map(({ reason, count }) => `${reason} ${count}`);
  assert.equal(counts.sort(), ["not_examined 99", "unexplained 1"]);
  clinic.arrive(delivery("wrong"));
  clinic.arrive(garbage(Buffer.from("{}"), "shopify"));
  await clinic.clock.advance(900);
  await until(() => clinic.macs.length === 2, "that of the other provider");
  const [newest] = clinic.doctor.rejections();
  assert.equal([newest?.provider, newest?.reason], ["shopify", "no_signature"]);
  await clinic.settle();
  await until(() => clinic.macs.length === 3, "the next of the first provider");
  assert.is(clinic.doctor.rejections().find(({ reason }) => reason === "unexplained")?.count, 2);
});

test("an operator's mistake is named however much garbage comes with it", async () => {
  const clinic = openClinic({ secrets: { github: `${SECRET}\n` } });
  for (let count = 0; count < 1_000; count++) clinic.arrive(garbage());
  clinic.arrive(delivery(SECRET));
  const malformed = { ...garbage(), headers: { ...garbage().headers, "x-hub-signature-256": "sha256=ab" } };
  for (let count = 0; count < 1_000; count++) clinic.arrive(count % 2 === 0 ? garbage() : malformed);
  await clinic.settle();
  const reasons = clinic.doctor.rejections().map(({ reason, count }) => `${reason} ${count}`);
  assert.equal(reasons.sort(), ["not_examined 2000", "secret_has_whitespace 1"]);
});

test("among well-formed ones any may be looked at, so that who comes first does not keep the others out", async () => {
  const clinic = openClinic({ secrets: { github: `${SECRET}\n` }, random: randomOf(7) });
  for (let round = 0; round < 100; round++) {
    for (let count = 0; count < 9; count++) clinic.arrive(delivery("of a stranger"));
    if (round % 2 === 0) clinic.arrive(delivery(SECRET));
    for (let count = 0; count < 10; count++) clinic.arrive(delivery("of a stranger"));
    await clinic.settle();
  }
  const seen =
    clinic.doctor.rejections().find(({ reason }) => reason === "secret_has_whitespace")?.count ?? 0;
  // Of fifty at one in twenty.
  assert.ok(seen >= 1 && seen <= 8, String(seen));
});

test("no diagnosis makes more MACs than are allowed, whatever is set and sent", async () => {
  const names = [
    "shopify",
    "sentry",
    "meta",
    "asana",
    "dropbox",
    "notion",
    "xero",
    "zoom",
    "slack",
    "jira",
    "gitea",
  ];
  const others = Object.fromEntries(names.map((name) => [name, `the secret of ${name}`]));
  const twilio = [
    `"${Buffer.alloc(24, 1).toString("base64")}"\n`,
    `"${Buffer.alloc(24, 2).toString("hex")}"`,
  ];
  const square = [`whsec_${Buffer.alloc(24, 3).toString("base64")} `, "a b%20c"];
  const clinic = openClinic({ secrets: { ...others, github: square, twilio, square } });
  const body = '{ "a": "ü/<é>&", "b": [1, 2.0, {"c": null}], "d": "\\u00e5 \\"x\\"" }\n';
  const url = "https://hooks.example.org/webhooks/square?a=1&b=2";
  const forwarded = {
    "x-forwarded-host": "a.example.org",
    host: "b.example.org:8080",
    "x-original-uri": "/c?d=1",
  };
  clinic.arrive(delivery("wrong", body));
  clinic.arrive({
    provider: "square",
    url,
    headers: { ...forwarded, "x-square-hmacsha256-signature": Buffer.alloc(32).toString("base64") },
    body: Buffer.from(body),
  });
  clinic.arrive({
    provider: "twilio",
    url,
    headers: {
      ...forwarded,
      "content-type": "application/x-www-form-urlencoded",
      "x-twilio-signature": Buffer.alloc(20).toString("base64"),
    },
    body: Buffer.from("a=1+2&b=&c=%2B3%20*&d=(x)"),
  });
  await clinic.settle();
  await until(async () => {
    await clinic.clock.advance(250);
    return clinic.macs.length === 3;
  }, "all three");
  for (const macs of clinic.macs) assert.ok(macs <= MACS_MAX && macs > MACS_MAX / 2, clinic.macs.join(" "));
});

test("bodies that wait are bounded together, and a stranger's is let go of before", async () => {
  const names = Array.from({ length: 40 }, (_, at) => `github-${String.fromCharCode(97 + (at % 26))}${at}`);
  const clinic = openClinic({
    secrets: Object.fromEntries(names.map((name) => [name, `secret of ${name}`])),
    schemes: Object.fromEntries(names.map((name) => [name, "github"])),
  });
  const large = new Uint8Array(HELD_BODY_BYTES_MAX);
  for (const name of names) clinic.arrive(garbage(large, name));
  assert.is(clinic.doctor.heldBytes, 0);
  for (let round = 0; round < 3; round++) {
    for (const name of names) clinic.arrive(delivery("wrong", large, name));
  }
  assert.is(clinic.doctor.heldBytes, HELD_BYTES_MAX);
  await until(async () => {
    await clinic.clock.advance(250);
    return clinic.macs.length === names.length;
  }, "all of them");
  assert.is(clinic.doctor.heldBytes, 0);
});

test("a body larger than what is held is still told of by its form, with its length and no hash", async () => {
  const clinic = openClinic({ secrets: { github: SECRET, stripe: "whsec_of-stripe" } });
  const large = new Uint8Array(HELD_BODY_BYTES_MAX + 1).fill(32);
  const found = await clinic.see(delivery("wrong", large));
  assert.equal([found.reason, found.details.body_bytes], ["unexplained", HELD_BODY_BYTES_MAX + 1]);
  assert.not.ok("body_sha256" in found.details);
  assert.is(clinic.macs[0], 0);
  const at = Math.floor(clinic.clock.now() / 1_000) - 5_000;
  const mac = createHmac("sha256", "whsec_of-stripe").update(`${at}.`).update(large).digest("hex");
  const late = await clinic.see({
    provider: "stripe",
    url: null,
    headers: { "content-type": "application/json", "stripe-signature": `t=${at},v1=${mac}` },
    body: large,
  });
  assert.equal([late.reason, late.isProven], ["stale", true]);
});

test("a secret and a verify token that were taken for each other are told by their settings", async () => {
  const clinic = openClinic({
    secrets: { meta: ["the token of the page", "an old one"] },
    verifyTokens: { meta: ["another token", SECRET] },
  });
  const found = await clinic.see(delivery(SECRET, "{}", "meta"));
  assert.is(found.reason, "other_secret");
  assert.match(
    found.advice,
    /with verifyTokens\.meta\[1\] \(WEBHOOK_VERIFY_TOKEN_META_PREVIOUS\).*secrets\.meta \(WEBHOOK_SECRET_META\)/,
  );
});

test("a stop lets go of what waits, and of what is being looked at nothing is told any more", async () => {
  const clinic = openClinic({ secrets: { github: SECRET, shopify: "another" } });
  clinic.arrive(delivery("wrong"));
  await clinic.clock.advance(0);
  clinic.doctor.stop();
  assert.is(clinic.clock.pending, 0);
  assert.is(clinic.doctor.heldBytes, 0);
  clinic.arrive(delivery("wrong"));
  await clinic.clock.advance(5_000);
  assert.equal([clinic.macs, clinic.lines, clinic.doctor.rejections()], [[], [], []]);

  const second = openClinic({ secrets: { github: SECRET } });
  second.arrive(delivery("wrong"));
  second.clock.setTimer(() => second.doctor.stop(), 51); // the look has begun
  await second.clock.advance(5_000);
  await until(() => second.macs.length === 1, "the look to end");
  assert.equal([second.lines, second.doctor.rejections()], [[], []]);
  assert.is(second.clock.pending, 0);
});

test("the same cause is one entry with its first and last time, and one log line a minute", async () => {
  const clinic = openClinic({ secrets: { github: `${SECRET}\n` } });
  const began = clinic.clock.now();
  for (let count = 0; count < 100; count++) {
    await clinic.clock.advance(1_000);
    clinic.arrive(delivery(SECRET, `{"id":${count}}`));
    await clinic.settle();
  }
  const [only, ...others] = clinic.doctor.rejections();
  assert.equal(others, []);
  assert.equal([only?.reason, only?.count, only?.firstAt], ["secret_has_whitespace", 100, began + 1_000]);
  assert.ok((only?.lastAt ?? 0) > began + 190_000);
  assert.ok(clinic.lines.length >= 3 && clinic.lines.length <= 6, String(clinic.lines.length));
});

for (const [what, size] of [
  ["the largest body that is written anew", 131_072],
  ["the largest body that is held", HELD_BODY_BYTES_MAX],
] as const) {
  test(`the event loop is not held up by ${what}`, async () => {
    const macs: number[] = [];
    const provider = {
      name: "github",
      scheme: github,
      secrets: [SECRET],
      verifier: new Verifier(github, [SECRET]),
      verifyTokens: [],
      isUnsignedAllowed: false,
      acceptedContentTypes: ["application/json"] as const,
      rate: null,
    };
    const doctor = new Doctor({
      clock: systemClock,
      log: silentLog,
      random: Math.random,
      known: {
        providers: new Map([["github", provider]]),
        secrets: knownSecrets({ secrets: { github: SECRET }, verifyTokens: {} }),
      },
      onDiagnosed: (count) => void macs.push(count),
    });
    const entry = '{"name":"Grüße / <b>","list":[1,2,{"a":null}]},';
    const body = Buffer.from(`[${entry.repeat(Math.floor((size - 8) / Buffer.byteLength(entry)))}1]`);
    const { headers, ...rest } = delivery("wrong", body);
    const given = { ...rest, method: "POST", target: "/", headers: new Headers(headers), provider };
    doctor.refused({ ...given, verdict: "mismatch", requestId: "req_1" });
    // Of the processor, because others may have it for a while.
    let longest = 0;
    for (let before = process.cpuUsage(); macs.length === 0; before = process.cpuUsage()) {
      await new Promise((resolve) => setImmediate(resolve));
      const { user, system } = process.cpuUsage(before);
      longest = Math.max(longest, (user + system) / 1_000);
    }
    doctor.stop();
    assert.ok((macs[0] ?? 0) > 5, String(macs));
    assert.ok(longest < 100, `${longest} ms in one turn`);
  });
}

test.run();
