import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isFatalError } from "../../../lib/workflow-errors.ts";
import { type Around, type Called, callHttp } from "../../support/call-http.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { type Arrived, openTarget, type Target } from "../../support/open-target.ts";
import { rejects } from "../../support/rejects.ts";

/** Answers `/to?STATUS=LOCATION` with that, and anything else with "end". */
const redirecting = (request: Arrived, response: import("node:http").ServerResponse): void => {
  const [, status, location] = /^\/to\?(\d+)=(.*)$/.exec(request.url) ?? [];
  if (status === undefined) response.end("end");
  else
    response
      .writeHead(Number(status), location === "" ? {} : { location: decodeURIComponent(location ?? "") })
      .end();
};

const test = suite<{ one: Target; two: Target }>("flows/nodes/http-redirects");
test.before.each(async (context) => {
  context.one = await openTarget(redirecting);
  context.two = await openTarget(redirecting);
});
test.after.each(async ({ one, two }) => {
  await one.close();
  await two.close();
});

const names = {
  "one.example": ["127.0.0.1"],
  "two.example": ["127.0.0.1"],
  "inner.example": ["127.0.0.2"],
  "mixed.example": ["127.0.0.1", "127.0.0.2"],
};
/** 127.0.0.1 stands for the public internet, so that a redirect can lead from it to what is not. */
const judge = (address: string): string | null => (address === "127.0.0.1" ? null : "private");

const to = (status: number, location: string): string => `/to?${status}=${encodeURIComponent(location)}`;
const call = (form: object, around: Around = {}): Promise<Called> =>
  callHttp({ allow_private: true, ...form }, { names, ...around });

test("301, 302 and 303 make a POST a GET without a body, 307 and 308 keep both", async ({ one }) => {
  for (const [status, method, body] of [
    [301, "GET", ""],
    [302, "GET", ""],
    [303, "GET", ""],
    [307, "POST", '{"a":1}'],
    [308, "POST", '{"a":1}'],
  ] as const) {
    one.arrived.length = 0;
    await call({ url: `${one.origin}${to(status, "/end")}`, json: { a: 1 } });
    const [, second] = one.arrived as [Arrived, Arrived];
    assert.equal([second.method, second.url, second.body], [method, "/end", body], String(status));
    assert.is(second.headers["content-type"], body === "" ? undefined : "application/json");
    assert.is(second.headers["content-length"], body === "" ? undefined : "7");
  }
});

test("of other methods 303 makes a GET, HEAD stays, and 301 and 302 change none", async ({ one }) => {
  const cases: [number, string, string][] = [
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [302, "HEAD", "HEAD"],
  ];
  for (const [status, method, next] of cases) {
    one.arrived.length = 0;
    await call({ url: `${one.origin}${to(status, "end")}`, method });
    assert.is(one.arrived[1]?.method, next, `${status} ${method}`);
  }
});

test("a body goes to another origin only where it is listed, by OPTIONS, too", async ({ one, two }) => {
  const form = {
    url: `${one.origin}${to(307, `${two.origin}/end`)}`,
    method: "OPTIONS",
    json: { token: "x" },
  };
  await rejects(call(form), (error) => {
    assert.match(error.message, /its redirect is refused/);
    assert.ok(isFatalError(error));
  });
  assert.is(two.arrived.length, 0);
  await call({ ...form, url: `${one.origin}${to(307, "/end")}` });
  assert.is(one.arrived.at(-1)?.body, '{"token":"x"}');
});

test("every request of a redirect carries Via", async ({ one, two }) => {
  await call({ url: `${one.origin}${to(302, to(302, `${two.origin}/end`))}` });
  const vias = [...one.arrived, ...two.arrived].map(({ headers }) => headers.via);
  assert.equal(vias, Array(3).fill("1.1 latchhook"));
});

const HEADERS = {
  Authorization: "Bearer {env.TOKEN}",
  Cookie: "a=1",
  "X-Api-Key": "literal",
  "X-Anything": "literal",
  Accept: "application/json",
  "User-Agent": "mine",
};
const CREDENTIALS = ["authorization", "cookie", "x-api-key", "x-anything"];

test("headers stay at their origin: another name, port or scheme gets no credential, and the way back neither", async ({
  one,
  two,
}) => {
  const elsewhere = [
    `${two.origin}/end`, // another port
    `http://two.example:${one.port}/end`,
    `http://localhost:${one.port}/end`,
  ];
  for (const location of elsewhere) {
    one.arrived.length = two.arrived.length = 0;
    const back = `${location.replace("/end", "")}${to(302, `${one.origin}/back`)}`;
    await call(
      { url: `${one.origin}${to(302, back)}`, headers: HEADERS },
      { env: { TOKEN: "s3cret" }, names: { ...names, localhost: ["127.0.0.1"] } },
    );
    const others = [...one.arrived.slice(1), ...two.arrived];
    assert.is(one.arrived[0]?.headers.authorization, "Bearer s3cret");
    assert.is(others.length, 2);
    for (const { headers, url } of others) {
      for (const name of CREDENTIALS) assert.is(headers[name], undefined, `${name} at ${location} ${url}`);
      assert.equal([headers.accept, headers["user-agent"]], ["application/json", "mine"]);
    }
  }
});

test("at the same origin headers stay", async ({ one }) => {
  await call({ url: `${one.origin}${to(307, "/end")}`, headers: HEADERS }, { env: { TOKEN: "s3cret" } });
  assert.is(one.arrived[1]?.headers.authorization, "Bearer s3cret");
  assert.is(one.arrived[1]?.headers["x-api-key"], "literal");
});

test("a harmless header that reads the environment goes to no other origin", async ({ one, two }) => {
  const headers = { "User-Agent": "mine/{env.TOKEN}" };
  await call({ url: `${one.origin}${to(302, `${two.origin}/end`)}`, headers }, { env: { TOKEN: "s3cret" } });
  assert.is(one.arrived[0]?.headers["user-agent"], "mine/s3cret");
  assert.is(two.arrived[0]?.headers["user-agent"], undefined);
});

test("a body goes to another origin only where allow_hosts has it, and without the credentials", async ({
  one,
  two,
}) => {
  const form = { url: `${one.origin}${to(307, `${two.origin}/end`)}`, json: { a: 1 }, headers: HEADERS };
  const env = { TOKEN: "s3cret" };
  await rejects(call(form, { env }), (error) => {
    assert.match(
      error.message,
      `its redirect is refused: a POST goes to another origin only where allow_hosts has it`,
    );
    assert.ok(isFatalError(error));
  });
  assert.is(two.arrived.length, 0);
  await call({ ...form, allow_hosts: [`127.0.0.1:${two.port}`] }, { env });
  assert.is(two.arrived[0]?.body, '{"a":1}');
  for (const name of CREDENTIALS) assert.is(two.arrived[0]?.headers[name], undefined, name);
});

test("the address of each redirect is checked", async ({ one }) => {
  const url = (location: string): object => ({
    url: `http://one.example:${one.port}${to(302, location)}`,
    allow_private: false,
  });
  const around = { notPublic: judge };
  assert.is((await call(url(`http://two.example:${one.port}/end`), around)).body, "end");
  one.arrived.length = 0;
  const inner = [
    "http://inner.example/",
    "http://127.0.0.2/",
    "http://mixed.example/",
    "http://[::1]/",
    "http://169.254.169.254/latest/meta-data",
  ];
  for (const location of inner) {
    await rejects(call(url(location), around), (error) => {
      assert.match(error.message, /: the host of its redirect has an address that is private$/);
      assert.ok(isFatalError(error));
    });
  }
  assert.is(one.arrived.length, inner.length);
});

test("where allow_hosts is given a redirect leads to no other host", async ({ one, two }) => {
  const allow_hosts = ["two.example:443", `two.example:${two.port}`];
  const url = (location: string): string => `http://one.example:${one.port}${to(302, location)}`;
  assert.is((await call({ allow_hosts, url: url(`http://two.example:${two.port}/end`) })).body, "end");
  assert.is((await call({ allow_hosts, url: url("/end") })).body, "end");
  for (const host of [`one.example:${two.port}`, `inner.example:${two.port}`, `two.example:${one.port}`]) {
    await rejects(call({ allow_hosts, url: url(`http://${host}/s3cret`) }), (error) => {
      assert.match(error.message, /its redirect is refused: it leads to a host that is not in allow_hosts$/);
      assert.not.match(error.message, host);
      assert.ok(isFatalError(error));
    });
  }
});

test("from https nothing leads to http, and to another scheme or a user neither", async ({ one }) => {
  const tls = makeCertificates(["one.example"]);
  const safe = await openTarget(redirecting, { tls });
  const cases: [from: string, location: string, message: RegExp][] = [
    [
      `https://one.example:${safe.port}`,
      `http://one.example:${one.port}/`,
      /is refused: it leads from https to http$/,
    ],
    [
      `http://one.example:${one.port}`,
      "ftp://one.example/",
      /leads to no http or https URL without user and password$/,
    ],
    [`http://one.example:${one.port}`, "file:///etc/passwd", /leads to no http or https URL/],
    [`http://one.example:${one.port}`, "http://s3cret:a@one.example/", /leads to no http or https URL/],
    [`http://one.example:${one.port}`, "http://[", /leads to no http or https URL/],
    [`http://one.example:${one.port}`, "", /its redirect has no location$/],
  ];
  for (const [from, location, message] of cases) {
    await rejects(call({ url: from + to(302, location) }, { ca: tls.ca }), (error) => {
      assert.match(error.message, message);
      assert.not.match(error.message, "s3cret");
      assert.ok(isFatalError(error));
    });
  }
  const up = await call(
    { url: `http://one.example:${one.port}${to(302, `https://one.example:${safe.port}/end`)}` },
    { ca: tls.ca },
  );
  assert.is(up.body, "end");
  await safe.close();
});

test("redirects end: after five, after the number that is given, and at once with none", async ({ one }) => {
  const chain = (length: number): string =>
    Array.from({ length }).reduce<string>((location) => to(302, location), "/end");
  assert.is((await call({ url: one.origin + chain(5) })).body, "end");
  await rejects(call({ url: one.origin + chain(6) }), (error) => {
    assert.match(error.message, /it was redirected more than 5 times$/);
    assert.ok(isFatalError(error));
  });
  assert.is((await call({ url: one.origin + chain(2), redirects: 2 })).body, "end");
  await rejects(call({ url: one.origin + chain(3), redirects: 2 }), /more than 2 times$/);
  one.arrived.length = 0;
  await rejects(call({ url: one.origin + chain(1), redirects: 0 }), (error) => {
    assert.match(error.message, /answered 302 Found, where 2xx is expected$/);
    assert.ok(isFatalError(error));
  });
  assert.is(one.arrived.length, 1);
});

test("a redirect that is expected is the result and is not followed", async ({ one }) => {
  const called = await call({ url: one.origin + to(302, "/end"), expect: [302] });
  assert.equal([called.status, called.headers.location], [302, "/end"]);
  assert.is(one.arrived.length, 1);
});

test("300, 304 and 305 are no redirects", async ({ one }) => {
  for (const status of [300, 304, 305]) {
    await rejects(call({ url: one.origin + to(status, "/end") }), new RegExp(`answered ${status} `));
  }
  assert.is(one.arrived.length, 3);
});

test.run();
