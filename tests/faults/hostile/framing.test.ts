import { suite } from "uvu";
import * as assert from "uvu/assert";
import { signature } from "../../support/sign.ts";
import { problemIn, SECRET, Target } from "./target.ts";
import { type Reply, talk } from "./wire.ts";

const MIB = 1_048_576;
const CARRIER = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "carrier" });
const SIGNED: readonly string[] = [
  "Content-Type: application/json",
  `X-Signature: ${signature(CARRIER, SECRET)}`,
];
const LENGTH = CARRIER.length;
const HEX = LENGTH.toString(16);
const CHUNKED = `${HEX}\r\n${CARRIER}\r\n0\r\n\r\n`;
const REFUSED = "400 request_malformed";

const test = suite<{ target: Target }>("hostile/framing");
test.before(async (context) => {
  context.target = await Target.open();
});
test.after(({ target }) => target.close());

/** A signed delivery in doubt, with headers that say how its body ends; another signed one stands behind it. */
const doubts: readonly [what: string, headers: readonly string[], body: string][] = [
  ["a length, then chunks", [`Content-Length: ${LENGTH}`, "Transfer-Encoding: chunked"], CHUNKED],
  ["chunks, then a length", ["Transfer-Encoding: chunked", "Content-Length: 4"], CHUNKED],
  ["chunks and a length of nothing", ["Transfer-Encoding: chunked", "Content-Length: 0"], CHUNKED],
  ["chunked, identity", ["Transfer-Encoding: chunked, identity"], CHUNKED],
  ["identity, chunked", ["Transfer-Encoding: identity, chunked"], CHUNKED],
  ["gzip, chunked", ["Transfer-Encoding: gzip, chunked"], CHUNKED],
  ["chunked, chunked", ["Transfer-Encoding: chunked, chunked"], CHUNKED],
  ["identity alone", ["Transfer-Encoding: identity"], CHUNKED],
  ["a coding that only looks like it", ["Transfer-Encoding: xchunked"], CHUNKED],
  ["a coding in quotes", ['Transfer-Encoding: "chunked"'], CHUNKED],
  ["chunked with a parameter", ["Transfer-Encoding: chunked;q=1"], CHUNKED],
  ["two codings", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], CHUNKED],
  ["two codings the other way round", ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"], CHUNKED],
  ["the same coding twice", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], CHUNKED],
  ["a space before the coding's colon", ["Transfer-Encoding : chunked"], CHUNKED],
  ["a coding on a folded line", ["Transfer-Encoding:\r\n chunked"], CHUNKED],
  ["a vertical tab before the coding", ["Transfer-Encoding: \x0bchunked"], CHUNKED],
  ["a NUL behind the coding", ["Transfer-Encoding: chunked\0"], CHUNKED],
  ["a name with a control character", ["\x0bTransfer-Encoding: chunked"], CHUNKED],
  [
    "a folded line that hides a coding",
    [`Content-Length: ${LENGTH}`, "X-A: b\r\n Transfer-Encoding: chunked"],
    CARRIER,
  ],
  [
    "a line feed that hides a coding",
    [`Content-Length: ${LENGTH}`, "X-A: b\nTransfer-Encoding: chunked"],
    CARRIER,
  ],
  [
    "a return that hides a coding",
    [`Content-Length: ${LENGTH}`, "X-A: b\rTransfer-Encoding: chunked"],
    CARRIER,
  ],
  ["two lengths", [`Content-Length: ${LENGTH}`, "Content-Length: 4"], CARRIER],
  ["the same length twice", [`Content-Length: ${LENGTH}`, `Content-Length: ${LENGTH}`], CARRIER],
  ["a list of lengths", [`Content-Length: ${LENGTH}, ${LENGTH}`], CARRIER],
  ["a length with a sign", [`Content-Length: +${LENGTH}`], CARRIER],
  ["a length below zero", ["Content-Length: -1"], CARRIER],
  ["a length in hex", [`Content-Length: 0x${HEX}`], CARRIER],
  ["a length with a space in it", [`Content-Length: ${LENGTH} 0`], CARRIER],
  ["a length beyond every integer", [`Content-Length: 1${"0".repeat(30)}`], CARRIER],
  ["a length of no digits", ["Content-Length: "], CARRIER],
  ["a space before the length's colon", [`Content-Length : ${LENGTH}`], CARRIER],
  ["a chunk size that is no number", ["Transfer-Encoding: chunked"], `ZZ\r\n${CARRIER}\r\n0\r\n\r\n`],
  ["a chunk size below zero", ["Transfer-Encoding: chunked"], `-1\r\n${CARRIER}\r\n0\r\n\r\n`],
  ["a chunk size with 0x", ["Transfer-Encoding: chunked"], `0x${HEX}\r\n${CARRIER}\r\n0\r\n\r\n`],
  [
    "a chunk size that overflows",
    ["Transfer-Encoding: chunked"],
    `1${"0".repeat(16)}${HEX}\r\n${CARRIER}\r\n0\r\n\r\n`,
  ],
  ["a chunk size with a space", ["Transfer-Encoding: chunked"], `${HEX} \r\n${CARRIER}\r\n0\r\n\r\n`],
  [
    "a chunk size that ends in a line feed",
    ["Transfer-Encoding: chunked"],
    `${HEX}\n${CARRIER}\r\n0\r\n\r\n`,
  ],
  ["a chunk that is longer than it says", ["Transfer-Encoding: chunked"], `5\r\n${CARRIER}\r\n0\r\n\r\n`],
  ["a chunk without its line end", ["Transfer-Encoding: chunked"], `${HEX}\r\n${CARRIER}0\r\n\r\n`],
  [
    "a chunk extension that ends in a line feed",
    ["Transfer-Encoding: chunked"],
    `${HEX};a\n${CARRIER}\r\n0\r\n\r\n`,
  ],
  [
    "a trailer that is a length",
    ["Transfer-Encoding: chunked"],
    `${HEX}\r\n${CARRIER}\r\n0\r\nContent-Length: 5\r\n\r\n`,
  ],
  ["a header without a name", [`Content-Length: ${LENGTH}`, ": x"], CARRIER],
  ["a name with a space", [`Content-Length: ${LENGTH}`, "X A: b"], CARRIER],
  ["a NUL in a value", [`Content-Length: ${LENGTH}`, "X-A: a\0b"], CARRIER],
];

test("a delivery whose end is in doubt is refused with the connection, and what hides behind it never runs", async ({
  target,
}) => {
  const { result, good, cost } = await target.under(() =>
    answersTo(target, doubts, ([, headers, body]) =>
      target.request("POST /webhooks/generic HTTP/1.1", [...SIGNED, ...headers], body),
    ),
  );
  assert.equal(result, Object.fromEntries(doubts.map(([what]) => [what, REFUSED])));
  assert.equal(await target.strangeEvents(), []);
  good.assertServed();
  assert.ok(cost.bytesGrown < 100 * MIB, `${cost.bytesGrown} bytes`);
});

test("line feeds alone end no line of a request", async ({ target }) => {
  const whole = target.delivery(CARRIER);
  const spellings: [string, string][] = [
    ["every line end", whole.replaceAll("\r\n", "\n")],
    ["the first", whole.replace("\r\n", "\n")],
    ["one in the middle", whole.replace("\r\nX-Signature", "\nX-Signature")],
    ["the last", whole.replace("\r\n\r\n", "\r\n\n")],
    ["both of the last", whole.replace("\r\n\r\n", "\n\n")],
    ["a return alone", whole.replace("\r\nX-Signature", "\rX-Signature")],
  ];
  const { result, good } = await target.under(() => answersTo(target, spellings, ([, text]) => text));
  assert.equal(result, Object.fromEntries(spellings.map(([what]) => [what, REFUSED])));
  assert.equal(await target.strangeEvents(), []);
  good.assertServed();
});

test("a body whose end is beyond doubt is taken, and what stands behind it is a request of its own", async ({
  target,
}) => {
  const [, , body] = doubts[0] ?? ["", [], ""];
  const certain: [string, string[], string][] = [
    ["chunks", ["Transfer-Encoding: chunked"], body],
    ["chunks in capitals", ["TRANSFER-ENCODING: CHUNKED"], body],
    ["chunks after a tab", ["Transfer-Encoding:\tchunked"], body],
    ["chunks with an extension", ["Transfer-Encoding: chunked"], body.replace("\r\n", ";a=b\r\n")],
    ["a length with zeros before it", [`Content-Length: 000${LENGTH}`], CARRIER],
  ];
  const { result, good } = await target.under(() =>
    answersTo(
      target,
      certain,
      ([, headers, sent]) => target.request("POST /webhooks/generic HTTP/1.1", [...SIGNED, ...headers], sent),
      "GET /nothing-here HTTP/1.1",
    ),
  );
  for (const [what] of certain) assert.match(result[what] ?? "", /^20[02] , 404 not_found$/, what);
  assert.is((await target.strangeEvents()).length, 1);
  good.assertServed();
});

const close = "Connection: close";
const oddities: readonly [what: string, answer: string, text: (target: Target) => string][] = [
  [
    "64 KiB in one header",
    "431 headers_too_large",
    (t) => t.request("GET /health HTTP/1.1", [`X-A: ${"a".repeat(65_536)}`]),
  ],
  [
    "ten thousand headers",
    "431 headers_too_large",
    (t) =>
      t.request(
        "GET /health HTTP/1.1",
        Array.from({ length: 10_000 }, (_, at) => `X-${at}: 1`),
      ),
  ],
  [
    "a header's name of 64 KiB",
    "431 headers_too_large",
    (t) => t.request("GET /health HTTP/1.1", [`${"a".repeat(65_536)}: a`]),
  ],
  ["a target of 64 KiB", "431 headers_too_large", (t) => t.request(`GET /${"a".repeat(65_536)} HTTP/1.1`)],
  [
    "a header line without end",
    "431 headers_too_large",
    () => `GET / HTTP/1.1\r\nX-A: ${"a".repeat(30_000)}`,
  ],
  [
    "a chunk extension of 70,000 bytes",
    REFUSED,
    (t) =>
      t.request(
        "POST /webhooks/generic HTTP/1.1",
        [...SIGNED, "Transfer-Encoding: chunked"],
        `1;${"a".repeat(70_000)}\r\n{\r\n`,
      ),
  ],
  ["the preface of HTTP/2", REFUSED, () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
  ["a hello of TLS", REFUSED, () => `\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03${"\0".repeat(500)}`],
  [
    "bytes without sense",
    REFUSED,
    () => Array.from({ length: 4_000 }, (_, at) => String.fromCharCode((at * 7_919 + 13) % 256)).join(""),
  ],
  ["a method that nobody knows", REFUSED, (t) => t.request("BREW /health HTTP/1.1")],
  ["a method in small letters", REFUSED, (t) => t.request("get /health HTTP/1.1")],
  ["HTTP/1.2", REFUSED, (t) => t.request("GET /health HTTP/1.2")],
  ["HTTP/1.0", "200 ", () => "GET /health HTTP/1.0\r\n\r\n"],
  [
    "chunks over HTTP/1.0",
    REFUSED,
    (t) => t.request("POST /webhooks/generic HTTP/1.0", [...SIGNED, "Transfer-Encoding: chunked"], CHUNKED),
  ],
  ["TRACE", "405 method_not_allowed", (t) => t.request("TRACE /webhooks/generic HTTP/1.1", [close])],
  ["CONNECT", "405 tunnel_refused", (t) => t.request("CONNECT 127.0.0.1:22 HTTP/1.1")],
  ["PUT", "405 method_not_allowed", (t) => t.request("PUT /webhooks/generic HTTP/1.1", [close])],
  ["OPTIONS for all", "404 not_found", (t) => t.request("OPTIONS * HTTP/1.1", [close])],
  [
    "a wish for a web socket",
    "200 ",
    (t) =>
      t.request("GET /health HTTP/1.1", [
        "Upgrade: websocket",
        "Connection: Upgrade, close",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: a",
      ]),
  ],
  [
    "a wish for HTTP/2",
    "200 ",
    (t) =>
      t.request("GET /health HTTP/1.1", [
        "Upgrade: h2c",
        "Connection: Upgrade, HTTP2-Settings, close",
        "HTTP2-Settings: AAMAAABk",
      ]),
  ],
  [
    "an expectation that nobody knows",
    "401 signature_invalid",
    (t) => t.delivery("{}", { secret: "wrong", headers: ["Expect: a-miracle", close] }),
  ],
  [
    "two Hosts",
    "400 header_repeated",
    (t) => t.request("GET /health HTTP/1.1", ["Host: evil.example", close]),
  ],
  ["no Host", "400 target_invalid", () => `GET /health HTTP/1.1\r\n${close}\r\n\r\n`],
  [
    "another host's target",
    "404 not_found",
    (t) => t.request("GET http://evil.example/health HTTP/1.1", [close]),
  ],
  [
    "a target with a password",
    "404 not_found",
    (t) => t.request(`GET http://a:b@127.0.0.1:${t.port}/health HTTP/1.1`, [close]),
  ],
  ["its own target", "200 ", (t) => t.request(`GET http://127.0.0.1:${t.port}/health HTTP/1.1`, [close])],
  ["/%2e%2e/runs", "404 not_found", (t) => t.request("GET /%2e%2e/runs HTTP/1.1", [close])],
  ["/runs%2f", "404 not_found", (t) => t.request("GET /runs%2f HTTP/1.1", [close])],
  ["//runs", "404 not_found", (t) => t.request("GET //runs HTTP/1.1", [close])],
  ["/webhooks/../runs", "404 not_found", (t) => t.request("GET /webhooks/../runs HTTP/1.1", [close])],
  ["/./health", "404 not_found", (t) => t.request("GET /./health HTTP/1.1", [close])],
  ["\\health", REFUSED, (t) => t.request("GET \\health HTTP/1.1", [close])],
  ["/health\\", "404 not_found", (t) => t.request("GET /health\\ HTTP/1.1", [close])],
  ["/HEALTH", "404 not_found", (t) => t.request("GET /HEALTH HTTP/1.1", [close])],
  ["/health;a", "404 not_found", (t) => t.request("GET /health;a HTTP/1.1", [close])],
  ["/health/", "404 not_found", (t) => t.request("GET /health/ HTTP/1.1", [close])],
  ["/runs#a", "404 not_found", (t) => t.request("GET /runs#a HTTP/1.1", [close])],
  [
    "a query of 7,000 parameters",
    "200 ",
    (t) => t.request(`GET /health?${"a&".repeat(7_000)} HTTP/1.1`, [close]),
  ],
];

test("what is no request, or a strange one, gets the answer that is stated for it", async ({ target }) => {
  const before = await target.strangeEvents();
  const { result, good, cost } = await target.under(() =>
    answersTo(target, oddities, ([, , text]) => text(target), null),
  );
  assert.equal(result, Object.fromEntries(oddities.map(([what, answer]) => [what, answer])));
  assert.equal(await target.strangeEvents(), before);
  good.assertServed();
  assert.ok(cost.bytesGrown < 100 * MIB, `${cost.bytesGrown} bytes`);
});

test("a thousand connections of garbage cost next to nothing", async ({ target }) => {
  const garbage = oddities.filter(([, answer]) => answer === REFUSED || answer.startsWith("431"));
  const { result, good, cost } = await target.under(async () => {
    const counts: Record<number, number> = {};
    for (let at = 0; at < 1_000; at += 50) {
      const some = Array.from({ length: 50 }, (_, index) => garbage[(at + index) % garbage.length]);
      const replies = await Promise.all(some.map((one) => talk(target.port, one?.[2](target) ?? "")));
      for (const { status } of replies.flat()) counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  });
  assert.is((result[400] ?? 0) + (result[431] ?? 0), 1_000);
  good.assertServed();
  assert.ok(cost.bytesGrown < 150 * MIB, `${cost.bytesGrown} bytes`);
  assert.ok(cost.cpuMs < 10_000, `${cost.cpuMs} ms of processor time`);
});

test.run();

/**
 * Each on a connection of its own, all at once.
 *
 * @param behind the first line of a request that stands behind each; a signed delivery where it is left out
 * @returns by name, what was answered
 */
async function answersTo<Case extends readonly [string, ...unknown[]]>(
  target: Target,
  cases: readonly Case[],
  text: (one: Case) => string,
  behind?: string | null,
): Promise<Record<string, string>> {
  const smuggled = target.delivery(
    JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "smuggled" }),
    { headers: [close] },
  );
  const second = behind === undefined ? smuggled : behind === null ? "" : target.request(behind, [close]);
  const answers = await Promise.all(
    cases.map(async (one): Promise<[string, string]> => {
      const replies = await talk(target.port, Buffer.from(text(one) + second, "latin1"));
      return [one[0], replies.map(answerOf).join(", ")];
    }),
  );
  return Object.fromEntries(answers);
}

function answerOf(reply: Reply): string {
  const isProblem = reply.headers.get("content-type") === "application/problem+json";
  return `${reply.status} ${isProblem ? problemIn(reply) : ""}`;
}
