import { createHmac } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runCommand } from "../../lib/cli/commands.ts";
import { sampleNames, samplesOf } from "../../lib/cli/samples.ts";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { Kept } from "../support/kept.ts";
import { keysFor } from "../support/keys.ts";
import { openServer, type TestServer } from "../support/open-server.ts";
import { removeFolder, tempFolder } from "../support/temp-folder.ts";

const PUBLIC_URL = "https://hooks.example.org";
const PAIR = keysFor({ algorithm: "ed25519", key: "hex", signature: { encoding: "hex" } });
/** One for each provider that has samples, in its form. */
const SECRETS: Readonly<Record<string, string>> = Object.fromEntries(
  sampleNames().map((name) => {
    const scheme = builtInScheme(name);
    if (scheme === undefined) throw new Error(`There are samples of ${name}, which is no provider`);
    return [
      name,
      name === "discord"
        ? PAIR.verifying
        : `${keysFor(scheme).verifying}${name === "standard-webhooks" ? "" : name}`,
    ];
  }),
);

interface Ran {
  code: number;
  out: string;
  err: string;
}

const test = suite<{ server: TestServer; folder: string; run: Run }>("cli/commands");
type Run = (args: readonly string[], stdin?: string, env?: Record<string, string>) => Promise<Ran>;

test.before.each(async (t) => {
  t.folder = await tempFolder();
  const workflows = { test: defineWorkflow({ run: () => null }) };
  t.server = await openServer({ secrets: SECRETS, publicUrl: PUBLIC_URL, workflows });
  const own: Record<string, string> = { PORT: String(t.server.port), WEBHOOK_PUBLIC_URL: PUBLIC_URL };
  for (const [name, secret] of Object.entries(SECRETS))
    own[`WEBHOOK_SECRET_${name.toUpperCase().replaceAll("-", "_")}`] = secret;
  t.run = async (args, stdin = "", env = own) => {
    const [stdout, stderr] = [new Kept(), new Kept()];
    const open = () => {
      throw new Error("nothing is served here");
    };
    const signal = new AbortController().signal;
    const code = await runCommand(args, open, { env, stdin: Readable.from([stdin]), stdout, stderr, signal });
    return { code, out: stdout.text, err: stderr.text };
  };
});
test.after.each(async (t) => {
  await t.server.close();
  await removeFolder(t.folder);
});

/** The private key, which the server has not got. */
async function keyOf(name: string, folder: string): Promise<readonly string[]> {
  if (name !== "discord") return [];
  const path = join(folder, "key");
  await writeFile(path, `${PAIR.signing}\n`);
  return ["--secret-file", path];
}

for (const name of sampleNames()) {
  const scheme = builtInScheme(name);
  const events = scheme === undefined ? [] : [...samplesOf(name, scheme).keys()];
  test(`every sample of ${name} is accepted, again as a copy, and refused where it was changed`, async (t) => {
    const more = await keyOf(name, t.folder);
    assert.ok(events.length > 0);
    for (const event of events) {
      const before = await t.server.count();
      const twice = await t.run(["send", name, event, "--repeat", "2", ...more]);
      assert.is(twice.code, 0, twice.out + twice.err);
      const [first = "", second = ""] = twice.out.split("\n").map((line) => line.slice(0, 3));
      assert.is(name === "generic" ? second : first, name === "generic" ? "200" : second);
      assert.equal((await t.server.count()).events - before.events, 1, event);
      const again = await t.run(["send", name, event, ...more]);
      assert.is(again.code, 0, again.out + again.err);
      assert.equal((await t.server.count()).events - before.events, 2, `${event}, sent anew`);
      const corrupted = await t.run(["send", name, event, "--corrupt", ...more]);
      assert.match(corrupted.out, /^401 /);
      assert.is(corrupted.code, 0);
      assert.equal((await t.server.count()).events - before.events, 2);
    }
    const { items } = (await t.server.admin("GET", `/events?provider=${name}`)).json as {
      items: { type: string | null }[];
    };
    for (const { type } of items)
      if (name !== "generic") assert.ok(events.includes(String(type)), String(type));
  });
}

test("an old delivery is refused, and of a provider that signs no time there is none", async ({ run }) => {
  const old = await run(["send", "stripe", "--old"]);
  assert.match(old.out, /^401 /);
  assert.is(old.code, 0);
  const none = await run(["send", "github", "--old"]);
  assert.match(none.err, /^Cannot send an old delivery of github: it signs no time\n$/);
  assert.is(none.code, 1);
});

test("an id is sent where the provider has it", async ({ run, server }) => {
  await run(["send", "github", "push", "--id", "a-guid"]);
  await run(["send", "stripe", "invoice.paid", "--id", "evt_mine"]);
  await run(["send", "telegram", "--id", "4711"]);
  for (const [provider, id] of [
    ["github", "a-guid"],
    ["stripe", "evt_mine"],
    ["telegram", "4711"],
  ]) {
    const found = await server.admin("GET", `/events?provider=${provider}&webhook_id=${id}`);
    assert.is((found.json.items as unknown[]).length, 1, provider);
  }
});

test("a file is sent with the event that is given, where the provider has it in a header", async ({
  run,
  server,
  folder,
}) => {
  const file = join(folder, "push.json");
  for (const [event, type] of [
    [[], null],
    [["--event", "push"], "push"],
    [["--event", "pull_request.opened"], "pull_request"],
  ] as const) {
    await writeFile(file, JSON.stringify({ ref: "refs/heads/main", event }));
    assert.is((await run(["send", "github", file, ...event])).code, 0);
    const { items } = (await server.admin("GET", "/events?limit=1")).json as { items: { type: unknown }[] };
    assert.is(items[0]?.type, type);
  }
});

test("a file is sent as it is, and a form may be written as JSON", async ({ run, server, folder }) => {
  const json = join(folder, "body.json");
  await writeFile(json, '{ "id" : "evt_file",  "type":"a.b" }\n');
  assert.is((await run(["send", "stripe", json])).code, 0);
  const form = join(folder, "form.json");
  await writeFile(form, '{"MessageSid":"SM9","Body":"a & b","Media":["x","y"]}');
  assert.is((await run(["send", "twilio", form])).code, 0);
  const { items } = (await server.admin("GET", "/events?limit=1")).json as { items: { event_id: string }[] };
  const event = await server.admin("GET", `/events/${items[0]?.event_id}`);
  assert.equal(event.json.body, { MessageSid: "SM9", Body: "a & b", Media: ["x", "y"] });
});

test("sign prints the headers of standard input, as OpenSSL would make them", async ({ run }) => {
  const { code, out } = await run(["sign", "github", "--id", "a"], '{"a":1}');
  const mac = createHmac("sha256", SECRETS.github ?? "")
    .update('{"a":1}')
    .digest("hex");
  assert.is(
    out,
    `content-type: application/json\nx-github-delivery: a\nx-hub-signature-256: sha256=${mac}\n`,
  );
  assert.is(code, 0);
  const at = "1793617200000";
  const stripe = await run(["sign", "stripe", "--at", at], "{}");
  const second = createHmac("sha256", SECRETS.stripe ?? "")
    .update("1793617200.{}")
    .digest("hex");
  assert.match(stripe.out, `stripe-signature: t=1793617200,v1=${second}\n`);
});

test("where the signature stands in the body, sign prints that", async ({ run }) => {
  const env = { WEBHOOK_SECRET_MAILGUN: "mg" };
  const { out } = await run(["sign", "mailgun"], '{"event-data":{"id":"a"}}', env);
  const { signature } = JSON.parse(out.split("\n\n")[1] ?? "") as { signature: Record<string, string> };
  const mac = createHmac("sha256", "mg").update(`${signature.timestamp}${signature.token}`).digest("hex");
  assert.is(signature.signature, mac);
});

const WRONG: [name: string, args: readonly string[], message: RegExp, code: number][] = [
  ["a command that is none", ["sent"], /^Cannot run "sent": did you mean send\n$/, 2],
  ["nobody", ["send"], /^Cannot send for nobody: name a provider, such as github\n\nlatchhook send /, 2],
  ["a provider that is none", ["send", "gitub"], /no provider is named "gitub"; the nearest is "github"/, 1],
  [
    "an event that is none",
    ["send", "github", "pushed"],
    /"pushed" for github: it is no file, and its samples are push, /,
    1,
  ],
  ["no sample", ["send", "jira"], /^Cannot send for jira without a file: there are no samples of it\n$/, 1],
  ["no secret", ["sign", "jira"], /^Cannot sign for jira without its secret: set WEBHOOK_SECRET_JIRA\n$/, 1],
  [
    "a public key alone",
    ["send", "discord"],
    /^Cannot sign for discord with WEBHOOK_SECRET_DISCORD, which is a public key: .*--secret-file\n$/,
    1,
  ],
  ["a signed URL that is not given", ["sign", "square"], /without the public URL/, 1],
  [
    "an event for a sample",
    ["send", "github", "push", "--event", "ping"],
    /^Cannot send the sample push as "ping": --event is for a file of your own\n$/,
    1,
  ],
  ["an option that is none", ["send", "github", "--twice"], /--twice/, 2],
  ["a word too many", ["send", "github", "push", "now"], /Cannot use "now": one word too many/, 2],
  ["no number", ["send", "github", "--repeat", "0"], /--repeat 0: give a number from 1/, 2],
  ["no URL", ["send", "github", "--url", "file:///etc/passwd"], /--url file/, 2],
  [
    "a server that is away",
    ["send", "github", "--url", "http://127.0.0.1:1/"],
    /^Cannot reach http:\/\/127\.0\.0\.1:1 /,
    1,
  ],
];
for (const [name, args, message, code] of WRONG) {
  test(`${name}: said in one line, exit code ${code}`, async ({ run, server }) => {
    const env = {
      PORT: String(server.port),
      WEBHOOK_SECRET_GITHUB: "gh",
      WEBHOOK_SECRET_DISCORD: PAIR.verifying,
    };
    const square = { ...env, WEBHOOK_SECRET_SQUARE: "sq", WEBHOOK_PUBLIC_URL: PUBLIC_URL };
    const ran = await run(args, "{}", args[1] === "square" ? square : env);
    assert.match(ran.err, message);
    assert.is(ran.code, code);
    for (const secret of Object.values(env).slice(1)) assert.not.ok(ran.err.includes(secret));
  });
}

test("help lists the commands, and says more of each", async ({ run }) => {
  const { out, code } = await run(["help"]);
  assert.is(code, 0);
  for (const name of ["serve", "send", "sign"]) {
    assert.match(out, new RegExp(`^  ${name} `, "m"));
    if (name !== "serve") assert.is((await run(["help", name])).out, (await run([name, "--help"])).out);
  }
});

test.run();
