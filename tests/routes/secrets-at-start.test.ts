import { suite } from "uvu";
import * as assert from "uvu/assert";
import { encodeText } from "../../lib/json.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { settingsFromEnv } from "../../lib/settings.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import { ADMIN_TOKEN } from "../support/open-latchhook.ts";
import { type Ask, openServer, type TestServer } from "../support/open-server.ts";
import { rejects } from "../support/rejects.ts";

type Env = Readonly<Record<string, string>>;

type T = { opened: TestServer[] };
const test = suite<T>("routes/secrets-at-start");
test.before.each((t) => {
  t.opened = [];
});
test.after.each(async (t) => {
  for (const server of t.opened) await server.close();
});

/** A server as the program starts it from these variables. */
async function start(t: T, env: Env): Promise<TestServer> {
  const { secrets, schemes, providers, adminToken } = settingsFromEnv({ ADMIN_TOKEN, ...env });
  const server = await openServer({
    ...(secrets === undefined ? {} : { secrets }),
    ...(schemes === undefined ? {} : { schemes }),
    ...(providers === undefined ? {} : { providers }),
    ...(adminToken === undefined ? {} : { adminToken }),
  });
  t.opened.push(server);
  return server;
}

const WHSEC = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const OTHER = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
const HEX = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

const ACME = '{"algorithm":"hmac-sha256","signature":{"header":"x-acme-signature","encoding":"hex"}}';

const REFUSED: [what: string, env: Env, line: RegExp][] = [
  [
    "an empty secret",
    { WEBHOOK_SECRET_GITHUB: "" },
    /^Cannot use WEBHOOK_SECRET_GITHUB: it is empty, so set it or remove it$/,
  ],
  [
    "a secret of white space",
    { WEBHOOK_SECRET_GITHUB: " \n" },
    /^Cannot use secrets\.github \(WEBHOOK_SECRET_GITHUB\): .*not empty/,
  ],
  [
    "base64 that is none",
    { WEBHOOK_SECRET_SVIX: "whsec_c4n4ry!" },
    /WEBHOOK_SECRET_SVIX\): it is not "whsec_" and base64/,
  ],
  [
    "a previous one that is none",
    { WEBHOOK_SECRET_SVIX: WHSEC, WEBHOOK_SECRET_SVIX_PREVIOUS: "c4n4ry!" },
    /WEBHOOK_SECRET_SVIX\): it is not "whsec_" and base64/,
  ],
  [
    "a public key that is cut",
    { WEBHOOK_SECRET_DISCORD: HEX.slice(2) },
    /WEBHOOK_SECRET_DISCORD\): it is not a public key: copy it whole/,
  ],
  [
    "the admin token as a secret",
    { WEBHOOK_SECRET_GITHUB: ADMIN_TOKEN },
    /WEBHOOK_SECRET_GITHUB\): it equals the admin token \(ADMIN_TOKEN\)/,
  ],
  [
    "the admin token as a token",
    { WEBHOOK_SECRET_TELEGRAM: ADMIN_TOKEN },
    /WEBHOOK_SECRET_TELEGRAM\): it equals the admin token/,
  ],
  [
    "the previous admin token as a secret",
    {
      ADMIN_TOKEN_PREVIOUS: "c4n4ry-of-24-characters-and-more",
      WEBHOOK_SECRET_GITHUB: "c4n4ry-of-24-characters-and-more",
    },
    /equals the admin token/,
  ],
  [
    "one value for a token and an HMAC",
    { WEBHOOK_SECRET_TELEGRAM: "c4n4ry", WEBHOOK_SECRET_GITHUB: "c4n4ry" },
    /^Cannot use one secret for "github" and "telegram"/,
  ],
  [
    "one value for a public key and an HMAC",
    { WEBHOOK_SECRET_DISCORD: HEX, WEBHOOK_SECRET_GENERIC: HEX },
    /^Cannot use one secret for "generic" and "discord"/,
  ],
  [
    "a provider that the default does not serve",
    { WEBHOOK_SECRET_DEFAULT: "c4n4ry", WEBHOOK_PROVIDERS: "github,telegram" },
    /WEBHOOK_PROVIDERS\) for "telegram": the default secret serves only .*WEBHOOK_SECRET_TELEGRAM/,
  ],
  [
    "a secret of nobody",
    { WEBHOOK_SECRET_GITHBU: "c4n4ry" },
    /WEBHOOK_SECRET_GITHBU\): no provider is named "githbu"; the nearest is "github"$/,
  ],
  [
    "a scheme that is no JSON",
    { WEBHOOK_SCHEME_ACME: "{'algorithm':'hmac-sha256'}" },
    /^Cannot use WEBHOOK_SCHEME_ACME: it begins as JSON and is none, so see its quotes and commas$/,
  ],
  [
    "a scheme with a comma too many",
    { WEBHOOK_SCHEME_ACME: `${ACME.slice(0, -1)},}` },
    /^Cannot use WEBHOOK_SCHEME_ACME: it begins as JSON and is none/,
  ],
  [
    "a scheme in a list",
    { WEBHOOK_SCHEME_ACME: `[${ACME}]` },
    /^Cannot use WEBHOOK_SCHEME_ACME=.*give a built-in scheme's name in lower case, such as github, or a record as JSON$/,
  ],
  [
    "a scheme of no name",
    { WEBHOOK_SCHEME_ACME: "githb" },
    /WEBHOOK_SCHEME_ACME\): no built-in scheme is named "githb"; the nearest is "github"$/,
  ],
  [
    "a scheme with a wrong field",
    { WEBHOOK_SCHEME_ACME: ACME.replace('"hex"', '"base32"') },
    /^Cannot use schemes\.acme\.signature\.encoding: give hex or base64, .*; it is set as schemes\.acme \(WEBHOOK_SCHEME_ACME\)$/,
  ],
  [
    "a scheme with a field too many",
    { WEBHOOK_SCHEME_ACME: ACME.replace("}}", '},"secret":"c4n4ry"}') },
    /^Cannot use schemes\.acme\.secret: .*WEBHOOK_SCHEME_ACME/,
  ],
  [
    "a scheme without its signature",
    { WEBHOOK_SCHEME_ACME: '{"algorithm":"hmac-sha256"}' },
    /^Cannot use schemes\.acme\.signature: .*WEBHOOK_SCHEME_ACME/,
  ],
  [
    "a scheme that extends nothing",
    { WEBHOOK_SCHEME_ACME: '{"extends":"paddel"}' },
    /^Cannot use schemes\.acme\.extends: no scheme has this name; the nearest is "paddle"; it is set as .*WEBHOOK_SCHEME_ACME/,
  ],
  [
    "a scheme that extends no text",
    { WEBHOOK_SCHEME_ACME: '{"extends":7}' },
    /^Cannot use schemes\.acme\.extends: no scheme has this name; give the name of a built-in scheme/,
  ],
  [
    "a wrong field beside extends",
    { WEBHOOK_SCHEME_ACME: '{"extends":"github","replayGuard":"off"}' },
    /^Cannot use schemes\.acme\.replayGuard: give "body", /,
  ],
  [
    "a template without the body",
    { WEBHOOK_SCHEME_ACME: '{"extends":"github","signed":"{url}"}' },
    /^Cannot use schemes\.acme\.signed: Cannot verify what leaves the body unsigned/,
  ],
  [
    "a scheme under a built-in name",
    { WEBHOOK_SCHEME_GITHUB: "stripe" },
    /WEBHOOK_SCHEME_GITHUB\): this scheme is built in; choose another name for yours$/,
  ],
];
for (const [what, env, line] of REFUSED) {
  test(`${what} stops the start with one line, which shows no secret`, (t) =>
    rejects(start(t, env), (error) => {
      assert.match(error.message, line);
      assert.not.match(error.message, /\n/);
      const given = Object.entries(env).filter(([name]) => /SECRET|TOKEN/.test(name));
      for (const value of ["c4n4ry", ADMIN_TOKEN, HEX, ...given.map(([, text]) => text)])
        assert.not(value.trim() !== "" && error.message.includes(value.trim()), value);
    }));
}

function signed(provider: string, scheme: Scheme, secret: string, body: object, id: string): Ask {
  const sent = signDelivery(scheme, secret, {
    method: "POST",
    url: null,
    body: encodeText(JSON.stringify(body)),
    contentType: "application/json",
    at: Date.now(),
    id,
    type: "Push Hook",
  });
  return {
    path: `/webhooks/${provider}`,
    method: "POST",
    headers: { ...sent.headers },
    body: Uint8Array.from(sent.body),
  };
}

const SCHEMES: [what: string, value: string, like: string][] = [
  ["a name", "github", "github"],
  ["a name with white space around it", " github\n", "github"],
  ["a record", ACME, "acme"],
  ["a record on several lines", ACME.replaceAll(",", ",\n  "), "acme"],
  ["a record that extends one", '{"extends":"github","answer":{"status":200}}', "github"],
];
for (const [what, value, like] of SCHEMES) {
  test(`WEBHOOK_SCHEME_ACME as ${what} makes a route with a secret of its own`, async (t) => {
    const env = {
      WEBHOOK_SCHEME_ACME: value,
      WEBHOOK_SECRET_ACME: "its secret",
      WEBHOOK_SECRET_GITHUB: "another",
    };
    const server = await start(t, env);
    const scheme = like === "acme" ? (JSON.parse(ACME) as Scheme) : (builtInScheme(like) as Scheme);
    const status = async (secret: string): Promise<number> =>
      (await server.ask("http", signed("acme", scheme, secret, { n: 1 }, "a"))).status;
    assert.is(await status("another"), 401);
    assert.is(await status("its secret"), value.includes("200") ? 200 : 202);
  });
}

const gitlab = builtInScheme("gitlab") as Scheme;

for (const [what, env] of [
  [
    "from the token to signing",
    { WEBHOOK_SECRET_GITLAB: WHSEC, WEBHOOK_SECRET_GITLAB_PREVIOUS: "the old token" },
  ],
  [
    "from signing back to the token",
    { WEBHOOK_SECRET_GITLAB: "the old token", WEBHOOK_SECRET_GITLAB_PREVIOUS: WHSEC },
  ],
] as const) {
  test(`GitLab's secret is changed ${what} with both in force, and neither passes for the other`, async (t) => {
    const server = await start(t, env);
    const send = async (ask: Ask, headers: Ask["headers"] = {}): Promise<number> =>
      (await server.ask("http", { ...ask, headers: { ...ask.headers, ...headers } })).status;
    const byToken = signed("gitlab", gitlab, "the old token", { object_kind: "push", n: 1 }, "id-1");
    const bySignature = signed("gitlab", gitlab, WHSEC, { object_kind: "push", n: 2 }, "id-2");
    assert.is(await send(byToken), 202);
    assert.is(await send(bySignature), 202);
    assert.is(await send(bySignature), 202, "a copy");
    assert.equal(await server.count(), { events: 2, runs: 0 });
    // Who has both set sends both, and the newest of ours that holds says how it is read.
    const both = signed("gitlab", gitlab, WHSEC, { object_kind: "push", n: 3 }, "id-3");
    for (let time = 0; time < 2; time++)
      assert.is(await send(both, { "x-gitlab-token": "the old token", "idempotency-key": "id-3" }), 202);
    assert.equal(await server.count(), { events: 3, runs: 0 });

    for (const token of [
      WHSEC,
      WHSEC.slice("whsec_".length),
      "",
      "the old toke",
      "the old token, the old token",
    ])
      assert.is(await send(byToken, { "x-gitlab-token": token }), 401, token);
    assert.is(await send(signed("gitlab", gitlab, OTHER, { n: 3 }, "id-6")), 401);
    const asKey = `whsec_${Buffer.from("the old token").toString("base64")}`;
    assert.is(await send(signed("gitlab", gitlab, asKey, { n: 4 }, "id-4")), 401);
    assert.is(await send(bySignature, { "webhook-id": "id-5" }), 401);
    assert.equal(await server.count(), { events: 3, runs: 0 });
  });
}

test("what is odd about a secret is warned of at the start, without it", async (t) => {
  const server = await start(t, {
    WEBHOOK_SECRET_GITHUB: '"c4n4ry"',
    WEBHOOK_SECRET_STRIPE: "sk_live_c4n4ry",
    WEBHOOK_SECRET_SVIX: `whsec_${Buffer.from("c4n4ry").toString("base64")}`,
    WEBHOOK_SECRET_TELEGRAM: "12345678:c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4r",
    WEBHOOK_SECRET_SLACK: "8f742231b10e8888abcd99yyyzzz85a5",
  });
  const warnings = server.lines.map(({ message }) => message).filter((line) => /WEBHOOK_SECRET_/.test(line));
  const text = warnings.join("\n");
  for (const part of [
    /WEBHOOK_SECRET_GITHUB\) has white space or quotes around it/,
    /WEBHOOK_SECRET_STRIPE\) looks like a Stripe API key, which signs no webhooks/,
    /WEBHOOK_SECRET_SVIX\) stands for 6 bytes/,
    /WEBHOOK_SECRET_TELEGRAM\) looks like a Telegram bot's token/,
  ])
    assert.match(text, part);
  assert.is(warnings.length, 4, text);
  assert.not.match(JSON.stringify(server.lines), /c4n4ry|YzRuNHJ5/);
});

test.run();
