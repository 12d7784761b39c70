import { suite } from "uvu";
import * as assert from "uvu/assert";
import { signature } from "../../support/sign.ts";
import { flood } from "./flood.ts";
import { problemIn, SECRET, Target, TOKEN } from "./target.ts";
import { type Reply, talk } from "./wire.ts";

const MIB = 1_048_576;
const SERVER = new URL("server.ts", import.meta.url);
const HUB_SECRET = "s3cret-of-the-hub-provider";
const ACME_SECRET = "s3cret-of-the-acme-provider";
const ENV = {
  WEBHOOK_SCHEME_ACME: "generic",
  WEBHOOK_SECRET_ACME: ACME_SECRET,
  TEST_HUB_SECRET: HUB_SECRET,
  LOG_LEVEL: "debug",
};
const close = "Connection: close";
/** Answers differ in their ids and the time alone. */
const LINES_PER_SECOND = 100;

const test = suite<{ open: typeof Target.open }>("hostile/forged");
const opened: Target[] = [];
test.before.each((context) => {
  context.open = async (options = { env: ENV }) => {
    const target = await Target.open(options);
    opened.push(target);
    return target;
  };
});
test.after.each(async () => {
  for (const target of opened.splice(0)) await target.close();
});

test("a flood of wrong signatures is answered 401 each, in few log lines, and good deliveries go on", async ({
  open,
}) => {
  const target = await open();
  const text = target.request(
    "POST /webhooks/generic HTTP/1.1",
    ["Content-Type: application/json", "Content-Length: 2", "X-Signature: sha256={hex}"],
    "{}",
  );
  const { result, good, cost, log } = await target.under(() =>
    flood({ port: target.port, connections: 8, seconds: 5, text }),
  );
  const { answers, broken, seconds } = result;
  assert.equal([Object.keys(answers), broken], [["401"], 0]);
  assert.ok((answers[401] ?? 0) > 5_000, `${answers[401]} in ${seconds} s`);
  const lines = log.split("\n").filter((line) => line.includes("signature_invalid"));
  const seen = lines.length + sumOf(lines, /"left_out":(\d+)/);
  assert.ok(lines.length <= LINES_PER_SECOND * (seconds + 2), `${lines.length} lines in ${seconds} s`);
  // What the last second left out is told by the next line, which has not come yet.
  assert.ok(seen <= (answers[401] ?? 0) && seen > 0, `${seen} of ${answers[401]} are told of`);
  assert.equal(await target.strangeEvents(), []);
  good.assertServed();
  assert.ok(cost.bytesGrown < 200 * MIB, `${cost.bytesGrown} bytes`);
});

test("a signature holds for its own bytes and its own route alone", async ({ open }) => {
  const target = await open();
  const body = JSON.stringify({ workflow_name: "quick", inputs: { n: 1 }, webhook_id: "captured" });
  const mac = signature(body, SECRET);
  const forgeries: readonly [what: string, path: string, body: string, mac: string | null][] = [
    ["a changed byte", "generic", body.replace(":1", ":2"), mac],
    ["a space more", "generic", `${body} `, mac],
    ["a line end more", "generic", `${body}\n`, mac],
    ["a byte less", "generic", body.slice(0, -1), mac],
    ["no bytes", "generic", "", mac],
    ["a second body behind it", "generic", body + body, mac],
    [
      "its members in another order",
      "generic",
      JSON.stringify({ webhook_id: "captured", inputs: { n: 1 }, workflow_name: "quick" }),
      mac,
    ],
    ["the bytes of another encoding", "generic", Buffer.from(body, "utf16le").toString("latin1"), mac],
    ["no signature", "generic", body, null],
    ["an empty one", "generic", body, ""],
    ["the prefix alone", "generic", body, "sha256="],
    ["half of it", "generic", body, mac.slice(0, 32)],
    ["it twice", "generic", body, mac + mac],
    ["it twice in a list", "generic", body, `${mac}, ${mac}`],
    ["a wrong one and it", "generic", body, `${"0".repeat(64)},${mac}`],
    ["the name of another algorithm", "generic", body, `sha512=${mac}`],
    ["it in base64", "generic", body, Buffer.from(mac, "hex").toString("base64")],
    ["a shorter algorithm's", "generic", body, signature(body, SECRET, "sha1")],
    ["a longer algorithm's", "generic", body, signature(body, SECRET, "sha512")],
    ["zeros", "generic", body, "0".repeat(64)],
    ["the HMAC under no key", "generic", body, signature(body, "")],
    ["the secret itself", "generic", body, SECRET],
    ["another provider's route", "acme", body, mac],
    ["another provider's secret", "generic", body, signature(body, ACME_SECRET)],
    ["the operator's token as secret", "generic", body, signature(body, TOKEN)],
  ];
  const { result, good, log } = await target.under(async () => {
    const found: Record<string, string> = {};
    for (const [what, path, sent, given] of forgeries) {
      const headers = ["Content-Type: application/json", `Content-Length: ${sent.length}`, close];
      const signed = given === null ? headers : [...headers, `X-Signature: ${given}`];
      const [reply] = await talk(
        target.port,
        target.request(`POST /webhooks/${path} HTTP/1.1`, signed, sent),
      );
      found[what] = `${reply?.status} ${problemIn(reply)}`;
    }
    return found;
  });
  assert.equal(result, Object.fromEntries(forgeries.map(([what]) => [what, "401 signature_invalid"])));
  assert.equal(await target.strangeEvents(), []);
  // The sender learns nothing of why; the operator does.
  for (const reason of ["missing", "malformed", "mismatch"]) assert.match(log, `"reason":"${reason}"`);
  good.assertServed();
});

test("a captured delivery that is sent a thousand times more starts nothing", async ({ open }) => {
  const target = await open();
  const body = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "captured" });
  const { result, good } = await target.under(async () => {
    const first = await talk(target.port, target.delivery(body, { headers: [close] }));
    const copies = await flood({
      port: target.port,
      connections: 8,
      seconds: 3,
      text: target.delivery(body),
    });
    return { first: first[0]?.status, copies };
  });
  assert.is(result.first, 202);
  assert.equal(Object.keys(result.copies.answers), ["200"]);
  assert.ok((result.copies.answers[200] ?? 0) > 1_000, `${result.copies.answers[200]}`);
  const [event, ...more] = await target.strangeEvents();
  assert.is(more.length, 0);
  const { json } = await target.admin(`/runs?event_id=${event?.event_id}`);
  assert.is((json.items as unknown[]).length, 1);
  good.assertServed();
});

test("who cannot sign takes no id from who can", async ({ open }) => {
  const target = await open();
  const body = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "order-1" });
  const bare = JSON.stringify({ workflow_name: "quick", inputs: { note: "has no id" } });
  const { result, good } = await target.under(async () => {
    // By body and by header, on the right route and others, before the honest delivery comes.
    const squats = [
      target.delivery(body, { secret: "wrong", headers: [close] }),
      target.delivery(body, { secret: ACME_SECRET, headers: [close] }),
      target.delivery(bare, { secret: "wrong", headers: ["Idempotency-Key: order-1", close] }),
      target.delivery(body, { secret: "wrong", path: "/webhooks/acme", headers: [close] }),
    ];
    const refused: (number | undefined)[] = [];
    for (let at = 0; at < 50; at++) {
      for (const squat of squats) refused.push((await talk(target.port, squat))[0]?.status);
    }
    // A captured one without an id of its own may be sent again under a header's; that takes the header's name only.
    const captured = await talk(
      target.port,
      target.delivery(bare, { headers: ["Idempotency-Key: order-1", close] }),
    );
    const honest = await talk(target.port, target.delivery(body, { headers: [close] }));
    const acme = target.delivery(body, { secret: ACME_SECRET, path: "/webhooks/acme", headers: [close] });
    const other = await talk(target.port, acme);
    return { refused, kinds: [captured, honest, other].map(([reply]) => kindOf(reply)) };
  });
  assert.equal([...new Set(result.refused)], [401]);
  assert.equal(result.kinds, ["202 accepted", "202 accepted", "202 accepted"]);
  assert.is((await target.strangeEvents()).length, 3);
  good.assertServed();
});

test("a captured delivery under the next one's unsigned id takes nobody's place", async ({ open }) => {
  const target = await open({ file: SERVER, env: ENV });
  const send = async (body: string, id: string): Promise<string> => {
    const headers = [
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      `X-Hub-Delivery: ${id}`,
      close,
    ];
    const mac = `X-Hub-Signature-256: sha256=${signature(body, HUB_SECRET)}`;
    const [reply] = await talk(
      target.port,
      target.request("POST /webhooks/hub HTTP/1.1", [...headers, mac], body),
    );
    return kindOf(reply);
  };
  const { result, good } = await target.under(async () => [
    await send('{"n":1}', "id-1"),
    await send('{"n":1}', "id-2"), // the attacker knows the next id, and has the first one's bytes and signature
    await send('{"n":2}', "id-2"),
    await send('{"n":2}', "id-2"),
    await send('{"n":1}', "id-1"),
  ]);
  assert.equal(result, ["202 accepted", "202 accepted", "202 accepted", "202 duplicate", "202 duplicate"]);
  assert.is((await target.strangeEvents()).length, 3);
  good.assertServed();
});

test("with one secret for two providers a signature holds for both, each with ids of its own, and the start warns", async ({
  open,
}) => {
  const env = { WEBHOOK_SECRET_DEFAULT: SECRET, WEBHOOK_SCHEME_ACME: "generic", WEBHOOK_PROVIDERS: "acme" };
  const target = await open({ env });
  assert.match(target.server.said.stderr, /"level":"warn".*generic.*acme/);
  assert.not.match(target.server.said.stderr, SECRET);
  const body = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "order-1" });
  const { result, good } = await target.under(async () => {
    const kinds: string[] = [];
    for (const path of ["/webhooks/acme", "/webhooks/generic", "/webhooks/acme", "/webhooks/generic"]) {
      kinds.push(kindOf((await talk(target.port, target.delivery(body, { path, headers: [close] })))[0]));
    }
    return kinds;
  });
  assert.equal(result, ["202 accepted", "202 accepted", "202 duplicate", "200 duplicate"]);
  good.assertServed();
});

test("who cannot sign learns nothing of what is stored: known and unknown ids get the same bytes", async ({
  open,
}) => {
  const target = await open();
  const known = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "order-1" });
  const [accepted] = await talk(target.port, target.delivery(known, { headers: [close] }));
  const { run_id: runId, event_id: eventId } = JSON.parse(accepted?.body ?? "{}");
  const unknown = known.replace("order-1", "order-2");
  const pairs: readonly [known: string, unknown: string][] = [
    [target.delivery(known, { secret: "wrong" }), target.delivery(unknown, { secret: "wrong" })],
    ...["", "/retry", "/cancel"].map((action): [string, string] => {
      const ask = (id: string) =>
        target.request(`${action === "" ? "GET" : "POST"} /runs/${id}${action} HTTP/1.1`);
      return [ask(runId), ask(`run_${"A".repeat(24)}`)];
    }),
    ...["GET", "DELETE"].map((method): [string, string] => {
      const ask = (id: string) => target.request(`${method} /events/${id} HTTP/1.1`);
      return [ask(eventId), ask(`evt_${"A".repeat(24)}`)];
    }),
  ];
  for (const [first, second] of pairs) {
    const [a, b] = await Promise.all([first, second].map((text) => rawAnswer(target, text)));
    assert.match(a ?? "", /^HTTP\/1\.1 401 /);
    assert.is(a, b);
  }
});

test("no secret, token, guess or signature is in the log, whatever was sent where", async ({ open }) => {
  const target = await open();
  const body = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "seen-in-the-log" });
  const mac = signature(body, SECRET);
  const guess = "t0ken-that-somebody-guessed-Q7f";
  const length = `Content-Length: ${body.length}`;
  const json = "Content-Type: application/json";
  const { good } = await target.under(async () => {
    const asked = [
      target.delivery(body, { headers: [close] }),
      target.delivery(body, { headers: [`Authorization: Bearer ${TOKEN}`, `X-Api-Key: ${guess}`, close] }),
      target.delivery(`${body} `, { secret: guess, headers: [close] }),
      target.request(
        "POST /webhooks/generic HTTP/1.1",
        [json, length, `X-Signature: ${SECRET}`, close],
        body,
      ),
      target.request(
        "POST /webhooks/generic HTTP/1.1",
        [json, length, `X-Signature: ${mac}, ${mac}`, close],
        body,
      ),
      target.request(`POST /webhooks/generic?signature=${mac} HTTP/1.1`, [json, length, close], body),
      target.request(`GET /runs?token=${TOKEN} HTTP/1.1`, [close]),
      target.request("GET /runs HTTP/1.1", [`Authorization: Bearer ${guess}`, close]),
      target.request("GET /runs HTTP/1.1", [
        `Authorization: Basic ${Buffer.from(`a:${TOKEN}`).toString("base64")}`,
        close,
      ]),
      target.request("GET /runs HTTP/1.1", [`Cookie: token=${TOKEN}`, `X-Token: ${TOKEN}`, close]),
      target.request("GET /runs HTTP/1.1", [
        `Authorization: Bearer ${TOKEN}`,
        `Authorization: Bearer ${guess}`,
        close,
      ]),
      target.request("GET /runs HTTP/9.9", [`Authorization: Bearer ${TOKEN}`]),
      target.request("GET /runs HTTP/1.1", [`Authorization : Bearer ${TOKEN}`]),
    ];
    for (const text of asked) await talk(target.port, text);
  });
  const { stdout, stderr } = target.server.said;
  const said = (stdout + stderr).toLowerCase();
  assert.match(said, "seen-in-the-log");
  for (const secret of [
    SECRET,
    ACME_SECRET,
    TOKEN,
    guess,
    mac,
    Buffer.from(mac, "hex").toString("base64"),
    Buffer.from(`a:${TOKEN}`).toString("base64"),
  ]) {
    assert.not.ok(said.includes(secret.toLowerCase()), `${secret} is in the log`);
  }
  good.assertServed();
});

test.run();

function kindOf(reply: Reply | undefined): string {
  return `${reply?.status} ${JSON.parse(reply?.body || "{}").status}`;
}

function sumOf(lines: readonly string[], number: RegExp): number {
  return lines.reduce((sum, line) => sum + Number(number.exec(line)?.[1] ?? 0), 0);
}

/** All that comes over the wire, but for the ids of requests and the time. */
async function rawAnswer(target: Target, text: string): Promise<string> {
  const line = target.dial();
  line.write(text.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  while (!line.isOver) await new Promise((resolve) => setTimeout(resolve, 5));
  return line.received.replace(/req_[\w-]{24}/, "req").replace(/^Date: .*$/im, "Date");
}
