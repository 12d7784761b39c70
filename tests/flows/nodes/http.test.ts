import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isFatalError, isRetryError, type RetryError } from "../../../lib/workflow-errors.ts";
import { callHttp } from "../../support/call-http.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type Arrived, openTarget, type Target } from "../../support/open-target.ts";
import { rejects } from "../../support/rejects.ts";

type Reply = [status: number, headers: Record<string, string | string[]>, body?: string | Buffer];

const test = suite<{ target: Target; reply: (request: Arrived) => Reply }>("flows/nodes/http");
test.before.each(async (context) => {
  context.reply = () => [200, {}];
  context.target = await openTarget((request, response) => {
    const [status, headers, body] = context.reply(request);
    response.writeHead(status, headers).end(body);
  });
});
test.after.each(({ target }) => target.close());

const near = { allow_private: true };

test("a GET carries Via, a User-Agent and no coding, and says nothing else of itself", async ({ target }) => {
  await callHttp({ ...near, url: `${target.origin}/a/{state.x}?q={state.x}` }, { state: { x: "b c" } });
  const [{ method, url, headers, body }] = target.arrived as [Arrived];
  assert.equal([method, url, body], ["GET", "/a/b%20c?q=b%20c", ""]);
  assert.equal(headers, {
    host: `127.0.0.1:${target.port}`,
    via: "1.1 latchhook",
    "user-agent": "latchhook",
    "accept-encoding": "identity",
    accept: "*/*",
    connection: "close",
  });
});

test("JSON keeps the types of what is filled in, at any depth, and makes it a POST", async ({ target }) => {
  const state = { n: 1, list: [1, { a: null }], text: 'a"b' };
  const json = {
    n: "{n}",
    deep: [{ list: "{state.list}", key: "{env.KEY}" }],
    text: "is {text}",
    flag: true,
  };
  await callHttp({ ...near, url: target.origin, json }, { state, env: { KEY: "k" } });
  const [{ method, headers, body }] = target.arrived as [Arrived];
  assert.is(method, "POST");
  assert.is(headers["content-type"], "application/json");
  assert.is(headers["content-length"], String(Buffer.byteLength(body)));
  assert.equal(JSON.parse(body), {
    n: 1,
    deep: [{ list: [1, { a: null }], key: "k" }],
    text: 'is a"b',
    flag: true,
  });
});

test("a body is text, and a content type of the node's own wins", async ({ target }) => {
  await callHttp({ ...near, url: target.origin, body: "ü {x} {{}}" }, { state: { x: { a: 1 } } });
  await callHttp({
    ...near,
    url: target.origin,
    method: "PATCH",
    body: "a=1",
    headers: { "Content-Type": "a/b" },
  });
  await callHttp({
    ...near,
    url: target.origin,
    json: null,
    headers: { "content-type": "application/vnd.a+json" },
  });
  const [text, form, json] = target.arrived as [Arrived, Arrived, Arrived];
  assert.equal([text.body, text.headers["content-type"]], ['ü {"a":1} {}', "text/plain; charset=utf-8"]);
  assert.equal([form.method, form.body, form.headers["content-type"]], ["PATCH", "a=1", "a/b"]);
  assert.equal([json.body, json.headers["content-type"]], ["null", "application/vnd.a+json"]);
});

test("each method is sent as it is, and one without a body says so", async ({ target }) => {
  for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]) {
    assert.is((await callHttp({ ...near, method, url: target.origin })).body, null);
  }
  const sent = target.arrived.map(({ method, headers }) => [method, headers["content-length"]]);
  assert.equal(sent, [
    ["GET", undefined],
    ["HEAD", undefined],
    ["OPTIONS", undefined],
    ["POST", "0"],
    ["PUT", "0"],
    ["PATCH", "0"],
    ["DELETE", undefined],
  ]);
});

test("headers are filled, and a value that would begin another header ends the run unsent", async ({
  target,
}) => {
  const headers = { Authorization: "Bearer {env.TOKEN}", "X-Id": "{id}" };
  const env = { TOKEN: "s3cret" };
  await callHttp({ ...near, url: target.origin, headers }, { state: { id: 7 }, env });
  const sent = target.arrived[0]?.headers;
  assert.equal([sent?.authorization, sent?.["x-id"]], ["Bearer s3cret", "7"]);
  for (const id of ["a\r\nVia: none", "a\n", "a\0", "é"]) {
    await rejects(callHttp({ ...near, url: target.origin, headers }, { state: { id }, env }), (error) => {
      assert.ok(isFatalError(error));
      assert.match(
        error.message,
        /^Cannot fill http\.headers\.x-id: its value has a line break or what is not/,
      );
      assert.not.match(error.message, /s3cret|none/);
    });
  }
  assert.is(target.arrived.length, 1);
});

test("the result is status, headers in lower case, and the body by its content type", async (context) => {
  const { target } = context;
  const cases: [headers: Record<string, string | string[]>, body: string | Buffer, value: unknown][] = [
    [{ "Content-Type": "application/json" }, '{"a":[1]}', { a: [1] }],
    [{ "Content-Type": "Application/Problem+JSON; charset=utf-8" }, '"a"', "a"],
    [{ "Content-Type": "application/json" }, "\ufeff{}", {}],
    [{ "Content-Type": "application/json" }, "", null],
    [{ "Content-Type": "application/json-seq" }, "{}", "{}"],
    [{ "Content-Type": "text/html; charset=iso-8859-1" }, Buffer.from([0xe9]), "é"],
    [{ "Content-Type": 'text/plain; charset="UTF-8"' }, "é", "é"],
    [{ "Content-Type": "text/plain; charset=nonsense" }, "é", "é"],
    [{}, "plain", "plain"],
  ];
  for (const [headers, body, value] of cases) {
    context.reply = () => [201, headers, body];
    const called = await callHttp({ ...near, url: target.origin });
    assert.is(called.status, 201);
    assert.equal(called.body, value);
  }
  context.reply = () => [200, { "X-Two": ["1", "2"], "Set-Cookie": ["a=1, x", "b=2"], __proto__x: "1" }];
  const { headers } = await callHttp({ ...near, url: target.origin });
  assert.equal([headers["x-two"], headers["set-cookie"]], ["1, 2", "a=1, x\nb=2"]);
  assert.ok(Object.values(headers).every((value) => typeof value === "string"));
});

const statuses: [status: number, expect: unknown, end: "result" | "again" | "final"][] = [
  [200, undefined, "result"],
  [204, undefined, "result"],
  [299, undefined, "result"],
  [304, undefined, "final"],
  [400, undefined, "final"],
  [401, undefined, "final"],
  [404, undefined, "final"],
  [408, undefined, "again"],
  [409, undefined, "again"],
  [410, undefined, "final"],
  [422, undefined, "final"],
  [423, undefined, "again"],
  [425, undefined, "again"],
  [600, undefined, "final"],
  [999, undefined, "final"],
  [429, undefined, "again"],
  [500, undefined, "again"],
  [503, undefined, "again"],
  [404, ["2xx", 404], "result"],
  [404, 404, "result"],
  [200, 201, "final"],
  [500, "5xx", "result"],
  [302, "3xx", "result"],
];
for (const [status, expect, end] of statuses) {
  test(`${status} where ${JSON.stringify(expect ?? "2xx")} is expected: ${end}`, async (context) => {
    context.reply = () => [status, { location: "/elsewhere" }];
    const form = {
      ...near,
      url: `${context.target.origin}/{x}?key=abc`,
      ...(expect === undefined ? {} : { expect }),
    };
    const called = callHttp(form, { state: { x: "hidden" } });
    if (end === "result") assert.is((await called).status, status);
    else {
      await rejects(called, (error) => {
        assert.is(isFatalError(error), end === "final");
        assert.match(
          error.message,
          `Cannot call GET ${context.target.origin}/{x} in http node "call": answered ${status}`,
        );
        assert.match(error.message, /, where (2xx|201) is expected$/);
        assert.not.match(error.message, /hidden|key|abc/);
      });
    }
    assert.is(context.target.arrived.length, 1);
  });
}

test("an unexpected answer's body is neither read nor shown", async (context) => {
  context.reply = () => [500, { "content-type": "text/plain" }, "the password is hunter2"];
  await rejects(callHttp({ ...near, url: context.target.origin }), (error) => {
    assert.not.match(`${error.message} ${JSON.stringify(error)} ${error.cause}`, "hunter2");
    assert.match(error.message, "answered 500 Internal Server Error, where 2xx is expected");
  });
});

test("Retry-After of a passing status says when the next attempt starts, a day at most", async (context) => {
  const clock = new ManualClock();
  const cases: [status: number, header: string, after: number | null][] = [
    [429, "7", 7_000],
    [503, "Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    [500, "7", 7_000],
    [429, "9999999", 86_400_000],
    [429, "0", null],
    [429, "soon", null],
    [404, "7", null],
  ];
  for (const [status, header, after] of cases) {
    context.reply = () => [status, { "retry-after": header }];
    await rejects(callHttp({ ...near, url: context.target.origin }, { clock }), (error) => {
      assert.is(isRetryError(error) ? (error as RetryError).after : null, after, `${status} ${header}`);
      assert.is(isFatalError(error), status === 404);
    });
  }
  context.reply = () => [429, { "retry-after": "7" }];
  assert.is((await callHttp({ ...near, url: context.target.origin, expect: 429 }, { clock })).status, 429);
});

test("JSON that is none fails the attempt without a word of it, and one that is nested too deep ends the run", async (context) => {
  const bodies: [string, RegExp][] = [
    ['{"secret": hunter2}', /its body is JSON by its content-type and cannot be read$/],
    ["[".repeat(1_000), /and nested over 200 levels$/],
  ];
  for (const [body, message] of bodies) {
    context.reply = () => [200, { "content-type": "application/json" }, body];
    await rejects(callHttp({ ...near, url: context.target.origin }), (error) => {
      assert.match(error.message, message);
      // What is too deep once is so again.
      assert.is(isFatalError(error), body.startsWith("["));
      assert.is(error.cause, undefined);
    });
  }
});

test("a server that is not there fails the attempt with its code and no address", async () => {
  const target = await openTarget(() => {});
  await target.close();
  await rejects(callHttp({ ...near, url: `${target.origin}/{x}` }, { state: { x: "hidden" } }), (error) => {
    assert.is(
      error.message,
      `Cannot call GET ${target.origin}/{x} in http node "call": failed with ECONNREFUSED`,
    );
    assert.not.ok(isFatalError(error));
    assert.is(error.cause, undefined);
  });
});

test.run();
