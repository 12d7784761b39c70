import { createHmac } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { LatchhookOptions } from "../../lib/options.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { signedBy, wronglySignedBy } from "../support/handshakes.ts";
import { keysFor } from "../support/keys.ts";
import { type Answer, type Ask, DOORS, openServer, type TestServer } from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";

const NAMES = [
  "dropbox",
  "meta",
  "whatsapp",
  "messenger",
  "instagram",
  "slack",
  "zoom",
  "discord",
  "xero",
  "asana",
  "notion",
  "trello",
  "intercom",
  "cloudevents",
] as const;
type Name = (typeof NAMES)[number];

const TOKEN = "v3rify-token-of-ours";
const OLD_TOKEN = "v3rify-token-before";
const CHALLENGE = "ch4llenge-1158201444";
const KEYS = keysFor(builtInScheme("discord") as NonNullable<ReturnType<typeof builtInScheme>>);

/** What each signs with; both hold. */
function secretsOf(name: Name): { present: string; before: string } {
  return { present: `s3cret-of-${name}`, before: `s3cret-of-${name}-before` };
}
const secrets = Object.fromEntries(
  NAMES.map((name) => {
    const { present, before } = secretsOf(name);
    return [name, name === "discord" ? [KEYS.verifying, KEYS.other] : [present, before]];
  }),
);

const OPTIONS: LatchhookOptions = {
  publicUrl: "https://hooks.example.org",
  schemes: { "zoom-two": "zoom", "dropbox-bare": "dropbox", "meta-bare": "meta", "trello-bare": "trello" },
  secrets: { ...secrets, "meta-bare": "s3cret-without-a-token" },
  verifyTokens: Object.fromEntries(
    ["meta", "whatsapp", "messenger", "instagram"].map((name) => [name, [TOKEN, OLD_TOKEN]]),
  ),
  requestOrigins: ["EventGrid.azure.net", "a.example"],
  workflows: {
    seen: defineWorkflow({ on: NAMES.map((provider) => ({ provider })), run: () => null }),
  },
};

const test = suite<{ server: TestServer }>("routes/handshakes");
test.before(async (context) => {
  context.server = await openServer(OPTIONS);
});
test.after(({ server }) => server.close());

/** Asks through both doors, and holds the answer to what holds for every one. */
async function ask(server: TestServer, asked: Ask | (() => Ask)): Promise<Answer> {
  const before = await server.count();
  const answer = await server.askBoth(asked);
  assert.equal(await server.count(), before, "nothing is stored and no run is started");
  assert.is(answer.headers.get("x-content-type-options"), "nosniff");
  assert.is(answer.headers.get("set-cookie"), null);
  assert.is(answer.headers.get("access-control-allow-origin"), null);
  return answer;
}

/** Status, type and body. */
function said({ status, headers, text }: Answer): [number, string | null, string] {
  return [status, headers.get("content-type"), text];
}

function refusal(answer: Answer): [number, string] {
  return [answer.status, problemOf(answer).name];
}

const malformed: readonly (readonly [what: string, challenge: string])[] = [
  ["empty", ""],
  ["of 257 characters", "a".repeat(257)],
  ["with HTML", "<script>alert(1)</script>"],
  ["with a line break", "a\r\nset-cookie: a=b"],
  ["with a line break alone", "a\n"],
  ["with JSON", '{"a":1}'],
  ["with a space", "a b"],
  ["beyond ASCII", "é"],
  ["with a zero byte", "a\0"],
  ["with a percent sign", "a%41"],
];

test("Dropbox gets its challenge as plain text, decoded first", async ({ server }) => {
  for (const [query, text] of [
    [CHALLENGE, CHALLENGE],
    ["ch%61llenge", "challenge"],
    ["a.b_c~d=-", "a.b_c~d=-"],
    ["a".repeat(256), "a".repeat(256)],
  ]) {
    const answer = await ask(server, { path: `/webhooks/dropbox?challenge=${query}` });
    assert.equal(said(answer), [200, "text/plain", text]);
  }
  const head = await ask(server, { method: "HEAD", path: `/webhooks/dropbox?challenge=${CHALLENGE}` });
  assert.equal(said(head), [200, "text/plain", ""]);
});

for (const [what, challenge] of malformed) {
  test(`a challenge ${what} gets 400 from Dropbox's, Meta's and Slack's route`, async ({ server }) => {
    const encoded = encodeURIComponent(challenge);
    const asks: Ask[] = [
      { path: `/webhooks/dropbox?challenge=${encoded}` },
      { path: hub("meta", { "hub.challenge": challenge }) },
      signedBy("slack", secretsOf("slack").present, { type: "url_verification", challenge }),
    ];
    for (const asked of asks) {
      const answer = await ask(server, asked);
      assert.equal(refusal(answer), [400, "challenge_invalid"]);
      if (challenge.length > 2) assert.not.ok(answer.text.includes(challenge), "it is not in the answer");
    }
  });
}

test("a challenge that is missing or comes twice gets 400", async ({ server }) => {
  const once = hub("meta", {});
  for (const path of [
    "/webhooks/dropbox",
    "/webhooks/dropbox?challenge=a&challenge=a",
    "/webhooks/dropbox?challenge=a&ch%61llenge=b",
    `${once}&hub.challenge=b`,
    `${once}&hub.verify_token=${TOKEN}`,
    `${once}&hub.mode=subscribe`,
    once.replace("subscribe", "unsubscribe"),
    once.replace("hub.mode=subscribe&", ""),
  ])
    assert.equal(refusal(await ask(server, { path })), [400, "challenge_invalid"], path);
});

for (const name of ["meta", "whatsapp", "messenger", "instagram"] as const) {
  test(`${name} gets its challenge for the present and the previous verify token, else 403`, async ({
    server,
  }) => {
    for (const token of [TOKEN, OLD_TOKEN]) {
      const answer = await ask(server, { path: hub(name, { "hub.verify_token": token }) });
      assert.equal(said(answer), [200, "text/plain", CHALLENGE]);
    }
    const wrong = [
      "",
      "wrong",
      `${TOKEN}x`,
      TOKEN.slice(0, -1),
      TOKEN.toUpperCase(),
      secretsOf(name).present,
    ];
    for (const token of wrong) {
      const answer = await ask(server, { path: hub(name, { "hub.verify_token": token }) });
      assert.equal(refusal(answer), [403, "verify_token_invalid"], token);
      assert.not.ok(answer.text.includes(CHALLENGE));
    }
    const none = hub(name, {}).replace(/&hub.verify_token=[^&]*/, "");
    assert.equal(refusal(await ask(server, { path: none })), [403, "verify_token_invalid"]);
  });
}

test("Slack's challenge comes back as text once its signature holds, and a wrong one gets 401", async ({
  server,
}) => {
  const body = { token: "deprecated", challenge: CHALLENGE, type: "url_verification" };
  const { present, before } = secretsOf("slack");
  for (const secret of [present, before]) {
    const answer = await ask(server, signedBy("slack", secret, body));
    assert.equal(said(answer), [200, "text/plain", CHALLENGE]);
  }
  for (const asked of [wronglySignedBy("slack", present, body), signedBy("slack", "wrong", body)])
    assert.equal(refusal(await ask(server, asked)), [401, "signature_invalid"]);
  for (const challenge of [undefined, 7, ["a"], { a: 1 }, null]) {
    const answer = await ask(server, signedBy("slack", present, { ...body, challenge }));
    assert.equal(refusal(answer), [400, "challenge_invalid"]);
  }
});

test("Zoom gets the MAC by the secret that has signed, of two that share the route", async ({ server }) => {
  const plainToken = "qgg8vlvZRS6UYooatFL8Aw";
  const body = { event: "endpoint.url_validation", payload: { plainToken }, event_ts: 1 };
  const { present, before } = secretsOf("zoom");
  for (const secret of [present, before]) {
    const answer = await ask(server, signedBy("zoom", secret, body));
    const encryptedToken = createHmac("sha256", secret).update(plainToken).digest("hex");
    assert.equal([answer.status, answer.json], [200, { plainToken, encryptedToken }]);
    assert.is(answer.headers.get("content-type"), "application/json");
  }
  for (const asked of [wronglySignedBy("zoom", present, body), signedBy("zoom", "wrong", body)])
    assert.equal(refusal(await ask(server, asked)), [401, "signature_invalid"]);
});

test("Zoom's route makes no MAC of anything but a token of up to 128 characters", async ({ server }) => {
  const secret = secretsOf("zoom").present;
  const asking = (plainToken: unknown): Ask =>
    signedBy("zoom", secret, { event: "endpoint.url_validation", payload: { plainToken } });
  assert.is((await ask(server, asking("a".repeat(128)))).status, 200);
  const oracles = [
    "a".repeat(129),
    'v0:1700000000:{"event":"meeting.started"}',
    "v0:1700000000:",
    "{}",
    "a.b",
    "a=",
    "a b",
    "a\n",
    "",
    7,
    null,
    ["a"],
    undefined,
  ];
  for (const oracle of oracles)
    assert.equal(refusal(await ask(server, asking(oracle))), [400, "challenge_invalid"], String(oracle));
});

test("Discord's two pings get their two answers, and a wrongly signed one 401", async ({ server }) => {
  const interaction = { id: "1", application_id: "2", type: 1, version: 1, token: "t" };
  const pong = await ask(server, signedBy("discord", KEYS.signing, interaction));
  assert.equal(said(pong), [200, "application/json", '{"type":1}']);
  const event = { version: 1, application_id: "2", type: 0 };
  assert.equal(said(await ask(server, signedBy("discord", KEYS.signing, event))), [204, null, ""]);
  for (const body of [interaction, event]) {
    const answer = await ask(server, wronglySignedBy("discord", KEYS.signing, body));
    assert.equal(refusal(answer), [401, "signature_invalid"]);
  }
});

test("a webhook event of Discord's, whose type is 1 as well, is a delivery", async ({ server }) => {
  const before = await server.count();
  const event = { type: "APPLICATION_AUTHORIZED", timestamp: "2024-10-18T14:42:53.064834", data: {} };
  const body = { version: 1, application_id: "2", type: 1, event };
  const answer = await server.ask("http", signedBy("discord", KEYS.signing, body));
  assert.is(answer.status, 204);
  assert.equal(await server.count(), { events: before.events + 1, runs: before.runs + 1 });
});

for (const [name, body] of [
  ["xero", { events: [], firstEventSequence: 0, lastEventSequence: 0, entropy: "S0m3r4nd0m3nt3r0py" }],
  ["asana", { events: [] }],
] as const) {
  test(`${name}'s empty list of events gets an empty 200, and 401 where it is wrongly signed`, async ({
    server,
  }) => {
    const { present, before } = secretsOf(name);
    for (const secret of [present, before])
      assert.equal(said(await ask(server, signedBy(name, secret, body))), [200, null, ""]);
    assert.is((await ask(server, wronglySignedBy(name, present, body))).status, 401);
    const counted = await server.count();
    const events = [{ action: "added", resource: { resource_type: "task" } }];
    assert.is((await server.ask("http", signedBy(name, present, { ...body, events }))).status, 200);
    assert.is((await server.count()).events, counted.events + 1, "a list with something in it is stored");
  });
}

for (const name of ["trello", "intercom"] as const) {
  test(`${name} gets an empty 200 for HEAD, and 405 for GET`, async ({ server }) => {
    const head = await ask(server, { method: "HEAD", path: `/webhooks/${name}` });
    assert.equal(said(head), [200, null, ""]);
    const get = await ask(server, { path: `/webhooks/${name}` });
    assert.equal([get.status, get.headers.get("allow")], [405, "HEAD, POST"]);
  });
}

const permissions: readonly (readonly [Record<string, string>, Record<string, string | null>])[] = [
  [
    { "webhook-request-origin": "eventgrid.azure.net" },
    { "webhook-allowed-origin": "eventgrid.azure.net", "webhook-allowed-rate": null },
  ],
  [
    { "webhook-request-origin": "A.example", "webhook-request-rate": "120" },
    { "webhook-allowed-origin": "A.example", "webhook-allowed-rate": "*" },
  ],
  [
    {
      "webhook-request-origin": "b.example",
      "webhook-request-rate": "120",
      "webhook-request-callback": "https://b.example/confirm?key=1",
    },
    { "webhook-allowed-origin": null, "webhook-allowed-rate": null },
  ],
  [{ "webhook-request-origin": "a.example, a.example" }, { "webhook-allowed-origin": null }],
  [{ "webhook-request-origin": "*" }, { "webhook-allowed-origin": null }],
  [{ "webhook-request-origin": "a.example.b.example" }, { "webhook-allowed-origin": null }],
  [{}, { "webhook-allowed-origin": null }],
  [
    { origin: "https://a.example", "access-control-request-method": "POST" },
    { "webhook-allowed-origin": null },
  ],
];
for (const [headers, expected] of permissions) {
  test(`OPTIONS with ${JSON.stringify(headers)} is answered with ${JSON.stringify(expected)}`, async ({
    server,
  }) => {
    const answer = await ask(server, { method: "OPTIONS", path: "/webhooks/cloudevents", headers });
    assert.equal(said(answer), [200, null, ""]);
    assert.is(answer.headers.get("allow"), "POST");
    for (const [name, value] of Object.entries(expected)) assert.is(answer.headers.get(name), value, name);
  });
}

test("a rate that is asked for is answered with the provider's limit, per minute", async () => {
  for (const [limit, perMinute] of [
    ["50/s", "3000"],
    ["100/m", "100"],
    ["1000/h", "16"],
    ["1/h", "1"],
  ] as const) {
    const server = await openServer({ ...OPTIONS, rateLimits: { cloudevents: limit } });
    try {
      const headers = { "webhook-request-origin": "a.example", "webhook-request-rate": "120" };
      const answer = await ask(server, { method: "OPTIONS", path: "/webhooks/cloudevents", headers });
      assert.is(answer.headers.get("webhook-allowed-rate"), perMinute);
    } finally {
      await server.close();
    }
  }
});

test("no origin is allowed by default", async () => {
  const { requestOrigins: _, ...options } = OPTIONS;
  const server = await openServer(options);
  try {
    const headers = { "webhook-request-origin": "a.example" };
    const answer = await ask(server, { method: "OPTIONS", path: "/webhooks/cloudevents", headers });
    assert.equal([answer.status, answer.headers.get("webhook-allowed-origin")], [200, null]);
  } finally {
    await server.close();
  }
});

const METHODS: Readonly<Record<string, string>> = {
  dropbox: "GET, HEAD, POST",
  meta: "GET, HEAD, POST",
  slack: "POST",
  zoom: "POST",
  trello: "HEAD, POST",
  cloudevents: "OPTIONS, POST",
  "dropbox-bare": "POST",
  "meta-bare": "POST",
  "trello-bare": "POST",
  generic: "POST",
};
for (const [name, allow] of Object.entries(METHODS)) {
  test(`${name} has ${allow}, and every other method gets 405 with them`, async ({ server }) => {
    for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"]) {
      if (allow.split(", ").includes(method)) continue;
      const path = hub(name, { challenge: CHALLENGE });
      const answer = await ask(server, { method, path });
      assert.equal([answer.status, answer.headers.get("allow")], [405, allow], method);
    }
  });
}

test("a method with an inherited name is none", async ({ server }) => {
  for (const path of ["/webhooks/dropbox?challenge=a", "/health"]) {
    for (const method of ["constructor", "toString"]) {
      // Bun reads a method that it does not know as GET, so there it never reaches us.
      const isKept = new Request("http://a.example", { method }).method === method;
      assert.is((await server.ask("fetch", { method, path })).status, isKept ? 405 : 200, method);
    }
  }
});

test("the server takes no secret that comes unsigned", async ({ server }) => {
  const json = { "content-type": "application/json" };
  for (const asked of [
    { path: "/webhooks/asana", headers: { ...json, "x-hook-secret": "planted" }, body: "{}" },
    { path: "/webhooks/notion", headers: json, body: '{"verification_token":"secret_planted"}' },
  ]) {
    const answer = await ask(server, asked);
    assert.equal(refusal(answer), [401, "signature_invalid"]);
    assert.is(answer.headers.get("x-hook-secret"), null);
  }
});

test("a handshake's size, type and load are judged like a delivery's", async ({ server }) => {
  const { path, headers, body } = signedBy("slack", secretsOf("slack").present, {
    type: "url_verification",
    challenge: CHALLENGE,
  });
  const asked = { method: "POST", path, ...(body === undefined ? {} : { body }) };
  assert.is(
    (await ask(server, { ...asked, headers: { ...headers, "content-type": "text/plain" } })).status,
    415,
  );
  const stopped = await openServer(OPTIONS);
  await stopped.latchhook.stop({ grace: 0 });
  for (const one of [
    { path: `/webhooks/dropbox?challenge=${CHALLENGE}` },
    { ...asked, headers: headers ?? {} },
  ])
    assert.is((await stopped.askBoth(one)).status, 503);
  await stopped.close();
});

test("what nobody has signed is no handshake: without a secret there is no answer to one", async () => {
  const server = await openServer({ allowUnsigned: ["slack", "zoom", "xero", "dropbox"], workflows: {} });
  try {
    const json = { "content-type": "application/json" };
    for (const [name, body] of [
      ["slack", { type: "url_verification", challenge: CHALLENGE }],
      ["zoom", { event: "endpoint.url_validation", payload: { plainToken: CHALLENGE } }],
      ["xero", { events: [] }],
    ] as const) {
      const before = await server.count();
      const asked = { path: `/webhooks/${name}`, headers: json, body: JSON.stringify(body) };
      const answer = await server.ask("http", asked);
      assert.is(answer.status, 200);
      assert.not.ok(answer.text.includes(CHALLENGE));
      assert.is((await server.count()).events, before.events + 1, "it is a delivery like any other");
    }
    assert.is((await server.askBoth({ path: "/webhooks/dropbox?challenge=a" })).status, 405);
  } finally {
    await server.close();
  }
});

test("neither challenge nor token is in a log line", async () => {
  const server = await openServer(OPTIONS);
  try {
    const body = { type: "url_verification", challenge: CHALLENGE };
    for (const door of DOORS) {
      for (const asked of [
        { path: `/webhooks/dropbox?challenge=${CHALLENGE}` },
        { path: `/webhooks/dropbox?challenge=${CHALLENGE}&challenge=${CHALLENGE}` },
        { path: hub("meta", {}) },
        { path: hub("meta", { "hub.verify_token": "wr0ng-token" }) },
        signedBy("slack", secretsOf("slack").present, body),
        signedBy("slack", secretsOf("slack").present, { ...body, challenge: `<${CHALLENGE}>` }),
        wronglySignedBy("slack", secretsOf("slack").present, body),
      ])
        await server.ask(door, asked);
    }
    const lines = server.lines.map((line) => JSON.stringify(line));
    assert.is(lines.filter((line) => line.includes('"message":"handshake"')).length, 6);
    for (const text of [CHALLENGE, TOKEN, "wr0ng-token", "hub."])
      assert.not.ok(lines.join("\n").includes(text), text);
  } finally {
    await server.close();
  }
});

test("strangers' handshakes are logged with a hundred lines a second at most", async () => {
  const server = await openServer(OPTIONS);
  try {
    for (let count = 0; count < 300; count++)
      await server.ask("fetch", { path: `/webhooks/dropbox?challenge=${count}` });
    const lines = server.lines.filter(({ message }) => message === "handshake");
    assert.ok(lines.length >= 100 && lines.length < 300, `${lines.length} lines`);
  } finally {
    await server.close();
  }
});

test.run();

function hub(name: string, changes: Readonly<Record<string, string>>): string {
  const parameters = {
    "hub.mode": "subscribe",
    "hub.challenge": CHALLENGE,
    "hub.verify_token": TOKEN,
    ...changes,
  };
  const query = Object.entries(parameters).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `/webhooks/${name}?${query.join("&")}`;
}
