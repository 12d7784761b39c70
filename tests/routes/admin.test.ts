import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../support/manual-clock.ts";
import { ADMIN_TOKEN } from "../support/open-latchhook.ts";
import {
  type Ask,
  AUTHORIZED,
  delivery,
  openServer,
  SECRET,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { rejects } from "../support/rejects.ts";

const OTHER_TOKEN = "another-token-of-32-characters!!";

/** Every admin route, with a method that it takes. */
const ROUTES: readonly Ask[] = [
  { path: "/runs" },
  { method: "HEAD", path: "/runs" },
  { path: "/runs/run_unknown" },
  { method: "POST", path: "/runs/run_unknown/retry" },
  { method: "POST", path: "/runs/run_unknown/cancel" },
  { path: "/events" },
  { path: "/events/evt_unknown" },
  { method: "DELETE", path: "/events/evt_unknown" },
  { method: "POST", path: "/events/evt_unknown/replay" },
  { path: "/workflows" },
];

const test = suite<{ server: TestServer; clock: ManualClock }>("routes/admin");
test.before.each(async (context) => {
  context.clock = new ManualClock();
  context.server = await openServer({ clock: context.clock, adminToken: [ADMIN_TOKEN, OTHER_TOKEN] });
});
test.after.each(({ server }) => server.close());

for (const asked of ROUTES) {
  const name = `${asked.method ?? "GET"} ${asked.path}`;
  test(`${name} wants the token, and takes the previous one too`, async ({ server }) => {
    const refused = await server.askBoth(asked);
    assert.is(refused.status, 401);
    assert.match(String(refused.headers.get("www-authenticate")), /^Bearer /);
    if (asked.method !== "HEAD") assert.is(problemOf(refused).name, "unauthorized");
    for (const token of [ADMIN_TOKEN, OTHER_TOKEN]) {
      const answer = await server.askBoth({ ...asked, headers: { authorization: `Bearer ${token}` } });
      assert.is(answer.status, asked.path.includes("unknown") ? 404 : 200);
    }
  });

  test(`${name} is not for a page of another site, with the token or without`, async ({ server }) => {
    const pages = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: server.origin.replace("http:", "chrome-extension:") },
      { origin: `${server.origin}0` },
      { origin: `${server.origin}.evil.example` },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "unheard-of" },
      { "sec-fetch-site": "cross-site", origin: server.origin },
    ];
    for (const headers of pages) {
      for (const more of [{}, AUTHORIZED]) {
        const answer = await server.askBoth({ ...asked, headers: { ...headers, ...more } });
        assert.is(answer.status, 403, JSON.stringify(headers));
        if (asked.method !== "HEAD") assert.is(problemOf(answer).name, "origin_foreign");
      }
    }
  });
}

const wrong: readonly [what: string, authorization: string][] = [
  ["an empty header", ""],
  ["no token", "Bearer"],
  ["an empty token", "Bearer "],
  ["another token", "Bearer wrong-token-of-32-characters-xx"],
  ["the token without its end", `Bearer ${ADMIN_TOKEN.slice(0, -1)}`],
  ["the token and more", `Bearer ${ADMIN_TOKEN}x`],
  ["the token and a space in it", `Bearer ${ADMIN_TOKEN} x`],
  ["two tokens", `Bearer ${ADMIN_TOKEN}, Bearer ${ADMIN_TOKEN}`],
  ["both tokens in one", `Bearer ${ADMIN_TOKEN},${OTHER_TOKEN}`],
  ["the token in upper case", `Bearer ${ADMIN_TOKEN.toUpperCase()}`],
  ["another scheme", `Basic ${btoa(`admin:${ADMIN_TOKEN}`)}`],
  ["the token bare", ADMIN_TOKEN],
  ["the webhook secret", `Bearer ${SECRET}`],
];
for (const [what, authorization] of wrong) {
  test(`${what} in Authorization is not the token`, async ({ server }) => {
    const answer = await server.askBoth({ path: "/runs", headers: { authorization } });
    assert.equal([answer.status, problemOf(answer).name], [401, "unauthorized"]);
  });
}

test("the word Bearer may have any case, and several spaces behind it", async ({ server }) => {
  for (const authorization of [`bearer ${ADMIN_TOKEN}`, `BEARER  ${ADMIN_TOKEN}`]) {
    assert.is((await server.askBoth({ path: "/runs", headers: { authorization } })).status, 200);
  }
});

test("a token in the query, a cookie, another header or the body does not count", async ({ server }) => {
  const query = `token=${ADMIN_TOKEN}&access_token=${ADMIN_TOKEN}&authorization=Bearer%20${ADMIN_TOKEN}`;
  const asks: Ask[] = [
    { path: `/runs?${query}` },
    { path: "/runs", headers: { cookie: `token=${ADMIN_TOKEN}; authorization=Bearer ${ADMIN_TOKEN}` } },
    { path: "/runs", headers: { "x-api-key": ADMIN_TOKEN, "x-admin-token": ADMIN_TOKEN } },
    { path: "/runs", headers: { "proxy-authorization": `Bearer ${ADMIN_TOKEN}` } },
    {
      path: "/events/evt_unknown/replay",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: ADMIN_TOKEN, authorization: `Bearer ${ADMIN_TOKEN}` }),
    },
  ];
  for (const asked of asks) assert.is((await server.askBoth(asked)).status, 401, asked.path);
});

test("our own pages may ask: Origin of our host and port, Sec-Fetch-Site of ours", async ({ server }) => {
  const pages = [
    { origin: server.origin },
    { origin: server.origin.replace("http:", "https:") }, // a proxy may have ended TLS
    { origin: server.origin, "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "none" },
  ];
  for (const headers of pages) {
    const answer = await server.askBoth({ path: "/runs", headers: { ...headers, ...AUTHORIZED } });
    assert.is(answer.status, 200, JSON.stringify(headers));
    assert.is((await server.askBoth({ path: "/runs", headers })).status, 401, "an Origin is no token");
  }
});

test("behind a proxy the public URL's origin is our own, too", async () => {
  const server = await openServer({ publicUrl: "https://hooks.example.org/base" });
  try {
    for (const [origin, status] of [
      ["https://hooks.example.org", 200],
      ["https://HOOKS.example.org:443", 200],
      ["https://hooks.example.org:8443", 403],
      ["https://example.org", 403],
      ["https://hooks.example.org.evil.example", 403],
    ] as const) {
      const answer = await server.askBoth({ path: "/runs", headers: { origin, ...AUTHORIZED } });
      assert.is(answer.status, status, origin);
    }
  } finally {
    await server.close();
  }
});

test("deliveries, /health and /ready are no admin routes: a foreign Origin is nothing to them", async ({
  server,
}) => {
  const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  for (const path of ["/health", "/ready"]) assert.is((await server.askBoth({ path, headers })).status, 200);
  const asked = delivery({ workflow_name: "any", inputs: {} }, { headers });
  assert.is((await server.askBoth(asked)).status, 202);
});

test("more than 10 failures within a second get 429, and then the right token too", async ({
  server,
  clock,
}) => {
  for (let failure = 1; failure <= 10; failure++) {
    assert.is((await server.ask("http", { path: "/runs" })).status, 401, `failure ${failure}`);
  }
  const eleventh = await server.ask("http", { path: "/runs" });
  assert.equal([eleventh.status, problemOf(eleventh).name], [429, "too_many_failures"]);
  assert.ok(Number(eleventh.headers.get("retry-after")) >= 1);
  assert.is((await server.admin("GET", "/runs")).status, 429, "who guesses is not even compared");
  assert.is(
    (await server.ask("fetch", { path: "/runs" })).status,
    401,
    "another peer is not counted with it",
  );
  clock.block(1_000);
  assert.is((await server.admin("GET", "/runs")).status, 200);
});

test("10 failures a second are no more than 10, and right tokens do not count", async ({ server, clock }) => {
  for (let second = 0; second < 3; second++) {
    for (let failure = 0; failure < 10; failure++) {
      assert.is((await server.ask("http", { path: "/runs" })).status, 401);
      assert.is((await server.admin("GET", "/runs")).status, 200);
    }
    clock.block(1_000);
  }
});

test("failures without a known peer share a count, and a right token passes it", async ({ server }) => {
  const statuses = [];
  for (let failure = 0; failure < 12; failure++) {
    statuses.push((await server.ask("fetch", { path: "/runs" })).status);
  }
  assert.equal(statuses, [...Array(10).fill(401), 429, 429]);
  assert.is((await server.ask("fetch", { path: "/runs", headers: AUTHORIZED })).status, 200);
  assert.is((await server.ask("http", { path: "/runs" })).status, 401);
});

test("a locked out peer still delivers, and is told of health", async ({ server }) => {
  for (let failure = 0; failure < 12; failure++) await server.ask("http", { path: "/runs" });
  const asked = delivery({ workflow_name: "any", inputs: {} });
  assert.is((await server.ask("http", asked)).status, 202);
  assert.is((await server.ask("http", { path: "/health" })).status, 200);
});

test("behind a trusted proxy the rightmost hop that is not trusted is counted", async () => {
  const clock = new ManualClock();
  const server = await openServer({ clock, trustProxy: ["127.0.0.1", "10.0.0.0/8"] });
  const ask = (hops: string, headers = {}) =>
    server.ask("http", { path: "/runs", headers: { "x-forwarded-for": hops, ...headers } });
  try {
    for (let failure = 0; failure < 11; failure++) await ask(`203.0.113.${failure}, 192.0.2.1, 10.1.1.1`);
    assert.is((await ask("192.0.2.1", AUTHORIZED)).status, 429, "what stands left of it is not believed");
    assert.is((await ask("192.0.2.2", AUTHORIZED)).status, 200);
    assert.is((await ask("192.0.2.1, 192.0.2.2", AUTHORIZED)).status, 200);
  } finally {
    await server.close();
  }
});

test("without trustProxy X-Forwarded-For moves no count", async ({ server }) => {
  for (let failure = 0; failure < 11; failure++) {
    await server.ask("http", { path: "/runs", headers: { "x-forwarded-for": `192.0.2.${failure}` } });
  }
  assert.is((await server.admin("GET", "/runs", undefined, { "x-forwarded-for": "192.0.2.99" })).status, 429);
});

test("without a token set every admin route answers 401, whatever is sent", async () => {
  const server = await openServer({ adminToken: [], clock: new ManualClock() });
  try {
    for (const authorization of ["", "Bearer", "Bearer ", "Bearer undefined", "Bearer null"]) {
      assert.is((await server.askBoth({ path: "/runs", headers: { authorization } })).status, 401);
    }
    assert.match(server.latchhook.describe().modeMeans, "ADMIN_TOKEN");
  } finally {
    await server.close();
  }
});

test("authorize decides in place of the token, and only true is yes", async () => {
  const outcomes: unknown[] = [
    true,
    false,
    undefined,
    null,
    1,
    "true",
    new Response(null, { status: 401 }),
    {},
  ];
  for (const outcome of outcomes) {
    for (const given of [outcome, Promise.resolve(outcome)]) {
      const server = await openServer({ adminToken: [], authorize: () => given as boolean });
      try {
        const answer = await server.askBoth({ path: "/runs" });
        assert.is(answer.status, outcome === true ? 200 : 401, String(outcome));
        assert.is((await server.askBoth({ path: "/health" })).status, 200);
      } finally {
        await server.close();
      }
    }
  }
});

test("authorize is given the request, and neither foreign pages nor deliveries come to it", async () => {
  const seen: string[] = [];
  const authorize = (request: Request): boolean => {
    seen.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get("x-user")}`);
    return request.headers.get("x-user") === "me";
  };
  const server = await openServer({ authorize });
  try {
    const headers = { "x-user": "me" };
    assert.is((await server.askBoth({ path: "/runs", headers })).status, 200);
    assert.is(
      (await server.askBoth({ path: "/runs", headers: AUTHORIZED })).status,
      401,
      "in place of the token",
    );
    assert.is((await server.askBoth({ path: "/runs", headers: { ...headers, origin: "null" } })).status, 403);
    await server.askBoth(delivery({ workflow_name: "any", inputs: {} }));
    await server.askBoth({ path: "/nowhere", headers });
    assert.equal(seen, ["GET /runs me", "GET /runs me", "GET /runs null", "GET /runs null"]);
  } finally {
    await server.close();
  }
});

test("an authorize that throws is our own fault: 503, and nothing of what it threw", async () => {
  const authorize = (): never => {
    throw new Error("c4n4ry");
  };
  const server = await openServer({ authorize });
  try {
    const answer = await server.askBoth({ path: "/runs" });
    assert.equal([answer.status, problemOf(answer).name], [503, "internal"]);
    assert.not.match(answer.text, "c4n4ry");
    assert.ok(answer.headers.has("retry-after"));
  } finally {
    await server.close();
  }
});

test("an admin token below 24 characters is refused, one of 24 is not", async () => {
  await rejects(openServer({ adminToken: "a".repeat(23) }), /at least 24 characters/);
  await rejects(openServer({ adminToken: [ADMIN_TOKEN, "short"] }), /at least 24 characters/);
  await (await openServer({ adminToken: "a".repeat(24) })).close();
});

test.run();
