import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../../lib/errors.ts";
import type { Storage } from "../../lib/repositories.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import { createInnerLatchhook } from "../../lib/wiring/latchhook.ts";
import {
  type Answer,
  type Ask,
  AUTHORIZED,
  DOORS,
  delivery,
  type Json,
  openServer,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { rejects } from "../support/rejects.ts";
import { sampleWorkflows } from "../support/sample-workflows.ts";
import { StoredFile } from "../support/stored.ts";
import { until } from "../support/until.ts";

const BODY = { workflow_name: "any", inputs: {} };
const JSON_TYPE = { "content-type": "application/json" };

/** Fails unless the answer carries what every answer carries, and nothing that none may. */
function checkHeaders(answer: Answer): void {
  const { headers, status } = answer;
  const what = `${status} ${answer.text}`;
  assert.is(headers.get("cache-control"), "no-store", what);
  assert.is(headers.get("x-content-type-options"), "nosniff", what);
  assert.is(headers.get("referrer-policy"), "no-referrer", what);
  for (const name of headers.keys()) {
    assert.not.match(name, /^(?:server|x-powered-by|set-cookie|etag|vary|access-control-.*)$/, what);
  }
  assert.is(headers.has("www-authenticate"), status === 401, what);
  assert.is(headers.has("allow"), status === 405, what);
  assert.is(headers.has("retry-after"), status === 503 || status === 429, what);
  if (status === 503 || status === 429) assert.match(String(headers.get("retry-after")), /^[1-9]\d*$/);
  if (
    status >= 400 &&
    answer.text !== "" &&
    !("status" in answer.json && Object.keys(answer.json).length === 1)
  ) {
    problemOf(answer);
  }
}

const test = suite<{ server: TestServer }>("routes/answers");
test.before.each(async (context) => {
  context.server = await openServer();
});
test.after.each(({ server }) => server.close());

const asks: readonly [ask: Ask, status: number][] = [
  [{ path: "/health" }, 200],
  [{ path: "/ready" }, 200],
  [{ path: "/runs", headers: AUTHORIZED }, 200],
  [{ path: "/events", headers: AUTHORIZED }, 200],
  [{ path: "/workflows", headers: AUTHORIZED }, 200],
  [{ path: "/runs/RUN", headers: AUTHORIZED }, 200],
  [{ path: "/events/EVENT", headers: AUTHORIZED }, 200],
  [{ method: "HEAD", path: "/runs/RUN", headers: AUTHORIZED }, 200],
  [{ method: "POST", path: "/events/EVENT/replay", headers: AUTHORIZED }, 202],
  [{ method: "POST", path: "/runs/RUN/cancel", headers: AUTHORIZED }, 409],
  [{ method: "POST", path: "/runs/RUN/retry", headers: AUTHORIZED }, 409],
  [{ path: "/runs/run_unknown", headers: AUTHORIZED }, 404],
  [{ method: "HEAD", path: "/runs/run_unknown", headers: AUTHORIZED }, 404],
  [{ path: "/runs?limit=0", headers: AUTHORIZED }, 422],
  [{ path: "/runs?cursor=x", headers: AUTHORIZED }, 422],
  [{ path: "/runs" }, 401],
  [{ method: "HEAD", path: "/runs" }, 401],
  [{ path: "/runs", headers: { origin: "https://evil.example" } }, 403],
  [{ method: "OPTIONS", path: "/runs", headers: { origin: "https://evil.example" } }, 405],
  [{ method: "PUT", path: "/health" }, 405],
  [{ method: "HEAD", path: "/webhooks/generic" }, 405],
  [{ path: "/nowhere" }, 404],
  [{ path: "/webhooks/unknown", body: "{}", headers: JSON_TYPE }, 404],
  [delivery(BODY), 202],
  [delivery({ ...BODY, webhook_id: "seen" }), 200],
  [delivery(BODY, { headers: { prefer: "wait=9" } }), 200],
  [delivery({ ...BODY, workflow_name: "broken" }, { headers: { prefer: "wait=9" } }), 500],
  [delivery({ ...BODY, inputs: { a: 1 }, webhook_id: "seen" }), 422],
  [delivery({ ...BODY, workflow_name: "unknown" }), 404],
  [delivery({ ...BODY, workflow_name: "write" }), 422],
  [delivery({}), 422],
  [delivery("{"), 400],
  [delivery("[".repeat(201)), 400],
  [delivery(BODY, { secret: "wrong" }), 401],
  [delivery(BODY, { headers: { "content-type": "text/plain" } }), 415],
  [delivery(BODY, { headers: { "content-encoding": "gzip" } }), 415],
  [delivery(" ".repeat(2_000_000)), 413],
  [{ method: "DELETE", path: "/events/EVENT", headers: AUTHORIZED }, 200],
];
test("every answer has the standard headers and none that says who we are", async ({ server }) => {
  const seen = await server.ask("http", delivery({ ...BODY, webhook_id: "seen" }));
  const { event_id: eventId, run_id: runId } = seen.json;
  await server.reaches(String(runId), "succeeded");
  for (const [asked, status] of asks) {
    const path = asked.path.replace("RUN", String(runId)).replace("EVENT", String(eventId));
    if (asked.method === "DELETE") await allAtRest(server);
    const answer = await server.askBoth({ ...asked, path });
    assert.is(answer.status, status, `${asked.method ?? ""} ${path} ${answer.text}`);
    checkHeaders(answer);
    checkHeaders(await server.ask("fetch", { ...asked, path }));
  }
});

const raws: readonly [what: string, text: string, status: number][] = [
  ["no HTTP", "hello\r\n\r\n", 400],
  ["no Host", "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
  ["two Hosts", "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", 400],
  ["an unknown target", "GET /a%20b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404],
  ["a tunnel", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 405],
  ["headers without end", `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ["TRACE", "TRACE /health HTTP/1.1\r\nHost: a\r\nX-A: c4n4ry\r\nConnection: close\r\n\r\n", 405],
];
for (const [what, text, status] of raws) {
  test(`the answer to ${what} has the standard headers too`, async ({ server }) => {
    const answer = await server.raw(text);
    assert.is(answer.status, status, answer.text);
    checkHeaders(answer);
    assert.not.match(answer.text, /c4n4ry|evil\.example/);
  });
}

test("HEAD equals GET without its body, on every GET route, right or wrong", async ({ server }) => {
  const { json } = await server.ask("http", delivery(BODY));
  await server.reaches(String(json.run_id), "succeeded");
  const own = [`/runs/${json.run_id}`, `/events/${json.event_id}`];
  for (const path of [
    "/health",
    "/ready",
    "/runs",
    "/events",
    "/workflows",
    ...own,
    "/runs/x",
    "/runs?limit=0",
    "/x",
  ]) {
    for (const headers of [AUTHORIZED, {}]) {
      for (const door of DOORS) {
        const [get, head] = [
          await server.ask(door, { path, headers }),
          await server.ask(door, { method: "HEAD", path, headers }),
        ];
        assert.is(head.text, "");
        assert.is(head.status, get.status);
        const hops = ["connection", "content-length", "date", "keep-alive", "transfer-encoding"];
        const list = (answer: Answer) => [...answer.headers].filter(([name]) => !hops.includes(name));
        assert.equal(list(head), list(get), path);
      }
    }
  }
});

const urls: readonly [options: { basePath?: string; publicUrl?: string }, base: string, path: string][] = [
  [{}, "", ""],
  [{ basePath: "/hooks" }, "/hooks", "/hooks"],
  [{ basePath: "/hooks/" }, "/hooks", "/hooks"],
  [{ basePath: "/a/b" }, "/a/b", "/a/b"],
  [{ publicUrl: "https://hooks.example.org" }, "https://hooks.example.org", ""],
  [{ publicUrl: "https://hooks.example.org/x/" }, "https://hooks.example.org/x", ""],
  [{ publicUrl: "https://hooks.example.org/", basePath: "/a" }, "https://hooks.example.org/a", "/a"],
];
for (const [options, base, path] of urls) {
  test(`with ${JSON.stringify(options)} status_url and Location begin with ${base || "/runs"}`, async () => {
    const server = await openServer({ ...options, workflows: sampleWorkflows });
    try {
      const asked = delivery({ ...BODY, webhook_id: "a" }, { path: `${path}/webhooks/generic` });
      const first = await server.ask("http", asked);
      assert.is(first.status, 202);
      const { json } = first;
      const statusUrl = `${base}/runs/${json.run_id}`;
      assert.equal([json.status_url, (json.runs as Json[])[0]?.status_url], [statusUrl, statusUrl]);
      const copy = await server.askBoth(asked);
      const waited = await server.askBoth({ ...asked, headers: { ...asked.headers, prefer: "wait=5" } });
      for (const answer of [first, copy, waited]) {
        assert.equal([answer.headers.get("location"), answer.json.status_url], [statusUrl, statusUrl]);
      }
      const event = await server.askBoth({ path: `${path}/events/${json.event_id}`, headers: AUTHORIZED });
      assert.is((event.json.runs as Json[])[0]?.status_url, statusUrl);
      assert.is((await server.askBoth({ path: `${path}/health` })).status, 200);
      if (path === "") return;
      for (const outside of [
        "/health",
        `${path}health`,
        `${path}x/health`,
        `/x${path}/health`,
        path,
        `${path}/`,
      ]) {
        assert.is((await server.askBoth({ path: outside })).status, 404, outside);
      }
    } finally {
      await server.close();
    }
  });
}

test("Host is never repeated, in no answer and no header", async ({ server }) => {
  const host = { host: "c4n4ry.example", "x-forwarded-host": "c4n4ry.example" };
  const forwarded = { ...host, forwarded: "host=c4n4ry.example", "x-forwarded-proto": "https" };
  const accepted = await server.ask("http", delivery(BODY, { headers: forwarded }));
  assert.is(accepted.status, 202);
  const asks: Ask[] = [
    { path: "/nowhere" },
    { path: "/runs" },
    { path: "/runs", headers: AUTHORIZED },
    { path: `/events/${accepted.json.event_id}`, headers: AUTHORIZED },
    { method: "PUT", path: "/runs" },
    delivery("{"),
  ];
  const answers = [accepted];
  for (const asked of asks) {
    answers.push(await server.ask("http", { ...asked, headers: { ...asked.headers, ...forwarded } }));
  }
  const target =
    "GET http://c4n4ry.example/runs HTTP/1.1\r\nHost: c4n4ry.example\r\nConnection: close\r\n\r\n";
  answers.push(await server.raw(target));
  for (const { text, headers } of answers) assert.not.match(text + JSON.stringify([...headers]), "c4n4ry");
});

test("Host is never taken for a part of the target", async ({ server }) => {
  for (const host of ["a/health?", "a/health#", "a\\health?", "a:80:80", "[", "a b", "user@a"]) {
    const answer = await server.raw(`GET /runs HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.is(answer.status, 401, host);
    checkHeaders(answer);
  }
});

test("after a stop every door is shut with 503, and says when to come back", async ({ server }) => {
  await server.latchhook.stop();
  for (const asked of [
    delivery(BODY),
    { path: "/runs", headers: AUTHORIZED },
    { path: "/runs" },
    { path: "/workflows", headers: AUTHORIZED },
  ]) {
    const answer = await server.askBoth(asked);
    assert.equal([answer.status, problemOf(answer).name], [503, "stopping"]);
    checkHeaders(answer);
  }
  const ready = await server.askBoth({ path: "/ready" });
  assert.equal([ready.status, ready.json], [503, { status: "stopping" }]);
  checkHeaders(ready);
  await server.latchhook.stop();
  assert.equal(await server.count(), { events: 0, runs: 0 });
});

test("one that was stopped before it started answers 503 too and opens nothing", async () => {
  let isOpened = false;
  const storage = (): Promise<Storage> => {
    isOpened = true;
    return createStorageBackend(":memory:");
  };
  const latchhook = createInnerLatchhook({ storage });
  await latchhook.stop();
  const response = await latchhook.fetch(new Request("http://localhost/runs"));
  assert.is(response.status, 503);
  await rejects(latchhook.start(), /stopped/);
  assert.is(isOpened, false);
});

test("a storage that fails is 503 with Retry-After, never a 4xx and never a 500", async ({ server }) => {
  const faults: readonly [error: Error, name: string][] = [
    [new WebhookError("storage_unavailable", "c4n4ry"), "storage_unavailable"],
    [new Error("c4n4ry"), "internal"],
    [new TypeError("c4n4ry"), "internal"],
    [new WebhookError("unheard_of", "c4n4ry"), "internal"],
  ];
  for (const [error, name] of faults) {
    const failing = await openServer({ storage: failingStorage(server.storage, error) });
    try {
      for (const asked of [delivery(BODY), { path: "/runs", headers: AUTHORIZED }]) {
        const answer = await failing.askBoth(asked);
        assert.equal([answer.status, problemOf(answer).name], [503, name]);
        assert.not.match(answer.text, "c4n4ry");
        checkHeaders(answer);
      }
      const ready = await failing.askBoth({ path: "/ready" });
      assert.equal([ready.status, ready.json], [503, { status: "unavailable" }]);
      checkHeaders(ready);
      assert.is((await failing.askBoth({ path: "/health" })).status, 200);
    } finally {
      await failing.close();
    }
  }
});

test("a start that fails is 503, and the next request tries it again", async () => {
  let starts = 0;
  const storage = (): Promise<Storage> => {
    starts++;
    if (starts < 3) throw new WebhookError("storage_unavailable", "c4n4ry");
    return createStorageBackend(":memory:");
  };
  const latchhook = createInnerLatchhook({ storage });
  try {
    for (const status of [503, 503, 200, 200]) {
      const response = await latchhook.fetch(new Request("http://localhost/health"));
      assert.is(response.status, status);
      assert.not.match(await response.text(), "c4n4ry");
    }
    assert.is(starts, 3);
  } finally {
    await latchhook.stop();
  }
});

test("a body that had to go for others is answered as overloaded, with the headers of every answer", async () => {
  const server = await openServer({}, { bodies: { bytesMax: 1_000 } });
  try {
    const never = new Promise<void>(() => {});
    let pulls = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: (controller) => (pulls++ === 0 ? controller.enqueue(new Uint8Array(900)) : never),
      },
      { highWaterMark: 0 },
    );
    const init = { method: "POST", headers: JSON_TYPE, body, duplex: "half" } as RequestInit;
    const first = server.latchhook.fetch(new Request("http://localhost/webhooks/generic", init));
    await until(() => pulls === 2, "the slow body to be read as far as it came");
    const large = delivery({ ...BODY, inputs: { pad: "x".repeat(200) } });
    assert.is((await server.ask("fetch", large)).status, 202);
    const { status, headers, text } = await first.then(async (response) => ({
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    }));
    const refused = { status, headers, text, json: JSON.parse(text) as Json };
    assert.equal([status, problemOf(refused).name], [503, "overloaded"]);
    checkHeaders(refused);
  } finally {
    await server.close();
  }
});

test("two Latchhooks in one process share nothing", async ({ server }) => {
  const other = await openServer({
    secrets: { generic: "other-secret" },
    workflows: { write: sampleWorkflows.write as never },
  });
  try {
    const asked = delivery({ ...BODY, webhook_id: "a" });
    const { json } = await server.ask("http", asked);
    assert.is((await other.askBoth(asked)).status, 401);
    const theirs = delivery({ ...BODY, webhook_id: "a" }, { secret: "other-secret" });
    assert.equal(problemOf(await other.askBoth(theirs)).name, "workflow_unknown");
    const write = delivery(
      { workflow_name: "write", inputs: { topic: "AI" }, webhook_id: "a" },
      { secret: "other-secret" },
    );
    assert.is((await other.ask("http", write)).status, 202);
    assert.is((await other.admin("GET", `/runs/${json.run_id}`)).status, 404);
    assert.equal(
      [await server.count(), await other.count()],
      [
        { events: 1, runs: 1 },
        { events: 1, runs: 1 },
      ],
    );
    await other.latchhook.stop({ grace: 0 });
    assert.is((await server.askBoth(delivery(BODY))).status, 202);
  } finally {
    await other.close();
  }
});

test("role work has /health and /ready alone, and role serve takes deliveries and runs nothing", async () => {
  const file = await StoredFile.make();
  try {
    const storage = await file.open();
    if (!storage.about.isShared) {
      await rejects(openServer({ storage, role: "serve" }), /ROLE=serve/);
      await rejects(openServer({ storage, role: "work" }), /ROLE=work/);
      return;
    }
    const serve = await openServer({ storage: await file.open(), role: "serve" });
    const accepted = await serve.ask("http", delivery({ workflow_name: "write", inputs: { topic: "AI" } }));
    assert.equal([accepted.status, accepted.json.run_status], [202, "queued"]);
    const refused = await serve.askBoth(delivery({ workflow_name: "write", inputs: {} }));
    assert.is(refused.status, 422, "it validates inputs");
    const runId = String(accepted.json.run_id);
    for (let look = 0; look < 20; look++) {
      assert.is((await serve.admin("GET", `/runs/${runId}`)).json.status, "queued");
    }
    assert.equal(((await serve.admin("GET", `/runs/${runId}`)).json.attempts as Json[]).length, 0);

    const work = await openServer({ storage: await file.open(), role: "work" });
    await serve.reaches(runId, "succeeded");
    for (const path of ["/health", "/ready"]) assert.is((await work.askBoth({ path })).status, 200);
    for (const asked of asks.map(([one]) => one).filter(({ path }) => !/^\/(?:health|ready)/.test(path))) {
      const answer = await work.askBoth(asked);
      assert.is(answer.status, 404, asked.path);
      checkHeaders(answer);
    }
    await work.close();
    await serve.close();
  } finally {
    await file.close();
  }
});

test("liveness and readiness say a status and nothing else, to anybody", async ({ server }) => {
  for (const path of ["/health", "/ready"]) {
    const answer = await server.askBoth({ path });
    assert.equal([answer.status, answer.json], [200, { status: "ok" }]);
  }
});

test("each refusal says in its own words what is wrong", async ({ server }) => {
  const details = new Map<string, string>();
  for (const [asked, status] of asks.filter(([, code]) => code >= 400 && code !== 500)) {
    const answer = await server.ask("http", asked);
    if (answer.text === "" || answer.status !== status) continue;
    const { name } = problemOf(answer);
    const { detail, title } = answer.json;
    details.set(name, String(detail));
    assert.ok(String(detail).length > 10 && detail !== title, `${name}: ${detail}`);
  }
  assert.ok(details.size >= 12, [...details.keys()].join());
});

test.run();

/** A storage of which what a request needs fails. */
function failingStorage(storage: Storage, error: Error): Storage {
  const failing = new Set<PropertyKey>(["accept", "listRuns", "checkReady"]);
  return new Proxy(storage, {
    get(target, key) {
      if (failing.has(key)) return () => Promise.reject(error);
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function allAtRest(server: TestServer): Promise<void> {
  const { json } = await server.admin("GET", "/runs?limit=200");
  for (const run of json.items as Json[]) {
    if (run.workflow_name !== "broken") await server.reaches(String(run.run_id), "succeeded");
  }
}
