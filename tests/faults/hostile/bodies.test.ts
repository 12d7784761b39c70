import { fileURLToPath } from "node:url";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { problemIn, Target } from "./target.ts";
import { type Reply, talk } from "./wire.ts";

const MIB = 1_048_576;
const WORKFLOWS_DIR = fileURLToPath(new URL("workflows", import.meta.url));
const close = "Connection: close";
const NOT_JSON = "400 json_invalid";
const TOO_DEEP = "400 json_too_deep";
const WRONG = "422 fields_invalid";

const test = suite<{ target: Target }>("hostile/bodies");
test.before(async (context) => {
  context.target = await Target.open({ env: { WORKFLOWS_DIR } });
});
test.after(({ target }) => target.close());

/** All of them signed: whoever has the secret may be broken into, or wrong. A character a byte. */
const bodies: readonly [what: string, body: string, answer: string][] = [
  ["bytes that are no UTF-8", seen('{"s":"\xff"}'), NOT_JSON],
  ["a slash in two bytes", seen('{"s":"\xc0\xaf"}'), NOT_JSON],
  ["half a surrogate in bytes", seen('{"s":"\xed\xa0\x80"}'), NOT_JSON],
  ["a character cut in two", seen('{"s":"\xe2\x82"}'), NOT_JSON],
  ["a byte order mark", `\xef\xbb\xbf${seen("{}")}`, NOT_JSON],
  ["UTF-16", Buffer.from(`\ufeff${seen("{}")}`, "utf16le").toString("latin1"), NOT_JSON],
  ["a NUL", seen('{"s":"\0"}'), NOT_JSON],
  ["a NUL behind it", `${seen("{}")}\0`, NOT_JSON],
  ["a control character", seen('{"s":"\x01"}'), NOT_JSON],
  ["two values", seen("{}") + seen("{}"), NOT_JSON],
  ["a comment", `${seen("{}")}//`, NOT_JSON],
  ["single quotes", "{'workflow_name':'seen','inputs':{}}", NOT_JSON],
  ["NaN", seen('{"n":NaN}'), NOT_JSON],
  ["a comma too many", seen('{"n":1,}'), NOT_JSON],
  ["nothing", "", NOT_JSON],
  ["a list", "[]", WRONG],
  ["null", "null", WRONG],
  ["a million lists", "[".repeat(MIB), TOO_DEEP],
  ["200,000 objects", '{"a":'.repeat(200_000), TOO_DEEP],
  ["201 levels", seen(`{"a":${"[".repeat(199)}${"]".repeat(199)}}`), TOO_DEEP],
  ["200 levels", seen(`{"a":${"[".repeat(198)}${"]".repeat(198)}}`), "200 succeeded"],
  ["a number beyond every number", seen('{"n":1e400,"m":-1e400}'), "200 succeeded"],
  ["a number of 100,000 digits", seen(`{"n":${"9".repeat(100_000)}}`), "200 succeeded"],
  ["half a surrogate, escaped", seen('{"s":"\\ud800"}'), "200 succeeded"],
  ["a NUL, escaped", seen('{"s":"\\u0000"}'), "200 succeeded"],
  ["500,000 escaped quotes", seen(`{"s":"${'\\"'.repeat(500_000)}"}`), "200 succeeded"],
  ["an id with half a surrogate", seen("{}", "seen", ',"webhook_id":"\\ud800"'), WRONG],
  ["an id with a NUL", seen("{}", "seen", ',"webhook_id":"a\\u0000"'), WRONG],
  ["an id beyond every number", seen("{}", "seen", ',"webhook_id":1e400'), WRONG],
  ["an id that is an object", seen("{}", "seen", ',"webhook_id":{"toString":1}'), WRONG],
  ["an id of a million characters", seen("{}", "seen", `,"webhook_id":"${"a".repeat(1_000_000)}"`), WRONG],
  ["members of a prototype", '{"__proto__":{"workflow_name":"seen","inputs":{}}}', WRONG],
  ["a workflow named __proto__", seen("{}", "__proto__"), "404 workflow_unknown"],
  ["a workflow named constructor", seen("{}", "constructor"), "404 workflow_unknown"],
  ["a workflow named as a path", seen("{}", "../workflows/seen"), "404 workflow_unknown"],
  ["a prototype for a flow", seen('{"__proto__":{"name":"x"}}', "fields"), "422 input_invalid"],
  ["a constructor for a flow", seen('{"name":"x","constructor":{}}', "fields"), "422 input_invalid"],
  ["a template for a flow", seen('{"name":"{state.greeting}"}', "fields"), "200 succeeded"],
];

test("each strange body gets the answer that is stated for it, beside good deliveries", async ({
  target,
}) => {
  const { result, good, cost } = await target.under(async () => {
    const found: Record<string, string> = {};
    for (const [what, body] of bodies) {
      const [reply] = await talk(target.port, target.delivery(body, { headers: [close, "Prefer: wait=30"] }));
      found[what] = answerOf(reply);
    }
    return found;
  });
  assert.equal(result, Object.fromEntries(bodies.map(([what, , answer]) => [what, answer])));
  good.assertServed();
  assert.ok(cost.bytesGrown < 250 * MIB, `${cost.bytesGrown} bytes`);
});

test("a prototype in a body is a member like any other, for the workflow and for the server", async ({
  target,
}) => {
  const inputs = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"a":1}';
  const result = await resultOf(target, seen(inputs));
  assert.equal(
    [result.inherited, result.keys, result.isPlain, result.isAdmin],
    [[], ["__proto__", "a", "constructor"], true, null],
  );
  // The next one's objects are clean.
  const { inherited, isAdmin } = await resultOf(target, seen("{}"));
  assert.equal([inherited, isAdmin], [[], null]);
  const { status } = await target.admin("/isAdmin");
  assert.is(status, 404);
});

test("of a member that comes twice the last counts, for the id, the workflow and the inputs alike", async ({
  target,
}) => {
  const body =
    '{"workflow_name":"none","webhook_id":"first","inputs":{"a":1},' +
    '"workflow\\u005fname":"seen","webhook_id":"last","inputs":{"b":2}}';
  assert.equal((await resultOf(target, body)).keys, ["b"]);
  const ids = (await target.strangeEvents()).map(({ webhook_id: id }) => id);
  assert.ok(ids.includes("last") && !ids.includes("first"));
});

const encodings: readonly [what: string, encoding: string, pack: (body: Buffer) => Buffer][] = [
  ["gzip", "gzip", gzipSync],
  ["x-gzip in capitals", "X-GZIP", gzipSync],
  ["deflate", "deflate", deflateSync],
  ["br", "br", brotliCompressSync],
  ["zstd", "zstd", (body) => body],
  ["gzip twice", "gzip, gzip", (body) => gzipSync(gzipSync(body))],
  ["identity and gzip", "identity, gzip", gzipSync],
  ["nothing that has a name", "", (body) => body],
];

test("a compressed body is 415 before a byte of it is unpacked, signed or not", async ({ target }) => {
  const bomb = Buffer.from(seen(`{"s":"${"0".repeat(64 * MIB)}"}`));
  const { result, good, cost } = await target.under(async () => {
    const found: Record<string, string> = {};
    for (const [what, encoding, pack] of encodings) {
      const packed = pack(bomb).subarray(0, 900_000).toString("latin1");
      const headers = [`Content-Encoding: ${encoding}`, close];
      const [reply] = await talk(target.port, target.delivery(packed, { headers }));
      found[what] = answerOf(reply);
    }
    return found;
  });
  assert.equal(result, Object.fromEntries(encodings.map(([what]) => [what, "415 content_encoding"])));
  good.assertServed();
  assert.ok(cost.bytesGrown < 100 * MIB, `${cost.bytesGrown} bytes`);
  assert.ok(cost.cpuMs < 5_000, `${cost.cpuMs} ms of processor time`);
});

/** All as long as a body may be. What costs a parser, a hash table or a check more than plain text would. */
const heavy: readonly [what: string, unit: (at: number) => string, answer: string][] = [
  ["one long text", () => "aaaaaaaaaaaa", "202 accepted"],
  ["many keys", (at) => `":1,"k${at}`, "202 accepted"],
  ["keys that are numbers far apart", (at) => `":1,"${at * 65_536}`, "202 accepted"],
  ["one key again and again", () => '":1,"a', "202 accepted"],
  ["lists side by side", () => '":[[]],"a', "202 accepted"],
  ["escapes", () => "\\u0041", "202 accepted"],
  ["numbers with long fractions", (at) => `":0.${"1".repeat(300)},"k${at}`, "202 accepted"],
  ["brackets in a text", () => "[{[{[{", "202 accepted"],
];

test("twenty bodies of a mebibyte of each kind cost the processor little", async ({ target }) => {
  const bounds: Record<string, number> = {};
  for (const [what, unit, answer] of heavy) {
    const parts: string[] = [];
    for (let length = 0, at = 0; length < MIB - 400; at++)
      length += parts[parts.push(unit(at)) - 1]?.length ?? 0;
    const body = seen(`{"${parts.join("")}":1}`);
    const text = target.delivery(body, { headers: [close] });
    const { result, good, cost } = await target.under(async () => {
      const replies: string[] = [];
      for (let at = 0; at < 20; at++) replies.push(answerOf((await talk(target.port, text))[0]));
      return replies;
    });
    assert.equal([...new Set(result)], [answer], what);
    good.assertServed();
    bounds[what] = cost.cpuMs;
  }
  // 20 ms each with the workflow's own run, which parses it once more; a machine that is busy counts some more.
  const worst = Math.max(...Object.values(bounds));
  assert.ok(worst < 8_000, JSON.stringify(bounds));
});

test.run();

/** A generic body whose inputs are written as they stand. */
function seen(inputs: string, workflow = "seen", more = ""): string {
  return `{"workflow_name":"${workflow}","inputs":${inputs}${more}}`;
}

function answerOf(reply: Reply | undefined): string {
  const isProblem = reply?.headers.get("content-type") === "application/problem+json";
  return `${reply?.status} ${isProblem ? problemIn(reply) : JSON.parse(reply?.body || "{}").status}`;
}

/** What workflow `seen` has seen of the delivery. */
async function resultOf(target: Target, body: string): Promise<Record<string, unknown>> {
  const [reply] = await talk(target.port, target.delivery(body, { headers: [close, "Prefer: wait=30"] }));
  return JSON.parse(reply?.body || "{}").result as Record<string, unknown>;
}
