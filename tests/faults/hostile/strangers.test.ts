import { suite } from "uvu";
import * as assert from "uvu/assert";
import { flood } from "./flood.ts";
import { problemIn, Target, TOKEN } from "./target.ts";
import { type Reply, requestText, statusesOf, talk } from "./wire.ts";

const MIB = 1_048_576;
const BODY = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "strange" });
const close = "Connection: close";

const test = suite<{ open: typeof Target.open }>("hostile/strangers");
const opened: Target[] = [];
test.before.each((context) => {
  context.open = async (options) => {
    const target = await Target.open(options);
    opened.push(target);
    return target;
  };
});
test.after.each(async () => {
  for (const target of opened.splice(0)) await target.close();
});

/** Who asks, by the headers that it cannot leave out; `PORT` stands for ours. */
const strangers: readonly [who: string, headers: readonly string[], delivery: string, admin: string][] = [
  [
    "a page's form as text",
    [
      "Host: 127.0.0.1:PORT",
      "Origin: https://evil.example",
      "Sec-Fetch-Site: cross-site",
      "Content-Type: text/plain",
    ],
    "415 content_type",
    "403 origin_foreign",
  ],
  [
    "a page's form",
    [
      "Host: localhost:PORT",
      "Origin: null",
      "Sec-Fetch-Site: cross-site",
      "Content-Type: application/x-www-form-urlencoded",
    ],
    "415 content_type",
    "403 origin_foreign",
  ],
  [
    "a page's form with a file",
    ["Host: localhost:PORT", "Origin: https://evil.example", "Content-Type: multipart/form-data; boundary=a"],
    "415 content_type",
    "403 origin_foreign",
  ],
  [
    "a page's script",
    [
      "Host: 127.0.0.1:PORT",
      "Origin: https://evil.example",
      "Sec-Fetch-Site: cross-site",
      "Content-Type: application/json",
    ],
    "401 signature_invalid",
    "403 origin_foreign",
  ],
  [
    "a page of another port of this machine",
    [
      "Host: localhost:PORT",
      "Origin: http://localhost:3000",
      "Sec-Fetch-Site: same-site",
      "Content-Type: application/json",
    ],
    "401 signature_invalid",
    "403 origin_foreign",
  ],
  [
    "an old browser's page, without Sec-Fetch-Site",
    ["Host: 127.0.0.1:PORT", "Origin: http://evil.example:PORT", "Content-Type: application/json"],
    "401 signature_invalid",
    "403 origin_foreign",
  ],
  [
    "a picture or link of a page",
    [
      "Host: 127.0.0.1:PORT",
      "Sec-Fetch-Site: cross-site",
      "Referer: https://evil.example/",
      "Content-Type: application/json",
    ],
    "401 signature_invalid",
    "403 origin_foreign",
  ],
  [
    // To the browser it is the page's own server, so Origin and Sec-Fetch-Site say nothing bad.
    "a page whose name was made to mean this machine",
    [
      "Host: evil.example:PORT",
      "Origin: http://evil.example:PORT",
      "Sec-Fetch-Site: same-origin",
      "Content-Type: application/json",
    ],
    "401 signature_invalid",
    "401 unauthorized",
  ],
  [
    "the same with a name that looks like ours",
    ["Host: localhost.evil.example:PORT", "Sec-Fetch-Site: same-origin", "Content-Type: application/json"],
    "401 signature_invalid",
    "401 unauthorized",
  ],
  ...[
    ["a proxy", "X-Forwarded-For: 192.0.2.1"],
    ["a proxy that says it was us", "X-Forwarded-For: 127.0.0.1"],
    ["a proxy by the standard", "Forwarded: for=127.0.0.1"],
    ["a gateway", "Via: 1.1 gateway"],
    ["nginx as many set it up", "X-Real-IP: 192.0.2.1"],
    ["Cloudflare's tunnel", "CF-Connecting-IP: 192.0.2.1"],
    ["another of its headers", "Cf-Ray: 1"],
    ["Akamai", "True-Client-IP: 192.0.2.1"],
    ["a tunnel that tells the name", "X-Forwarded-Host: hooks.example.org"],
  ].map(([who = "", header = ""]): [string, string[], string, string] => [
    who,
    ["Host: 127.0.0.1:PORT", header, "Content-Type: application/json"],
    "401 signature_invalid",
    "401 unauthorized",
  ]),
];

const ADMIN: readonly string[] = [
  "GET /runs",
  "GET /events",
  "GET /workflows",
  "POST /runs/RUN/cancel",
  "POST /runs/RUN/retry",
  "POST /events/EVENT/replay",
  "DELETE /events/EVENT",
];

test("in try-out mode no page and no forwarded request reads, starts or changes anything, and curl still does", async ({
  open,
}) => {
  const target = await open({ isTryOut: true });
  const first = JSON.parse((await talk(target.port, local(target)))[0]?.body ?? "{}");
  const { result, good } = await target.under(async () => {
    const found: Record<string, [string[], string[]]> = {};
    for (const [who, headers] of strangers) {
      const given = [...headers.map((header) => header.replace("PORT", String(target.port))), close];
      const delivery = requestText(
        "POST /webhooks/generic HTTP/1.1",
        [...given, `Content-Length: ${BODY.length}`],
        BODY,
      );
      const deliveries = await Promise.all(Array.from({ length: 5 }, () => talk(target.port, delivery)));
      const asks = ADMIN.map((line) => line.replace("RUN", first.run_id).replace("EVENT", first.event_id));
      const admin = await Promise.all(
        asks.map((ask) => talk(target.port, requestText(`${ask} HTTP/1.1`, given))),
      );
      const replies = [...deliveries, ...admin].flat();
      for (const { headers: sent } of replies) {
        for (const name of sent.keys()) assert.not.match(name, /^access-control-/);
      }
      // More than ten refusals a second of one address become 429, and one of these cannot be told from the next.
      const others = new Set(admin.map(([reply]) => answerOf(reply)));
      others.delete("429 too_many_failures");
      found[who] = [[...new Set(deliveries.map(([reply]) => answerOf(reply)))], [...others]];
      await oneSecond();
    }
    return found;
  });
  for (const [who, , delivery, admin] of strangers) assert.equal(result[who], [[delivery], [admin]], who);
  assert.equal(
    (await target.strangeEvents()).map(({ event_id: id }) => id),
    [first.event_id],
  );
  const run = await target.admin(`/runs/${first.run_id}`);
  assert.equal([run.json.status, run.json.replay], ["succeeded", 0]);
  good.assertServed();
});

test("in try-out mode older versions of HTTP, which need no Host, are not local", async ({ open }) => {
  const target = await open({ isTryOut: true });
  for (const version of [" HTTP/1.0", " HTTP/2.0", ""]) {
    const [reply] = await talk(
      target.port,
      `GET /runs${version}\r\n${version === "" ? "" : `${close}\r\n`}\r\n`,
    );
    assert.is(answerOf(reply), "401 unauthorized", version);
  }
});

test("who guesses tokens has ten tries a second, in few log lines, and locks nobody else out", async ({
  open,
}) => {
  const target = await open();
  const text = target.request("GET /runs HTTP/1.1", ["Authorization: Bearer {hex}"]);
  const { result, good, cost, log } = await target.under(async () => {
    const guessing = flood({ port: target.port, connections: 8, seconds: 5, text });
    // The operator on another address, while it goes on.
    const operator: (number | undefined)[] = [];
    let isOver = false;
    void guessing.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const line = target.dial("127.0.0.9");
      line.write(target.request("GET /runs?limit=1 HTTP/1.1", [`Authorization: Bearer ${TOKEN}`, close]));
      while (!line.isOver) await new Promise((resolve) => setTimeout(resolve, 5));
      operator.push(line.replies()[0]?.status);
    }
    return { count: await guessing, operator };
  });
  const { answers, seconds, broken } = result.count;
  assert.equal([Object.keys(answers), broken], [["401", "429"], 0]);
  // A window begins with its first failure, so one more than there are whole seconds has room.
  assert.ok((answers[401] ?? 0) <= 10 * (Math.ceil(seconds) + 1), `${answers[401]} tokens were compared`);
  assert.ok((answers[429] ?? 0) > 5_000, `${answers[429]} were turned away in ${seconds} s`);
  assert.equal([...new Set(result.operator)], [200]);
  assert.ok(result.operator.length > 3, `${result.operator.length} requests of the operator's`);
  const lines = log.split("\n").filter((line) => line.includes("too_many_failures"));
  assert.ok(lines.length <= 100 * (seconds + 2), `${lines.length} lines`);
  good.assertServed();
  assert.ok(cost.bytesGrown < 200 * MIB, `${cost.bytesGrown} bytes`);
});

test("a token counts in its header alone", async ({ open }) => {
  const target = await open();
  const asks: readonly [where: string, text: string][] = [
    ["the query", target.request(`GET /runs?token=${TOKEN} HTTP/1.1`, [close])],
    [
      "the query by another name",
      target.request(
        `GET /runs?access_token=${TOKEN}&authorization=Bearer ${TOKEN} HTTP/1.1`.replace(
          "Bearer ",
          "Bearer+",
        ),
        [close],
      ),
    ],
    [
      "a cookie",
      target.request("GET /runs HTTP/1.1", [`Cookie: token=${TOKEN}; authorization=Bearer ${TOKEN}`, close]),
    ],
    [
      "another header",
      target.request("GET /runs HTTP/1.1", [
        `X-Authorization: Bearer ${TOKEN}`,
        `Proxy-Authorization: Bearer ${TOKEN}`,
        close,
      ]),
    ],
    ["the body", target.request("GET /runs HTTP/1.1", [`Content-Length: ${TOKEN.length}`, close], TOKEN)],
    ["another scheme", target.request("GET /runs HTTP/1.1", [`Authorization: Basic ${TOKEN}`, close])],
    ["no scheme", target.request("GET /runs HTTP/1.1", [`Authorization: ${TOKEN}`, close])],
    [
      "a list",
      target.request("GET /runs HTTP/1.1", [`Authorization: Bearer ${TOKEN}, Bearer ${TOKEN}`, close]),
    ],
    [
      "the target's password",
      target.request(`GET http://a:${TOKEN}@127.0.0.1:${target.port}/runs HTTP/1.1`, [close]),
    ],
  ];
  for (const [where, text] of asks) {
    const [reply] = await talk(target.port, text);
    assert.ok(
      ["401 unauthorized", "404 not_found"].includes(answerOf(reply)),
      `${where}: ${answerOf(reply)}`,
    );
  }
  assert.is((await target.admin("/runs")).status, 200);
});

test("five hundred addresses that guess at once are counted each, and cost little", async ({ open }) => {
  const target = await open();
  const { result, good, cost } = await target.under(async () => {
    const lines = Array.from({ length: 500 }, (_, at) =>
      target.dial(`127.1.${Math.floor(at / 250)}.${1 + (at % 250)}`),
    );
    const guess = target.request("GET /runs HTTP/1.1", ["Authorization: Bearer a-guess"]);
    // Twelve at once, so that the last come within the second of the first.
    for (const line of lines) line.write(guess.repeat(12));
    while (lines.some((line) => line.replies().length < 12))
      await new Promise((resolve) => setTimeout(resolve, 20));
    return statusesOf(lines);
  });
  assert.is((result[401] ?? 0) + (result[429] ?? 0), 6_000);
  assert.ok(
    (result[401] ?? 0) >= 5_000,
    `${result[401]} of 5,000 tokens were compared, ten for each address`,
  );
  // Where nobody counts there is none of them; a second may end between an address's tenth guess and its last.
  assert.ok((result[429] ?? 0) >= 500, `${result[429]} of 1,000 guesses too many were turned away`);
  good.assertServed();
  assert.ok(cost.bytesGrown < 150 * MIB, `${cost.bytesGrown} bytes`);
});

test.run();

function answerOf(reply: Reply | undefined): string {
  return `${reply?.status} ${problemIn(reply)}`;
}

/** What the first curl sends. */
function local(target: Target): string {
  const headers = ["Content-Type: application/json", `Content-Length: ${BODY.length}`, close];
  return target.request("POST /webhooks/generic HTTP/1.1", headers, BODY);
}

/** The window in which failures of an address are counted. */
function oneSecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_050));
}
