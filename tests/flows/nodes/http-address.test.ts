import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { NodeContext, NodeGivens } from "../../../lib/flows/node-kind.ts";
import { http } from "../../../lib/flows/nodes/http.ts";
import { isFatalError } from "../../../lib/workflow-errors.ts";
import { callHttp } from "../../support/call-http.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { runChild } from "../../support/child.ts";
import { openTarget, type Target } from "../../support/open-target.ts";
import { rejects } from "../../support/rejects.ts";
import { valuesOf } from "../../support/values.ts";

const NAME = "api.example";

const test = suite<{ target: Target }>("flows/nodes/http-address");
test.before.each(async (context) => {
  context.target = await openTarget((_, response) => response.end("here"));
});
test.after.each(({ target }) => target.close());

test("the address that was checked is the one that is connected to, and DNS is asked once", async ({
  target,
}) => {
  // No resolver knows the name, so only a connection that does not ask again can be made.
  const asked: string[] = [];
  const url = `http://${NAME}:${target.port}/`;
  const called = await callHttp({ url, allow_private: true }, { names: { [NAME]: ["127.0.0.1"] }, asked });
  assert.is(called.body, "here");
  assert.equal(asked, [NAME]);
  assert.is(target.arrived[0]?.headers.host, `${NAME}:${target.port}`);
});

test("a name that DNS answers with a private address is refused, and nothing is sent", async ({ target }) => {
  const cases: [addresses: string[], what: string][] = [
    [["127.0.0.1"], "loopback"],
    [["10.1.2.3"], "private"],
    [["169.254.169.254"], "link-local"],
    [["::1"], "loopback"],
    [["::ffff:127.0.0.1"], "loopback"],
    [["64:ff9b::7f00:1"], "loopback"],
    [["fd00::1"], "private"],
    [["8.8.8.8", "127.0.0.1"], "loopback"], // a public one in front hides nothing
    [["2606:4700::1111", "fe80::1%eth0"], "link-local"],
  ];
  for (const [addresses, what] of cases) {
    const url = `http://${NAME}:${target.port}/{x}`;
    await rejects(callHttp({ url }, { names: { [NAME]: addresses }, state: { x: "hidden" } }), (error) => {
      assert.is(
        error.message,
        `Cannot call GET ${url} in http node "call": its host has an address that is ${what}; set allow_private: true where that is meant`,
      );
      assert.ok(isFatalError(error));
    });
  }
  assert.is(target.arrived.length, 0);
});

test("an address that a lookup gives is checked, too, also where its host is listed", async ({ target }) => {
  const form = { url: "{x}", allow_hosts: [`127.0.0.1:${target.port}`] };
  for (const host of ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1"]) {
    await rejects(
      callHttp(form, { state: { x: `http://${host}:${target.port}/` } }),
      /an address that is loopback/,
    );
  }
  assert.is(target.arrived.length, 0);
});

test("the kind that flows use judges addresses as the registries do", async ({ target }) => {
  const form = { url: `http://localhost:${target.port}/` };
  const call = async (more: object): Promise<unknown> => {
    const run = await http.prepare({ ...form, ...more }, { id: "call" }, {} as NodeGivens);
    const context = { values: valuesOf({}), signal: new AbortController().signal };
    return await run?.(context as unknown as NodeContext);
  };
  await rejects(call({}), /an address that is loopback/);
  assert.is(((await call({ allow_private: true })) as { body: unknown }).body, "here");
});

test("a host that a lookup chose has to be listed, and is not shown where it is not", async ({ target }) => {
  const form = {
    url: "{env.URL}",
    allow_hosts: ["hooks.example.com", `${NAME}:${target.port}`],
    allow_private: true,
  };
  const names = { [NAME]: ["127.0.0.1"], "s3cret.example": ["127.0.0.1"] };
  const env = { URL: `http://${NAME}:${target.port}/token` };
  assert.is((await callHttp(form, { names, env })).body, "here");
  const others = ["http://s3cret.example/", `http://${NAME}/`, "http://hooks.example.com/s3cret"];
  for (const URL of others) {
    await rejects(callHttp(form, { names, env: { URL } }), (error) => {
      assert.match(
        error.message,
        /Cannot call GET \{env\.URL\} in http node "call": its host and port are not in/,
      );
      assert.not.match(error.message, /s3cret|hooks/);
      assert.ok(isFatalError(error));
    });
  }
  assert.equal(
    target.arrived.map(({ url }) => url),
    ["/token"],
  );
});

test("a name without an address fails the attempt", async () => {
  const url = `http://${NAME}/`;
  await rejects(callHttp({ url }, { names: {} }), /DNS has no answer for its host \(ENOTFOUND\)$/);
  await rejects(callHttp({ url }, { names: { [NAME]: [] } }), /its host has no address$/);
});

test("the next address is tried where one does not answer", async ({ target }) => {
  const names = { [NAME]: ["::1", "127.0.0.1"] };
  assert.is(
    (await callHttp({ url: `http://${NAME}:${target.port}/`, allow_private: true }, { names })).body,
    "here",
  );
});

test("an IPv6 address is called by its own name", async () => {
  const target = await openTarget((_, response) => response.end("six"), { host: "::1" });
  assert.is((await callHttp({ url: `${target.origin}/`, allow_private: true })).body, "six");
  assert.is(target.arrived[0]?.headers.host, `[::1]:${target.port}`);
  await target.close();
});

test("a certificate is verified against the name, whatever the address", async () => {
  const tls = makeCertificates([NAME]);
  const target = await openTarget((_, response) => response.end("safe"), { tls });
  const names = { [NAME]: ["127.0.0.1"], "other.example": ["127.0.0.1"] };
  const call = (host: string, ca?: string): ReturnType<typeof callHttp> =>
    callHttp(
      { url: `https://${host}:${target.port}/{x}`, allow_private: true },
      { names, state: { x: "hidden" }, ...(ca === undefined ? {} : { ca }) },
    );
  assert.is((await call(NAME, tls.ca)).body, "safe");
  const refusals: [host: string, ca: string | undefined, code: RegExp][] = [
    ["other.example", tls.ca, /failed with ERR_TLS_CERT_ALTNAME_INVALID$/],
    ["127.0.0.1", tls.ca, /failed with ERR_TLS_CERT_ALTNAME_INVALID$/],
    [NAME, undefined, /failed with (UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)$/],
    [NAME, makeCertificates([NAME]).ca, /failed with [A-Z_]*(SIGNATURE|CERT)[A-Z_]*$/],
  ];
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // what people set and forget
  for (const [host, ca, code] of refusals) await rejects(call(host, ca), code);
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  assert.is(target.arrived.length, 1);
  await target.close();
});

test("a proxy that the environment names is not asked", async ({ target }) => {
  const proxy = await openTarget((_, response) => response.end("proxy"));
  const variables = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxy.origin, http_proxy: proxy.origin };
  // Runtimes read them at their start.
  Object.assign(process.env, variables);
  const file = new URL("../../support/call-http-child.ts", import.meta.url);
  const { stdout, stderr } = await runChild(file, [String(target.port)]);
  for (const name of Object.keys(variables)) delete process.env[name];
  assert.is(stdout.trim(), "here", stderr);
  assert.is(proxy.arrived.length, 0);
  await proxy.close();
});

test.run();
