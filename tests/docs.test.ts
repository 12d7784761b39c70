import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileEventFilter } from "../lib/event-filter.ts";
import { compileEventPattern } from "../lib/event-pattern.ts";
import { PROBLEMS } from "../lib/http/problem.ts";
import type { ListenOptions } from "../lib/options.ts";
import type { Scheme, SchemeOptions } from "../lib/scheme.ts";
import { defineScheme } from "../lib/schemes/define-scheme.ts";
import { builtInScheme } from "../lib/schemes/mod.ts";
import { signWebhook } from "../lib/schemes/sign-webhook.ts";
import { settingsFromEnv } from "../lib/settings.ts";
import { providerRows } from "./support/providers-table.ts";
import { rejects } from "./support/rejects.ts";

/** Written as a record, so that a field that is forgotten here does not compile. */
const SCHEME_FIELDS: readonly string[] = Object.keys({
  algorithm: 1,
  signature: 1,
  key: 1,
  signed: 1,
  timestamp: 1,
  families: 1,
  constants: 1,
  forSecrets: 1,
  handshakes: 1,
  id: 1,
  type: 1,
  replayGuard: 1,
  answer: 1,
  refusal: 1,
  contentTypes: 1,
  bodyBytesMax: 1,
  secretKeys: 1,
} satisfies Record<keyof Scheme, 1>);

const test = suite("docs");
const root = new URL("../", import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), "utf8");

test("docs/problems.md lists every problem as it is answered, and no other", async () => {
  const rows = Array.from(PROBLEMS, ([code, { status, title, detail }]) => {
    return `| \`urn:latchhook:${code}\` | ${status} | ${title} | ${detail ?? "says what to change"} |`;
  });
  const lines = (await read("docs/problems.md")).split("\n").filter((line) => line.startsWith("| `urn:"));
  assert.equal(lines, rows);
});

test("docs/providers.md has the table that the records make, and a set-up that names its variable", async () => {
  const text = await read("docs/providers.md");
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith("| name | header |"));
  assert.equal(lines.slice(start + 2, -1), providerRows());
  const setUps = (text.split("\n## ")[1] ?? "").split("\n### ").slice(1);
  assert.is(setUps.length, 10);
  for (const setUp of setUps) {
    const named = [...setUp.matchAll(/WEBHOOK_SECRET_([A-Z]+)/g)].map((match) =>
      String(match[1]).toLowerCase(),
    );
    assert.ok(named.length > 0, setUp);
    for (const name of named) assert.ok(builtInScheme(name), name);
    assert.ok(setUp.includes(`/webhooks/${named[0]}`), setUp);
  }
});

test("the record that docs/providers.md shows is taken from the environment", async () => {
  const [, json = ""] = /WEBHOOK_SCHEME_ACME='([^']+)'/.exec(await read("docs/providers.md")) ?? [];
  const { schemes } = settingsFromEnv({ WEBHOOK_SCHEME_ACME: json });
  assert.equal(defineScheme(schemes?.acme as SchemeOptions), JSON.parse(json));
});

test("docs/providers.md tells every field of a record", async () => {
  const text = await read("docs/providers.md");
  for (const field of SCHEME_FIELDS) assert.ok(text.includes(`\`${field}\``), field);
});

test("README.md's table of settings has the defaults that an empty environment gives", async () => {
  const readme = await read("README.md");
  const settings = settingsFromEnv({}) as ReturnType<typeof settingsFromEnv> & ListenOptions;
  const rows: [string, string][] = [
    ["`HOST`, `PORT`", `${settings.host}, ${settings.port}`],
    ["`DATABASE_URL`", `\`${settings.storage}\``],
    ["`WORKFLOWS_DIR`", `\`${settings.workflowsDir}\``],
    ["`WEBHOOK_REQUIRE_ID`", `\`${settings.requireId}\``],
    ["`ROLE`", `\`${settings.role}\``],
    ["`CONCURRENCY`", `${settings.concurrency}`],
    ["`MAX_BODY_BYTES`", `${settings.bodyBytesMax}`],
    ["`RETENTION_DAYS`, `ID_RETENTION_DAYS`", `${settings.retentionDays}, ${settings.idRetentionDays}`],
    ["`SHUTDOWN_GRACE`", `${Number(settings.shutdownGrace) / 1_000}s`],
    ["`LOG_LEVEL`, `LOG_FORMAT`", `${settings.logLevel}, by terminal`],
    ["`LOG_SAMPLE`", `${settings.logSample}`],
  ];
  for (const [names, value] of rows)
    assert.ok(readme.includes(`| ${names} | ${value} |`), `${names} | ${value}`);
});

test("each row of SECURITY.md names a test that is there", async () => {
  const rows = (await read("SECURITY.md")).split("\n").filter((line) => /^\|.*\|$/.test(line));
  const [, , ...threats] = rows;
  assert.ok(threats.length > 20, `${threats.length} rows`);
  for (const row of threats) {
    const named = [...(row.split("|").at(-2) ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1]);
    assert.ok(named.length > 0, `no test in: ${row}`);
    for (const name of named) await read(`tests/${name}.test.ts`);
  }
});

test("docs/reliability.md and CONTRIBUTING.md name commands that there are", async () => {
  const { scripts } = JSON.parse(await read("package.json")) as { scripts: Record<string, string> };
  for (const path of ["docs/reliability.md", "CONTRIBUTING.md", "SECURITY.md"]) {
    const named = [...(await read(path)).matchAll(/npm run ([a-z:]+)/g)].map((match) => String(match[1]));
    assert.ok(named.length > 0, path);
    for (const name of named) assert.ok(name in scripts, `${path} names npm run ${name}`);
  }
});

test("each TypeScript block of docs/triggers.md is a file that tsc checks", async () => {
  const blocks = Array.from(
    (await read("docs/triggers.md")).matchAll(/```ts\n(.*?)```/gs),
    ([, code]) => code,
  );
  const names = ["github-types", "stripe-types"];
  assert.equal(blocks, await Promise.all(names.map((name) => read(`tests/docs/${name}.ts`))));
});

test("the table of patterns in docs/triggers.md is true", async () => {
  const rows = rowsAfter(await read("docs/triggers.md"), "| pattern |");
  assert.is(rows.length, 7);
  const typesIn = (cell = "") => Array.from(cell.matchAll(/`([^`]+)`/g), ([, type = ""]) => type);
  for (const [pattern = "", matches, others] of rows) {
    const isMatch = compileEventPattern(typesIn(pattern)[0] ?? "");
    for (const type of typesIn(matches)) assert.ok(isMatch(type), `${pattern} ${type}`);
    for (const type of typesIn(others)) assert.not(isMatch(type), `${pattern} ${type}`);
  }
});

test("every filter in docs/triggers.md can be used", async () => {
  const text = await read("docs/triggers.md");
  const filters = rowsAfter(text, "| filter |").map(([filter = ""]) => filter.replace(/^`|`$/g, ""));
  assert.is(filters.length, 9);
  const [, written = ""] = /if: '(.*)'/.exec(text) ?? [];
  for (const filter of [...filters, written]) compileEventFilter(filter);
});

function rowsAfter(text: string, head: string): string[][] {
  const rows = text.slice(text.indexOf(head)).split("\n").slice(2);
  const end = rows.findIndex((row) => !row.startsWith("|"));
  return rows.slice(0, end).map((row) => row.replace(/^\| | \|$/g, "").split(/ \| ?/));
}

test("README.md's examples of verifying alone take what is signed and refuse what is not", async () => {
  const blocks = [...(await read("README.md")).matchAll(/```ts\n([\s\S]*?)```/g)].map((match) =>
    String(match[1]),
  );
  const examples = blocks.filter((block) => block.includes('from "latchhook/verify"'));
  assert.is(examples.length, 2);
  const [next, hono] = (await Promise.all(examples.map(importExample))) as [NextExample, HonoExample];
  process.env.STRIPE_SECRET = "s";
  const event = { id: "evt_1", type: "a.b" };
  for (const [secret, status] of [
    ["s", 204],
    ["t", 401],
  ] as const) {
    const request = new Request("http://a.example/", signWebhook("stripe", event, secret));
    assert.is((await silently(() => next.POST(request))).status, status);
  }
  process.env.STRIPE_SECRET = "";
  const unset = new Request("http://a.example/", signWebhook("stripe", event, "s"));
  await rejects(next.POST(unset), /without a secret/);
  for (const [secret, status] of [
    ["s", 200],
    ["t", 401],
  ] as const) {
    const signed = signWebhook("github", { action: "opened" }, secret, { type: "issues" });
    const answer = await hono.default.fetch(new Request("http://a.example/hooks/github", signed), {
      GITHUB_SECRET: "s",
    });
    assert.is(answer.status, status);
    if (status === 200) assert.equal(await answer.json(), { type: "issues.opened" });
  }
});

test.run();

interface NextExample {
  POST(request: Request): Promise<Response>;
}

interface HonoExample {
  default: { fetch(request: Request, env: Record<string, string>): Promise<Response> };
}

/** What the example uses of Hono, so that it need not be installed. */
const HONO = `export class Hono {
  post(path, handler) { this.path = path; this.handler = handler; }
  onError(handler) { this.catch = handler; }
  async fetch(request, env) {
    const c = {
      req: { raw: request }, env,
      json: (value) => Response.json(value), body: (text, status) => new Response(text, { status }),
    };
    if (request.method !== "POST" || new URL(request.url).pathname !== this.path) return c.body(null, 404);
    try { return await this.handler(c); } catch (error) { return this.catch(error, c); }
  }
}`;

async function importExample(source: string): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents: source, loader: "ts", resolveDir: fileURLToPath(root) },
    plugins: [
      {
        name: "hono",
        setup: (builder): void => {
          builder.onResolve({ filter: /^hono$/ }, ({ path }) => ({ path, namespace: "hono" }));
          builder.onLoad({ filter: /.*/, namespace: "hono" }, () => ({ contents: HONO, loader: "js" }));
        },
      },
    ],
    ...{ bundle: true, format: "esm", platform: "node", write: false },
  });
  const text = Buffer.from(outputFiles?.[0]?.contents ?? []).toString("base64");
  return import(`data:text/javascript;base64,${text}`);
}

async function silently<T>(run: () => Promise<T>): Promise<T> {
  const { log } = console;
  console.log = () => {};
  try {
    return await run();
  } finally {
    console.log = log;
  }
}
