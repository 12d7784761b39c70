import { createHmac } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { LatchhookOptions } from "../../lib/options.ts";
import type { Scheme } from "../../lib/scheme.ts";
import type { Internals } from "../../lib/wiring/latchhook.ts";
import {
  type Answer,
  type Ask,
  DOORS,
  delivery,
  openServer,
  type TestServer,
} from "../support/open-server.ts";
import { sampleWorkflows } from "../support/sample-workflows.ts";
import { StoredFile } from "../support/stored.ts";

/** Everything that is known to us or to a sender alone. */
const SECRETS = {
  generic: "s3cret-generic-now-Q7f",
  genericBefore: "s3cret-generic-before-W8g",
  fallback: "s3cret-fallback-E9h",
  hub: "s3cret-hub-R1j",
  admin: "t0ken-admin-now-abcdefgh-T2k",
  adminBefore: "t0ken-admin-before-abcdefgh-Y3l",
  guess: "t0ken-that-somebody-guessed-U4m",
  query: "t0ken-in-a-query-I5n",
  cookie: "t0ken-in-a-cookie-O6p",
  apiKey: "t0ken-in-a-header-P7q",
  meta: "s3cret-meta-D0s",
  verify: "t0ken-of-a-handshake-F1d",
  planted: "s3cret-that-somebody-planted-G2f",
  basic: "p4ssword-of-a-user-A8r",
} as const;

/** What is no secret and has to be found, or the search would find nothing at all. */
const SEEN = "w3bhook-id-that-may-be-seen";

const hub: Scheme = {
  algorithm: "hmac-sha1",
  signature: { header: "x-hub-mac", prefix: "sha1=", encoding: "hex" },
  id: { header: "x-delivery" },
  type: { header: "x-kind" },
};

const OPTIONS: LatchhookOptions = {
  secrets: {
    generic: [SECRETS.generic, SECRETS.genericBefore],
    default: SECRETS.fallback,
    hub: SECRETS.hub,
    meta: SECRETS.meta,
  },
  verifyTokens: { meta: SECRETS.verify },
  adminToken: [SECRETS.admin, SECRETS.adminBefore],
  schemes: { hub, "generic-acme": "generic" },
  providers: ["generic-acme"],
  keepHeaders: ["x-trace"],
};

const test = suite<{ file: StoredFile }>("routes/secrets-never-leave");
test.before.each(async (context) => {
  context.file = await StoredFile.make();
});
test.after.each(({ file }) => file.close());

test("secrets, tokens and signatures are in no answer, no log line, no workflow and no stored byte", async ({
  file,
}) => {
  const shown: string[] = [];
  const server = await open(file, shown, OPTIONS);
  const signatures: string[] = [];
  try {
    for (const door of DOORS) {
      for (const asked of asks(signatures)) shown.push(textOf(await server.ask(door, asked)));
    }
    for (const text of await rawAnswers(server)) shown.push(text);
    for (const path of ["/events?limit=200", "/runs?limit=200", "/workflows"]) {
      const answer = await server.ask("http", { path, headers: bearer(SECRETS.admin) });
      assert.is(answer.status, 200);
      shown.push(textOf(answer));
      for (const item of (answer.json.items ?? []) as Record<string, string>[]) {
        const one = item.run_id ? `/runs/${item.run_id}` : item.provider ? `/events/${item.event_id}` : null;
        if (one === null) continue;
        shown.push(textOf(await server.ask("http", { path: one, headers: bearer(SECRETS.admin) })));
      }
    }
    shown.push(JSON.stringify(server.latchhook.describe()));
  } finally {
    await server.close();
  }
  const lines = server.lines.map(deepText);
  const stored = await bytesOf(file);
  for (const [where, texts] of [
    ["an answer", shown],
    ["a log line", lines],
    ["the database", stored],
  ] as const) {
    assert.ok(
      texts.some((text) => text.includes(SEEN)),
      `${where} is searched`,
    );
    const all = texts.join("\n");
    for (const [name, secret] of Object.entries(SECRETS)) {
      for (const spelling of spellings(secret))
        assert.not.ok(all.includes(spelling), `${name} is in ${where}`);
    }
    const lower = all.toLowerCase();
    for (const mac of signatures) {
      const raw = Buffer.from(mac, "hex");
      for (const spelling of [mac, raw.toString("base64").replace(/=+$/, "").toLowerCase()]) {
        assert.not.ok(lower.includes(spelling), `signature ${mac} is in ${where}`);
      }
      assert.not.ok(all.includes(raw.toString("latin1")), `signature ${mac} is in ${where} as bytes`);
    }
  }
  assert.ok(signatures.length > 5);
});

const wrongOptions: readonly [what: string, options: LatchhookOptions][] = [
  [
    "a secret that equals the admin token",
    { secrets: { generic: SECRETS.admin }, adminToken: SECRETS.admin },
  ],
  ["a token that is too short", { adminToken: "t0ken-short" }],
  ["a secret of a provider that is none", { secrets: { acne: SECRETS.generic } }],
  ["a secret that is a list with nothing", { secrets: { generic: [SECRETS.generic, ""] } }],
  ["a handshake's token that nothing takes", { verifyTokens: { generic: SECRETS.guess } }],
  ["a public URL with a password", { publicUrl: `https://me:${SECRETS.basic}@hooks.example.org` }],
  ["a public URL with a token", { publicUrl: `https://hooks.example.org/?token=${SECRETS.query}` }],
];
for (const [what, options] of wrongOptions) {
  test(`a start that stops at ${what} does not say it`, async ({ file }) => {
    const shown: string[] = [];
    const outcome = await open(file, shown, { ...OPTIONS, ...options }).then(
      async (server) => {
        await server.close();
        return null;
      },
      (error: unknown) => deepText(error),
    );
    assert.ok(outcome !== null, "it stops the start");
    for (const secret of [...Object.values(SECRETS), "t0ken-short"]) assert.not.match(outcome, secret);
  });
}

test("in try-out mode a signature or token that is sent all the same is kept nowhere", async ({ file }) => {
  const shown: string[] = [];
  const server = await open(file, shown, {}, { mayTryOut: true });
  const signatures: string[] = [];
  try {
    for (const door of DOORS) {
      for (const asked of asks(signatures)) shown.push(textOf(await server.ask(door, asked)));
    }
  } finally {
    await server.close();
  }
  const all = [...shown, ...server.lines.map(deepText), ...(await bytesOf(file))].join("\n");
  for (const secret of [...Object.values(SECRETS), ...signatures])
    assert.not.ok(all.includes(secret), secret);
});

test.run();

function open(
  file: StoredFile,
  shown: string[],
  options: LatchhookOptions,
  internals: Internals = {},
): Promise<TestServer> {
  const tell = defineWorkflow({
    run: ({ input, event, log }) => {
      log.info("told", { event });
      shown.push(JSON.stringify([input, event, ...event.headers]));
      return { headers: Object.fromEntries(event.headers) };
    },
  });
  const workflows = { ...sampleWorkflows, tell };
  return openServer({ workflows, ...options, storage: file.url }, internals);
}

/** Deliveries and commands, right and wrong ones, with every credential that a sender may put somewhere. */
function asks(signatures: string[]): Ask[] {
  const credentials = {
    authorization: `Bearer ${SECRETS.guess}`,
    "proxy-authorization": `Basic ${btoa(`me:${SECRETS.basic}`)}`,
    cookie: `session=${SECRETS.cookie}`,
    "x-api-key": SECRETS.apiKey,
    "x-auth-token": SECRETS.apiKey,
    "x-trace": "trace",
  };
  const query = `?token=${SECRETS.query}&signature=${SECRETS.query}`;
  const signed = (body: unknown, secret: string, path = "/webhooks/generic"): Ask => {
    const asked = delivery(body, { secret, path: path + query, headers: credentials });
    signatures.push(asked.headers["x-signature"] ?? "");
    return asked;
  };
  const body = { workflow_name: "tell", inputs: { topic: "AI" }, webhook_id: SEEN };
  const hubBody = JSON.stringify({ a: 1 });
  const hubMac = createHmac("sha1", SECRETS.hub).update(hubBody).digest("hex");
  signatures.push(hubMac);
  const prefer = signed({ ...body, webhook_id: `${SEEN}-2`, workflow_name: "broken" }, SECRETS.generic);
  const handshake = "/webhooks/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token=";
  return [
    { path: handshake + SECRETS.verify, headers: credentials },
    { path: handshake + SECRETS.guess, headers: credentials },
    { path: `${handshake}${SECRETS.verify}&hub.challenge=2`, headers: credentials },
    ...["asana", "notion"].map((name) => ({
      path: `/webhooks/${name}`,
      headers: { "content-type": "application/json", "x-hook-secret": SECRETS.planted },
      body: JSON.stringify(name === "notion" ? { verification_token: SECRETS.planted } : {}),
    })),
    signed(body, SECRETS.generic),
    signed(body, SECRETS.genericBefore),
    signed({ ...body, inputs: {} }, SECRETS.generic),
    signed({ ...body, workflow_name: "unknown" }, SECRETS.generic),
    signed({ ...body, workflow_name: "write", inputs: {}, webhook_id: "b" }, SECRETS.generic),
    signed("{", SECRETS.generic),
    signed(body, SECRETS.guess),
    signed(body, SECRETS.fallback, "/webhooks/generic-acme"),
    signed(body, SECRETS.hub, "/webhooks/generic-acme"),
    signed(body, SECRETS.generic, "/webhooks/unknown"),
    { ...prefer, headers: { ...prefer.headers, prefer: "wait=9" } },
    {
      method: "POST",
      path: `/webhooks/hub${query}`,
      headers: {
        ...credentials,
        "content-type": "application/json",
        "x-hub-mac": `sha1=${hubMac}`,
        "x-delivery": SEEN,
      },
      body: hubBody,
    },
    { path: `/runs${query}` },
    { path: `/runs${query}`, headers: credentials },
    { path: `/runs${query}`, headers: { ...credentials, ...bearer(SECRETS.admin) } },
    { path: `/runs/${SEEN}${query}`, headers: { ...credentials, ...bearer(SECRETS.adminBefore) } },
    { path: `/runs${query}`, headers: { ...bearer(SECRETS.admin), origin: "https://evil.example" } },
    { path: `/nowhere${query}`, headers: bearer(SECRETS.admin) },
    { method: "PUT", path: `/webhooks/generic${query}`, headers: credentials },
  ];
}

/** What is refused before any request is made of it. */
async function rawAnswers(server: TestServer): Promise<string[]> {
  const bearerLine = `Authorization: Bearer ${SECRETS.admin}\r\n`;
  const texts = [
    `GET /runs?token=${SECRETS.query} HTTP/1.1\r\nHost: a\r\n${bearerLine}${bearerLine}Connection: close\r\n\r\n`,
    `GET /runs%20?token=${SECRETS.query} HTTP/1.1\r\nHost: a\r\n${bearerLine}Connection: close\r\n\r\n`,
    `GET /runs HTTP/1.1\r\nHost: a\r\n${bearerLine}X A: ${SECRETS.apiKey}\r\n\r\n`,
    `GET /runs HTTP/1.1\r\nHost: a\r\n${bearerLine}X-A: ${"a".repeat(20_000)}\r\n\r\n`,
  ];
  const answers = await Promise.all(texts.map((text) => server.raw(text)));
  for (const answer of answers) assert.ok(answer.status >= 400);
  return answers.map(textOf);
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

function textOf({ status, headers, text }: Answer): string {
  return `${status} ${JSON.stringify([...headers])} ${text}`;
}

/** All that a value holds as text, an error's message, stack and causes too. */
function deepText(value: unknown): string {
  const seen = new Set<unknown>();
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null) return inner;
    if (seen.has(inner)) return "(again)";
    seen.add(inner);
    if (inner instanceof Headers) return [...inner];
    if (!(inner instanceof Error)) return inner;
    return { ...inner, message: inner.message, stack: inner.stack, cause: inner.cause };
  });
}

/** The database's files, one character a byte. Only once it is closed: a second handle's end would end SQLite's locks. */
async function bytesOf({ folder }: StoredFile): Promise<string[]> {
  const names = await readdir(folder);
  return Promise.all(names.map(async (name) => (await readFile(join(folder, name))).toString("latin1")));
}

/** A secret as it may have been written down. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const inBase64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [secret, encodeURIComponent(secret), bytes.toString("hex"), ...inBase64];
}
