import { suite } from "uvu";
import * as assert from "uvu/assert";
import { encodeText } from "../../lib/json.ts";
import type { LatchhookOptions } from "../../lib/options.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import { parseSigned } from "../../lib/verify/signed.ts";
import { type Ask, openServer, type TestServer } from "../support/open-server.ts";
import { rejects } from "../support/rejects.ts";

const SECRET = "a secret of a provider";
const PUBLIC = "https://hooks.example.org/in";
const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";

/** A body of each provider whose signature covers the URL; `{n}` makes its id. */
const BODIES: Readonly<Record<string, [body: string, contentType: string]>> = {
  square: ['{"event_id":"{n}","type":"payment.updated"}', JSON_TYPE],
  trello: ['{"action":{"id":"{n}","type":"updateCard"}}', JSON_TYPE],
  twilio: ["MessageSid={n}&MessageStatus=delivered&Body=a+b%26c", FORM],
  hubspot: ['[{"eventId":"{n}","subscriptionType":"contact.creation"}]', JSON_TYPE],
};
const PROVIDERS = Object.keys(BODIES);

let made = 0;

/** A delivery to `target` whose signature covers `url`. */
function signed(provider: string, url: string, target: string, headers: Ask["headers"] = {}): Ask {
  const [template = "", contentType = ""] = BODIES[provider] ?? [];
  const sent = signDelivery(builtInScheme(provider) as Scheme, SECRET, {
    method: "POST",
    url,
    body: encodeText(template.replace("{n}", `id${++made}`)),
    contentType,
    at: Date.now(),
    id: null,
    type: null,
  });
  return {
    path: target,
    method: "POST",
    headers: { ...sent.headers, ...headers },
    body: Uint8Array.from(sent.body),
  };
}

type T = { opened: TestServer[] };
const test = suite<T>("routes/called-url");
test.before.each((t) => {
  t.opened = [];
});
test.after.each(async (t) => {
  for (const server of t.opened) await server.close();
});

async function open(t: T, options: LatchhookOptions): Promise<TestServer> {
  const secrets = Object.fromEntries(PROVIDERS.map((name) => [name, SECRET]));
  const server = await openServer({ secrets, ...options });
  t.opened.push(server);
  return server;
}

const isTaken = (status: number): boolean => status >= 200 && status < 300;

test("the providers of this suite are all whose signature covers the URL", () => {
  const names = builtInSchemeNames().filter((name) =>
    parseSigned(builtInScheme(name)?.signed ?? "{body}").of.includes("url"),
  );
  assert.equal(names.sort(), [...PROVIDERS].sort());
});

for (const provider of PROVIDERS) {
  const path = `/webhooks/${provider}`;

  test(`${provider}: the URL is the public one with its prefix, the base path, and the query byte for byte`, async (t) => {
    const server = await open(t, { publicUrl: `${PUBLIC}/`, basePath: "/base" });
    const target = `/base${path}?b=2&a=1&a=x+y%20z&&=&?q=1`;
    for (const door of ["http", "fetch"] as const) {
      const { status } = await server.ask(door, signed(provider, PUBLIC + target, target));
      assert.ok(isTaken(status), `${door}: ${status}`);
    }
    const { events } = await server.count();
    for (const other of [
      `${PUBLIC}/base${path}?a=1&b=2&a=x+y%20z&&=&?q=1`,
      `${PUBLIC}/base${path}?b=2&a=1&a=x%20y%20z&&=&?q=1`,
      `${PUBLIC}/base${path}?b=2&a=1&a=x+y%20z&&=&`,
      `${PUBLIC}/base${path}?b=2&a=1&a=x+y%20z&=&?q=1`,
      `${PUBLIC}/base${path}`,
      `${PUBLIC}${path}?b=2&a=1&a=x+y%20z&&=&?q=1`,
      `https://hooks.example.org${target}`,
      `http://hooks.example.org/in${target}`,
      `https://hooks.example.com/in${target}`,
      `https://HOOKS.example.org/in${target}`,
      `${server.origin}${target}`,
      target,
    ]) {
      for (const door of ["http", "fetch"] as const) {
        const { status } = await server.ask(door, signed(provider, other, target));
        assert.is(status, 401, `${door}: ${other}`);
      }
    }
    assert.is((await server.count()).events, events);
  });

  test(`${provider}: with a public URL no header of anybody changes it, of a trusted proxy neither`, async (t) => {
    for (const trustProxy of [[], ["127.0.0.1"]]) {
      const server = await open(t, { publicUrl: PUBLIC, trustProxy });
      const headers = {
        host: "evil.example",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        forwarded: "proto=https;host=evil.example",
      };
      const good = await server.ask("http", signed(provider, PUBLIC + path, path, headers));
      assert.ok(isTaken(good.status), String(good.status));
      const bad = await server.ask("http", signed(provider, `https://evil.example${path}`, path, headers));
      assert.is(bad.status, 401);
    }
  });

  test(`${provider}: forwarded headers count from a trusted proxy, and from nobody else`, async (t) => {
    const target = `${path}?a=1`;
    const headers = { "x-forwarded-proto": "https", "x-forwarded-host": "called.example.org:8443" };
    const ask = (): Ask => signed(provider, `https://called.example.org:8443${target}`, target, headers);
    const trusting = await open(t, { trustProxy: ["127.0.0.0/8", "::1"] });
    const { status } = await trusting.ask("http", ask());
    assert.ok(isTaken(status), String(status));
    assert.is(
      (await trusting.ask("fetch", ask())).status,
      401,
      "a host app has no proxy in front that we can see",
    );
    const other = await open(t, { trustProxy: ["10.0.0.0/8"] });
    assert.is((await other.ask("http", ask())).status, 401);
    assert.is((await other.count()).events, 0);
  });

  test(`${provider}: what a trusted proxy says twice, half or not at all gives no URL`, async (t) => {
    const server = await open(t, { trustProxy: ["127.0.0.1"] });
    const url = `https://called.example.org${path}`;
    const host = { "x-forwarded-host": "called.example.org" };
    const proto = { "x-forwarded-proto": "https" };
    for (const headers of [
      {},
      host,
      { ...host, forwarded: "proto=https" },
      { forwarded: "proto=https;host=called.example.org" },
      { ...proto, "x-forwarded-host": "called.example.org, called.example.org" },
      { ...proto, "x-forwarded-host": "evil.example, called.example.org" },
      { ...host, "x-forwarded-proto": "https, https" },
      { ...proto, "x-forwarded-host": "called.example.org/" },
    ]) {
      const { status } = await server.ask("http", signed(provider, url, path, headers));
      assert.is(status, 401, JSON.stringify(headers));
    }
    const named = await server.ask("http", signed(provider, url, path, { ...proto, ...host }));
    assert.ok(isTaken(named.status));
    const kept = await server.ask(
      "http",
      signed(provider, url, path, { ...proto, host: "called.example.org" }),
    );
    assert.ok(isTaken(kept.status));
    const six = signed(provider, `https://[2001:db8::1]:8443${path}`, path, {
      ...proto,
      "x-forwarded-host": "[2001:db8::1]:8443",
    });
    assert.ok(isTaken((await server.ask("http", six)).status));
  });

  test(`${provider}: a host app's own URL is never the one that was signed`, async (t) => {
    const server = await open(t, { publicUrl: PUBLIC });
    const post = async (origin: string, url: string): Promise<number> => {
      const { path: target, headers, body } = signed(provider, url, path);
      const given = { method: "POST", headers: { ...headers }, body: body as BodyInit };
      return (await server.latchhook.fetch(new Request(origin + target, given))).status;
    };
    for (const origin of ["http://localhost:3000", "https://evil.example"]) {
      assert.ok(isTaken(await post(origin, PUBLIC + path)), origin);
      assert.is(await post(origin, origin + path), 401, origin);
    }
  });

  test(`${provider}: another spelling of the target reaches no route, whatever was signed`, async (t) => {
    const server = await open(t, { publicUrl: PUBLIC });
    const respelled = path.replace(provider, `%${provider.charCodeAt(0).toString(16)}${provider.slice(1)}`);
    for (const target of [
      `/${path}`,
      `/webhooks//${provider}`,
      `${path}/`,
      `/.${path}`,
      `/x/..${path}`,
      `/webhooks/./${provider}`,
      `/%2e${path}`,
      respelled,
      `${path}%20`,
      `${path};a=1`,
      `${path}#`,
      `${path}?a#b`,
      `http://evil.example${path}`,
      `//hooks.example.org${path}`,
    ]) {
      for (const url of [PUBLIC + path, PUBLIC + target, `${PUBLIC}${path}?a`]) {
        const { headers = {}, body = "" } = signed(provider, url, target);
        const text = typeof body === "string" ? body : new TextDecoder().decode(body);
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
        const { status } = await server.raw(
          `POST ${target} HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nconnection: close\r\n${lines.join("")}content-length: ${text.length}\r\n\r\n${text}`,
        );
        assert.ok(status === 404 || status === 400, `${target} signed as ${url}: ${status}`);
      }
    }
    assert.is((await server.count()).events, 0);
  });

  test(`${provider}: an absolute target says no origin, only its path and query count`, async (t) => {
    const server = await open(t, { publicUrl: PUBLIC });
    const send = async (url: string): Promise<number> => {
      const { headers = {}, body } = signed(provider, url, path);
      const text = new TextDecoder().decode(body as Uint8Array);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const { status } = await server.raw(
        `POST http://evil.example${path}?a=1 HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n${lines.join("")}content-length: ${text.length}\r\n\r\n${text}`,
      );
      return status;
    };
    assert.ok(isTaken(await send(`${PUBLIC}${path}?a=1`)));
    assert.is(await send(`http://evil.example${path}?a=1`), 401);
  });

  test(`${provider}: the start is refused while nothing can say the URL, and says what to set`, async (t) => {
    const secrets = { [provider]: SECRET };
    for (const options of [{ secrets }, { secrets: { [provider]: ["new", SECRET] } }]) {
      await rejects(open(t, options), (error) => {
        assert.match(
          error.message,
          new RegExp(`^Cannot verify "${provider}" without the public URL, which it signs: `),
        );
        assert.match(
          error.message,
          /set publicUrl \(WEBHOOK_PUBLIC_URL\), such as https:\/\/hooks\.example\.org/,
        );
        assert.match(error.message, /TRUST_PROXY/);
        assert.not.match(error.message, SECRET);
      });
    }
    await open(t, { secrets: { generic: SECRET }, allowUnsigned: [provider] });
    await open(t, { secrets: { generic: SECRET } });
    await open(t, { secrets, publicUrl: PUBLIC });
    await open(t, { secrets, trustProxy: ["10.0.0.1"] });
  });
}

test("an alias and a record of one's own that sign the URL are refused like a built-in one", async (t) => {
  const mine: Scheme = {
    algorithm: "hmac-sha256",
    signature: { header: "x-mine", encoding: "hex" },
    signed: "{url}{body}",
  };
  const plain: Scheme = { algorithm: "hmac-sha256", signature: { header: "x-plain", encoding: "hex" } };
  const chosen: Scheme = { ...plain, forSecrets: { prefix: "url_", scheme: mine } };
  for (const [schemes, secrets] of [
    [{ mine: "square" }, { mine: SECRET }],
    [{ mine }, { mine: SECRET }],
    [{ mine: chosen }, { mine: [SECRET, "url_secret"] }],
  ] as const)
    await rejects(open(t, { schemes, secrets }), /Cannot verify "mine" without the public URL/);
  await open(t, { schemes: { mine: chosen }, secrets: { mine: SECRET } });
});

test.run();
