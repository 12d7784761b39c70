import { suite } from "uvu";
import * as assert from "uvu/assert";
import { problemIn, Target, TOKEN } from "./target.ts";
import { talk } from "./wire.ts";

const MIB = 1_048_576;
/** Beside the other headers it fits the 16 KiB that are read of a request. */
const LONG = 15_000;
const REQUESTS = 50;
/** What grows with the square of 15,000 takes 100 ms and more of a request's time; what grows with it, a fraction of one. */
const CPU_MS_MAX = 2_500;
const close = "Connection: close";

const test = suite<{ target: Target }>("hostile/headers");
test.before(async (context) => {
  // A proxy that is trusted makes X-Forwarded-For count.
  context.target = await Target.open({ env: { TRUST_PROXY: "127.0.0.0/8, ::1" } });
});
test.after(({ target }) => target.close());

type Ask = "signed" | "unsigned" | "guess";

/** Headers that are read by a parser, filled with what would make a careless one go back and forth. */
const attacks: readonly [header: string, ask: Ask, value: string, answer: string][] = [
  ["X-Signature", "unsigned", fill(","), "401 signature_invalid"],
  ["X-Signature", "unsigned", fill("a"), "401 signature_invalid"],
  ["X-Signature", "unsigned", fill("sha256="), "401 signature_invalid"],
  ["X-Signature", "unsigned", fill("0 "), "401 signature_invalid"],
  ["Prefer", "signed", `wait=${fill("9")}x`, "202 "],
  ["Prefer", "signed", fill(","), "202 "],
  ["Prefer", "signed", fill(";"), "202 "],
  ["Prefer", "signed", fill('"\\'), "202 "],
  ["Prefer", "signed", fill(' ,a="'), "202 "],
  ["Prefer", "signed", `wait${" ".repeat(LONG)}x`, "202 "],
  ["Idempotency-Key", "signed", `"${fill("\\\\")}`, "422 fields_invalid"],
  ["Idempotency-Key", "signed", `"${fill('\\"')}`, "422 fields_invalid"],
  ["Idempotency-Key", "signed", `"${fill("a")}\t"`, "422 fields_invalid"],
  ["Idempotency-Key", "signed", fill("a"), "422 fields_invalid"],
  ["Content-Type", "unsigned", `application/json${fill(";")}`, "401 signature_invalid"],
  ["Content-Type", "unsigned", `application/json${fill("; a=b")}`, "401 signature_invalid"],
  ["Content-Type", "unsigned", `application/json${fill(" ")}x`, "415 content_type"],
  ["Content-Type", "unsigned", fill("/"), "415 content_type"],
  ["X-Forwarded-For", "guess", fill(","), "401 unauthorized"],
  ["X-Forwarded-For", "guess", `${fill("127.0.0.1,")}1`, "401 unauthorized"],
  ["X-Forwarded-For", "guess", fill("::1,"), "401 unauthorized"],
  ["X-Forwarded-For", "guess", fill(":"), "401 unauthorized"],
  ["X-Forwarded-For", "guess", fill("["), "401 unauthorized"],
  ["X-Forwarded-For", "guess", fill("1."), "401 unauthorized"],
  ["Authorization", "guess", `Bearer${fill(" ")}`, "401 unauthorized"],
  ["Authorization", "guess", `Bearer ${fill("a")} `, "401 unauthorized"],
  ["Authorization", "guess", `Bearer ${fill("a ")}`, "401 unauthorized"],
  ["Origin", "guess", `https://${fill("a.")}`, "403 origin_foreign"],
  ["Origin", "guess", `https://xn--${fill("a")}`, "403 origin_foreign"],
  ["Origin", "guess", `https://${fill("xn--a.")}`, "403 origin_foreign"],
  ["Origin", "guess", `https://${fill("1.")}`, "403 origin_foreign"],
  ["Origin", "guess", fill("://"), "403 origin_foreign"],
  ["Sec-Fetch-Site", "guess", fill("same-origin "), "403 origin_foreign"],
];

test("fifty requests with 15,000 characters in a header cost a moment, whichever it is and whatever it holds", async ({
  target,
}) => {
  const spent: [cpuMs: number, what: string][] = [];
  for (const [header, ask, value, answer] of attacks) {
    const text = requestWith(target, ask, `${header}: ${value}`);
    const what = `${header}: ${value.slice(0, 20)}`;
    const { result, good, cost } = await target.under(async () => {
      const found = new Set<string>();
      for (let at = 0; at < REQUESTS; at++) {
        const [reply] = await talk(target.port, text);
        const isProblem = reply?.headers.get("content-type") === "application/problem+json";
        found.add(`${reply?.status} ${isProblem ? problemIn(reply) : ""}`);
      }
      return found;
    });
    // Where wrong tokens are counted, what is more than ten a second gets 429; it is read of the header all the same.
    const stated = answer.startsWith("401 u") ? [answer, "429 too_many_failures"] : [answer];
    for (const one of result) assert.ok(stated.includes(one), `${what}: ${one}`);
    good.assertServed();
    assert.ok(cost.bytesGrown < 100 * MIB, `${what}: ${cost.bytesGrown} bytes`);
    spent.push([cost.cpuMs, what]);
  }
  const worst = spent.sort(([a], [b]) => b - a).slice(0, 3);
  assert.ok((worst[0]?.[0] ?? 0) < CPU_MS_MAX, JSON.stringify(worst));
});

test("names of headers and parameters that collide in a careless hash cost a moment, too", async ({
  target,
}) => {
  // Anagrams of one another: equal under every hash that adds its characters up.
  const names = Array.from(
    { length: 1_000 },
    (_, at) => `x-${at.toString(2).padStart(10, "0").replaceAll("0", "ab").replaceAll("1", "ba")}`,
  );
  const few = names.slice(0, 500);
  const asks: readonly [what: string, text: string, answer: string][] = [
    ["headers", target.request("GET /health HTTP/1.1", [...few.map((name) => `${name}:`), close]), "200 "],
    [
      "headers of one name",
      target.request("GET /health HTTP/1.1", [...Array.from({ length: 3_000 }, () => "a:"), close]),
      "200 ",
    ],
    [
      "parameters",
      target.request(`GET /runs?${names.slice(0, 600).join("&")} HTTP/1.1`, [
        `Authorization: Bearer ${TOKEN}`,
        close,
      ]),
      "422 query_invalid",
    ],
    [
      "one parameter",
      target.request(`GET /runs?${"limit=1&".repeat(1_800)} HTTP/1.1`, [
        `Authorization: Bearer ${TOKEN}`,
        close,
      ]),
      "422 query_invalid",
    ],
    [
      "empty parameters",
      target.request(`GET /runs?${"&=".repeat(7_000)} HTTP/1.1`, [`Authorization: Bearer ${TOKEN}`, close]),
      "422 query_invalid",
    ],
  ];
  for (const [what, text, answer] of asks) {
    const { result, good, cost } = await target.under(async () => {
      const found = new Set<string>();
      for (let at = 0; at < REQUESTS; at++) {
        const [reply] = await talk(target.port, text);
        const isProblem = reply?.headers.get("content-type") === "application/problem+json";
        if (isProblem) assert.ok((JSON.parse(reply?.body ?? "{}").errors ?? []).length <= 50, what);
        found.add(`${reply?.status} ${isProblem ? problemIn(reply) : ""}`);
      }
      return found;
    });
    assert.equal([...result], [answer], what);
    good.assertServed();
    assert.ok(cost.cpuMs < CPU_MS_MAX, `${what}: ${cost.cpuMs} ms of processor time`);
  }
});

test.run();

function fill(unit: string): string {
  return unit.repeat(Math.floor(LONG / unit.length));
}

function requestWith(target: Target, ask: Ask, header: string): string {
  const body = JSON.stringify({ workflow_name: "quick", inputs: {} });
  if (ask === "signed") return target.delivery(body, { headers: [header, close] });
  if (ask === "guess") return target.request("GET /runs HTTP/1.1", [header, close]);
  const type = header.startsWith("Content-Type") ? [] : ["Content-Type: application/json"];
  return target.request(
    "POST /webhooks/generic HTTP/1.1",
    [...type, "Content-Length: 2", header, close],
    "{}",
  );
}
