import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LatchhookOptions } from "../../lib/options.ts";
import { settingsFromEnv } from "../../lib/settings.ts";
import { openProgram } from "../../lib/wiring/program.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ADMIN_TOKEN } from "../support/open-latchhook.ts";
import { type Ask, openServer, SECRET, type TestServer } from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { signature } from "../support/sign.ts";

const BODY = { workflow_name: "any", inputs: {} };
const JSON_TYPE = { "content-type": "application/json" };

const test = suite<{ server: TestServer }>("routes/try-out");
test.before.each(async (context) => {
  // The clock stands still, so that failures are counted within one second however slow the machine is.
  context.server = await openServer({ clock: new ManualClock() }, { mayTryOut: true });
});
test.after.each(({ server }) => server.close());

test("a local request needs neither signature nor token", async ({ server }) => {
  assert.is(server.latchhook.describe().mode, "try-out");
  assert.is((await server.ask("http", unsigned())).status, 202);
  const { json } = await server.ask("http", { path: "/events" });
  const [event] = json.items as { event_id: string; notes: string[] }[];
  assert.match(String(event?.notes), "not signed");
  for (const path of ["/runs", "/workflows", "/events", `/events/${event?.event_id}`]) {
    assert.is((await server.ask("http", { path })).status, 200, path);
  }
  const replayed = await server.ask("http", { method: "POST", path: `/events/${event?.event_id}/replay` });
  assert.is(replayed.status, 202);
});

const localHosts = ["127.0.0.1", "localhost", "LocalHost", "[::1]", "127.8.9.10"];
for (const host of localHosts) {
  test(`Host ${host} with our port is local`, async ({ server }) => {
    const headers = { host: `${host}:${server.port}` };
    assert.is((await server.ask("http", unsigned(headers))).status, 202);
    assert.is((await server.ask("http", { path: "/runs", headers })).status, 200);
  });
}

const own: readonly [header: string, value: (origin: string) => string][] = [
  ["origin", (origin) => origin],
  ["sec-fetch-site", () => "same-origin"],
  ["sec-fetch-site", () => "none"],
  ["user-agent", () => "curl/8"],
  ["authorization", () => "Bearer none-is-set"],
];
for (const [header, value] of own) {
  test(`${header}: ${value("our own")} is local`, async ({ server }) => {
    const headers = { [header]: value(server.origin) };
    assert.is((await server.ask("http", unsigned(headers))).status, 202);
    assert.is((await server.ask("http", { path: "/runs", headers })).status, 200);
  });
}

const foreign: readonly [header: string, value: string, adminStatus: number][] = [
  ["forwarded", "for=192.0.2.1", 401],
  ["x-forwarded-for", "127.0.0.1", 401],
  ["x-forwarded-for", "", 401],
  ["x-forwarded-proto", "https", 401],
  ["x-forwarded-host", "127.0.0.1", 401],
  ["x-forwarded-port", "443", 401],
  ["x-forwarded", "127.0.0.1", 401],
  ["x-real-ip", "127.0.0.1", 401],
  ["via", "1.1 proxy", 401],
  ["cf-connecting-ip", "127.0.0.1", 401],
  ["cf-ray", "1", 401],
  ["true-client-ip", "127.0.0.1", 401],
  ["origin", "https://evil.example", 403],
  ["origin", "null", 403],
  ["origin", "http://127.0.0.1", 403],
  ["origin", "http://127.0.0.1:1", 403],
  ["origin", "file://", 403],
  ["sec-fetch-site", "cross-site", 403],
  ["sec-fetch-site", "same-site", 403],
  ["host", "evil.example", 401],
  ["host", "evil.example:PORT", 401],
  ["host", "127.0.0.1.evil.example:PORT", 401],
  ["host", "localhost.evil.example:PORT", 401],
  ["host", "localhost", 401],
  ["host", "127.0.0.1:1", 401],
  ["host", "192.0.2.1:PORT", 401],
  ["host", "0.0.0.0:PORT", 401],
  ["host", "0:PORT", 401],
  ["host", "2130706433:PORT", 401],
  ["x-signature", signature(JSON.stringify(BODY), SECRET), 401],
  ["x-signature", "", 401],
];
for (const [header, template, adminStatus] of foreign) {
  test(`${header}: ${template.slice(0, 40)} is not local and stores nothing`, async ({ server }) => {
    const headers = { [header]: template.replace("PORT", String(server.port)) };
    const answer = await server.ask("http", unsigned(headers));
    assert.equal([answer.status, problemOf(answer).name], [401, "signature_invalid"]);
    assert.is((await server.ask("http", { path: "/runs", headers })).status, adminStatus);
    assert.equal(await server.count(), { events: 0, runs: 0 });
  });
}

test("the signature header of any scheme makes a request one that wants to be verified", async () => {
  const plain = { algorithm: "hmac-sha256", signature: { header: "x-plain-mac", encoding: "hex" } } as const;
  const server = await openServer({ schemes: { plain } }, { mayTryOut: true });
  try {
    const path = "/webhooks/plain";
    assert.is((await server.ask("http", { ...unsigned(), path })).status, 202);
    assert.is((await server.ask("http", { ...unsigned({ "x-plain-mac": "00" }), path })).status, 401);
    assert.is((await server.ask("http", unsigned({ "x-plain-mac": "00" }))).status, 401);
  } finally {
    await server.close();
  }
});

test("an HTTP/1.0 request without a Host is not local", async ({ server }) => {
  assert.is((await server.raw("GET /runs HTTP/1.0\r\n\r\n")).status, 401);
});

test("a request that a host app hands to fetch is never local", async ({ server }) => {
  assert.is((await server.ask("fetch", unsigned())).status, 401);
  assert.is((await server.ask("fetch", { path: "/runs" })).status, 401);
  const asked = new Request("http://localhost/runs");
  const withMore = server.latchhook.fetch as (request: Request, peer: object) => Promise<Response>;
  const peer = { address: "127.0.0.1", host: "localhost", port: 80 };
  assert.is((await withMore(asked, peer)).status, 401, "a host's further argument is not taken for a peer");
  assert.equal(await server.count(), { events: 0, runs: 0 });
});

test("a page of another site that guesses our address can start and read nothing", async ({ server }) => {
  // What a browser sends without asking first: a simple request, with its Origin, and no JSON.
  const simple = {
    origin: "https://evil.example",
    "sec-fetch-site": "cross-site",
    "content-type": "text/plain",
  };
  assert.is((await server.ask("http", { ...unsigned(), headers: simple })).status, 415);
  const preflight = { origin: "https://evil.example", "access-control-request-method": "POST" };
  const answer = await server.ask("http", {
    method: "OPTIONS",
    path: "/webhooks/generic",
    headers: preflight,
  });
  assert.is(answer.status, 405);
  assert.not.ok([...answer.headers.keys()].some((name) => name.startsWith("access-control-")));
});

const ends: readonly [what: string, options: LatchhookOptions][] = [
  ["a secret", { secrets: { generic: SECRET } }],
  ["a default secret", { secrets: { default: SECRET } }],
  ["an admin token", { adminToken: ADMIN_TOKEN }],
  ["publicUrl", { publicUrl: "https://hooks.example.org" }],
  ["trustProxy", { trustProxy: ["10.0.0.0/8"] }],
  ["authorize", { authorize: () => false }],
];
for (const [what, options] of ends) {
  test(`${what} ends try-out mode for deliveries and admin routes alike`, async () => {
    const server = await openServer(options, { mayTryOut: true });
    try {
      assert.is(server.latchhook.describe().mode, "secured");
      assert.is((await server.ask("http", unsigned())).status, 401);
      assert.is((await server.ask("http", { path: "/runs" })).status, 401);
      assert.equal(await server.count(), { events: 0, runs: 0 });
    } finally {
      await server.close();
    }
  });
}

test("without the program's word that it may, nothing is tried out", async () => {
  for (const internals of [{}, { mayTryOut: false }]) {
    const server = await openServer({ secrets: {}, adminToken: [] }, internals);
    try {
      assert.is((await server.ask("http", unsigned())).status, 401);
      assert.is((await server.ask("http", { path: "/runs" })).status, 401);
    } finally {
      await server.close();
    }
  }
});

const starts: readonly [host: string, isProduction: boolean, mode: string][] = [
  ["127.0.0.1", false, "try-out"],
  ["localhost", false, "try-out"],
  ["::1", false, "try-out"],
  ["127.0.0.1", true, "secured"],
  ["0.0.0.0", false, "secured"],
  ["::", false, "secured"],
  ["192.0.2.1", false, "secured"],
  ["localhost.example", false, "secured"],
];
for (const [host, isProduction, mode] of starts) {
  test(`the program on ${host} is ${mode}${isProduction ? " in production" : ""}`, async () => {
    const settings = settingsFromEnv({ HOST: host, DATABASE_URL: ":memory:" });
    const { latchhook, describe } = openProgram({
      ...settings,
      workflowsDir: new URL("../fixtures/workflows/", import.meta.url),
      isProduction,
      log: false,
    });
    try {
      await latchhook.start();
      assert.is(describe().mode, mode);
    } finally {
      await latchhook.stop({ grace: 0 });
    }
  });
}

test.run();

function unsigned(headers: Ask["headers"] = {}): Ask {
  return { path: "/webhooks/generic", body: JSON.stringify(BODY), headers: { ...JSON_TYPE, ...headers } };
}
