import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isCredentialHeader, settingsFromEnv } from "../lib/settings.ts";
import { tempFolder } from "./support/temp-folder.ts";

type Env = Record<string, string | undefined>;

const TOKEN = "t".repeat(24);

const test = suite("settings");

const defaults = {
  storage: "file:latchhook.db",
  workflowsDir: "workflows",
  isWorkflowsDirNamed: false,
  secrets: {},
  schemes: {},
  verifyTokens: {},
  rateLimits: {},
  allowUnsigned: [],
  role: "all",
  concurrency: 16,
  bodyBytesMax: 1_048_576,
  retentionDays: 30,
  idRetentionDays: 90,
  shutdownGrace: 8_000,
  requireId: false,
  keepHeaders: [],
  providers: [],
  requestOrigins: [],
  trustProxy: [],
  host: "127.0.0.1",
  port: 7862,
  logLevel: "info",
  logFormat: null,
  logSample: 1,
  isProduction: false,
  warnings: [],
};

test("nothing set gives the defaults", () => {
  assert.equal(settingsFromEnv({}), { ...defaults, env: {} });
});

/** What is different from the defaults. */
const read: readonly [env: Env, expected: object][] = [
  [
    { HOST: "0.0.0.0", PORT: "0" },
    { host: "0.0.0.0", port: 0 },
  ],
  [
    { HOST: "::1", PORT: "65535" },
    { host: "::1", port: 65_535 },
  ],
  [{ HOST: "localhost" }, { host: "localhost" }],
  [{ PORT: "", HOST: " ", ROLE: "", WEBHOOK_ALLOW_UNSIGNED: "", LOG_FORMAT: "", CONCURRENCY: "" }, {}],
  [{ ROLE: "work" }, { role: "work", port: null }],
  [
    { ROLE: "work", PORT: "80" },
    { role: "work", port: 80 },
  ],
  [{ ROLE: "serve" }, { role: "serve" }],
  [{ DATABASE_URL: ":memory:" }, { storage: ":memory:" }],
  [{ DATABASE_URL: "file:/data/a b.db" }, { storage: "file:/data/a b.db" }],
  [{ WORKFLOWS_DIR: "workflows" }, { isWorkflowsDirNamed: true }],
  [{ WORKFLOWS_DIR: "./mine" }, { workflowsDir: "./mine", isWorkflowsDirNamed: true }],
  [{ WEBHOOK_SECRET_GITHUB: "s" }, { secrets: { github: ["s"] } }],
  [
    { WEBHOOK_SECRET_GITHUB: "new", WEBHOOK_SECRET_GITHUB_PREVIOUS: "old" },
    { secrets: { github: ["new", "old"] } },
  ],
  [{ WEBHOOK_SECRET_GITHUB_ACME: "s" }, { secrets: { "github-acme": ["s"] } }],
  [
    { WEBHOOK_SECRET_DEFAULT: "d", WEBHOOK_SECRET_DEFAULT_PREVIOUS: "e", WEBHOOK_SECRET_GENERIC: "g" },
    { secrets: { default: ["d", "e"], generic: ["g"] } },
  ],
  [{ ADMIN_TOKEN: TOKEN }, { adminToken: [TOKEN] }],
  [{ ADMIN_TOKEN: TOKEN, ADMIN_TOKEN_PREVIOUS: `${TOKEN}2` }, { adminToken: [TOKEN, `${TOKEN}2`] }],
  [{ WEBHOOK_ALLOW_UNSIGNED: "true" }, { allowUnsigned: ["generic"] }],
  [{ WEBHOOK_ALLOW_UNSIGNED: "false" }, { allowUnsigned: [] }],
  [{ WEBHOOK_ALLOW_UNSIGNED: "generic, github,,generic" }, { allowUnsigned: ["generic", "github"] }],
  [{ WEBHOOK_PROVIDERS: "github,my-shop" }, { providers: ["github", "my-shop"] }],
  [{ WEBHOOK_REQUIRE_ID: "true" }, { requireId: true }],
  [{ WEBHOOK_KEEP_HEADERS: "X-Trace-Id, x-region" }, { keepHeaders: ["x-trace-id", "x-region"] }],
  [{ WEBHOOK_PUBLIC_URL: "https://Hooks.example.org/" }, { publicUrl: "https://Hooks.example.org" }],
  [{ WEBHOOK_PUBLIC_URL: "https://a.example:443" }, { publicUrl: "https://a.example:443" }],
  [{ WEBHOOK_PUBLIC_URL: "https://m\u00fcll.example/" }, { publicUrl: "https://xn--mll-hoa.example" }],
  [{ WEBHOOK_PUBLIC_URL: "http://a.example:8080/in/" }, { publicUrl: "http://a.example:8080/in" }],
  [
    { TRUST_PROXY: "10.0.0.0/8, ::1,fd00::/8,192.0.2.7" },
    { trustProxy: ["10.0.0.0/8", "::1", "fd00::/8", "192.0.2.7"] },
  ],
  [{ WEBHOOK_SCHEME_GITHUB_ACME: "github" }, { schemes: { "github-acme": "github" } }],
  [{ WEBHOOK_SCHEME_GITHUB_ACME: "" }, {}],
  [{ WEBHOOK_VERIFY_TOKEN_META: "v" }, { verifyTokens: { meta: ["v"] } }],
  [
    { WEBHOOK_VERIFY_TOKEN_META: "v", WEBHOOK_VERIFY_TOKEN_META_PREVIOUS: "w" },
    { verifyTokens: { meta: ["v", "w"] } },
  ],
  [
    { WEBHOOK_REQUEST_ORIGINS: "EventGrid.azure.net, a.example,a.example" },
    { requestOrigins: ["eventgrid.azure.net", "a.example"] },
  ],
  [{ WEBHOOK_RATE_LIMIT_GITHUB_ACME: "50/s" }, { rateLimits: { "github-acme": "50/s" } }],
  [{ WEBHOOK_RATE_LIMIT_GENERIC: "" }, {}],
  [{ RUNS_READY_MAX: "10000" }, { runsReadyMax: 10_000 }],
  [
    { CONCURRENCY: "1000", MAX_BODY_BYTES: "268435456" },
    { concurrency: 1_000, bodyBytesMax: 268_435_456 },
  ],
  [{ RETENTION_DAYS: "90" }, { retentionDays: 90 }],
  [
    { RETENTION_DAYS: "1", ID_RETENTION_DAYS: "1" },
    { retentionDays: 1, idRetentionDays: 1 },
  ],
  [{ SHUTDOWN_GRACE: "1m" }, { shutdownGrace: 60_000 }],
  [
    { LOG_LEVEL: "debug", LOG_FORMAT: "json", LOG_SAMPLE: "1000" },
    { logLevel: "debug", logFormat: "json", logSample: 1_000 },
  ],
  [{ NODE_ENV: "production" }, { isProduction: true }],
  [{ NODE_ENV: "Production", PATH: "/bin", GITHUB_TOKEN: "x" }, {}],
];
for (const [env, expected] of read) {
  test(`read: ${describe(env)}`, () => {
    const { env: _, ...settings } = settingsFromEnv(env);
    assert.equal(settings, { ...defaults, ...expected });
  });
}

test("a provider may be called constructor", () => {
  const { secrets } = settingsFromEnv({ WEBHOOK_SECRET_CONSTRUCTOR: "s" });
  assert.equal(Object.entries(secrets ?? {}), [["constructor", ["s"]]]);
});

/** Each is one line that names the variable and the way out. */
const refused: readonly [env: Env, line: RegExp][] = [
  [{ PORT: "abc" }, /^Cannot use PORT="abc": give a whole number from 0 to 65535$/],
  [{ PORT: "65536" }, /^Cannot use PORT=/],
  [{ PORT: "-1" }, /^Cannot use PORT=/],
  [{ PORT: "80.5" }, /^Cannot use PORT=/],
  [{ PORT: "0x50" }, /^Cannot use PORT=/],
  [{ PORT: `1\n2${"3".repeat(999)}` }, /^Cannot use PORT="1\\n23{57}\.\.\.": give/],
  [{ HOST: "http://localhost" }, /^Cannot use HOST=.*127\.0\.0\.1/],
  [{ HOST: "[::1]" }, /^Cannot use HOST=/],
  [
    { DATABASE_URL: "postgres://u:hunter2@h/d" },
    /^Cannot use DATABASE_URL: .*file:PATH.*PostgreSQL is not built$/,
  ],
  [{ DATABASE_URL: "postgresql://h/d" }, /PostgreSQL is not built$/],
  [{ DATABASE_URL: "latchhook.db" }, /^Cannot use DATABASE_URL: give file:PATH or :memory:$/],
  [{ DATABASE_URL: "file:" }, /^Cannot use DATABASE_URL: /],
  [{ DATABASE_URL: ":memory:", ROLE: "work" }, /^Cannot use DATABASE_URL=:memory: with ROLE=work: .*file:/],
  [{ ROLE: "server" }, /^Cannot use ROLE="server": give all or serve or work; did you mean serve$/],
  [{ CONCURRENCY: "0" }, /^Cannot use CONCURRENCY="0": give a whole number from 1 to 1000$/],
  [{ CONCURRENCY: "1001" }, /CONCURRENCY/],
  [{ MAX_BODY_BYTES: "268435457" }, /MAX_BODY_BYTES.*268435456/],
  [{ MAX_BODY_BYTES: "1MB" }, /MAX_BODY_BYTES/],
  [{ RETENTION_DAYS: "0" }, /RETENTION_DAYS/],
  [
    { RETENTION_DAYS: "30", ID_RETENTION_DAYS: "29" },
    /ID_RETENTION_DAYS=29 with RETENTION_DAYS=30: .*to 30 or more/,
  ],
  [{ RETENTION_DAYS: "91" }, /ID_RETENTION_DAYS=90 \(its default\) with RETENTION_DAYS=91/],
  [{ SHUTDOWN_GRACE: "8" }, /^Cannot use SHUTDOWN_GRACE="8": give a duration such as 8s/],
  [{ SHUTDOWN_GRACE: "-8s" }, /SHUTDOWN_GRACE/],
  [{ LOG_LEVEL: "inf" }, /^Cannot use LOG_LEVEL="inf": .*did you mean info$/],
  [{ LOG_FORMAT: "xml" }, /^Cannot use LOG_FORMAT="xml": give json or text$/],
  [{ LOG_SAMPLE: "0" }, /^Cannot use LOG_SAMPLE="0": give a whole number from 1 to 1000000$/],
  [{ WEBHOOK_REQUIRE_ID: "1" }, /^Cannot use WEBHOOK_REQUIRE_ID="1": give true or false$/],
  [{ WEBHOOK_ALLOW_UNSIGNED: "GitHub" }, /^Cannot use WEBHOOK_ALLOW_UNSIGNED="GitHub": .*lower case/],
  [{ WEBHOOK_PROVIDERS: "github_acme" }, /WEBHOOK_PROVIDERS/],
  [{ WEBHOOK_PROVIDERS: "default" }, /WEBHOOK_PROVIDERS/],
  [{ WEBHOOK_KEEP_HEADERS: "x trace" }, /WEBHOOK_KEEP_HEADERS/],
  [{ WEBHOOK_KEEP_HEADERS: "x-trace, Authorization" }, /WEBHOOK_KEEP_HEADERS.*no credential/],
  [{ WEBHOOK_PUBLIC_URL: "hooks.example.org" }, /^Cannot use WEBHOOK_PUBLIC_URL: give http/],
  [{ WEBHOOK_PUBLIC_URL: "https://u:hunter2@h.example" }, /^Cannot use WEBHOOK_PUBLIC_URL: give http/],
  [{ WEBHOOK_PUBLIC_URL: "https://h.example/?a" }, /WEBHOOK_PUBLIC_URL/],
  [{ WEBHOOK_PUBLIC_URL: "ftp://h.example" }, /WEBHOOK_PUBLIC_URL/],
  [{ TRUST_PROXY: "true" }, /^Cannot use TRUST_PROXY="true": give addresses or CIDRs/],
  [{ TRUST_PROXY: "10.0.0.0/33" }, /TRUST_PROXY/],
  [{ TRUST_PROXY: "::1/129" }, /TRUST_PROXY/],
  [{ TRUST_PROXY: "10.0.0.0/8/8" }, /TRUST_PROXY/],
  [{ TRUST_PROXY: "fe80::1%eth0" }, /TRUST_PROXY/],
  [{ ADMIN_TOKEN: "t".repeat(23) }, /^Cannot use ADMIN_TOKEN of 23 characters: give at least 24/],
  [{ ADMIN_TOKEN: `${TOKEN} x` }, /ADMIN_TOKEN of 26 characters: .*visible ASCII/],
  [{ ADMIN_TOKEN: TOKEN, ADMIN_TOKEN_PREVIOUS: "short" }, /^Cannot use ADMIN_TOKEN_PREVIOUS of 5/],
  [{ ADMIN_TOKEN: "" }, /^Cannot use ADMIN_TOKEN: it is empty/],
  [{ ADMIN_TOKEN_PREVIOUS: TOKEN }, /^Cannot use ADMIN_TOKEN_PREVIOUS without ADMIN_TOKEN/],
  [{ WEBHOOK_SECRET_GITHUB: "" }, /^Cannot use WEBHOOK_SECRET_GITHUB: it is empty/],
  [{ WEBHOOK_SECRET_GITHUB_FILE: "" }, /^Cannot use WEBHOOK_SECRET_GITHUB_FILE: it is empty/],
  [
    { WEBHOOK_SECRET_GITHUB_PREVIOUS: "old" },
    /^Cannot use WEBHOOK_SECRET_GITHUB_PREVIOUS without WEBHOOK_SECRET_GITHUB:/,
  ],
  [
    { WEBHOOK_SECRET_A: "hunter2", WEBHOOK_SECRET_A_FILE: "/f" },
    /^Cannot use WEBHOOK_SECRET_A and WEBHOOK_SECRET_A_FILE together/,
  ],
  [{ ADMIN_TOKEN: TOKEN, ADMIN_TOKEN_FILE: "/f" }, /^Cannot use ADMIN_TOKEN and ADMIN_TOKEN_FILE together/],
  [
    { WEBHOOK_SECRET_A_FILE: "/no/such/file" },
    /^Cannot read WEBHOOK_SECRET_A_FILE="\/no\/such\/file" \(ENOENT\)/,
  ],
  [{ WEBHOOK_SECRET_A_FILE: "/" }, /^Cannot read WEBHOOK_SECRET_A_FILE="\/" \(EISDIR\)/],
  [{ WEBHOOK_SECRET_: "s" }, /^Cannot use "WEBHOOK_SECRET_": end it with a provider's name/],
  [{ WEBHOOK_SECRET_github: "s" }, /^Cannot use "WEBHOOK_SECRET_github": .*capitals/],
  [{ WEBHOOK_SECRET_1PASSWORD: "s" }, /WEBHOOK_SECRET_1PASSWORD/],
  [{ [`WEBHOOK_SECRET_${"A".repeat(65)}`]: "s" }, /at most 64/],
  [{ WEBHOOK_SECRET_A_FILE_PREVIOUS: "s" }, /"a-file" can't be a provider's name/],
  [{ WEBHOOK_SCHEME_DEFAULT: "github" }, /^Cannot use "WEBHOOK_SCHEME_DEFAULT": "default" can't be/],
  [{ WEBHOOK_SCHEME_A_PREVIOUS: "github" }, /"a-previous" can't be/],
  [{ WEBHOOK_SCHEME_A_FILE: "github" }, /"a-file" can't be/],
  [{ WEBHOOK_SCHEME_A: '{"algorithm":hmac}' }, /^Cannot use WEBHOOK_SCHEME_A: it begins as JSON and is none/],
  [{ WEBHOOK_SCHEME_A: "GitHub" }, /^Cannot use WEBHOOK_SCHEME_A="GitHub": .*lower case/],
  [{ WEBHOOK_RATE_LIMIT_DEFAULT: "50/s" }, /"default" can't be/],
  [
    { WEBHOOK_RATE_LIMIT_A: "50" },
    /^Cannot use WEBHOOK_RATE_LIMIT_A="50": give deliveries in a time, such as 50\/s/,
  ],
  [{ WEBHOOK_RATE_LIMIT_A: "0/s" }, /^Cannot use WEBHOOK_RATE_LIMIT_A/],
  [{ RUNS_READY_MAX: "0" }, /^Cannot use RUNS_READY_MAX="0": give a whole number from 1/],
  [{ WEBHOOK_VERIFY_TOKEN_DEFAULT: "v" }, /"default" can't be/],
  [{ WEBHOOK_VERIFY_TOKEN_META_PREVIOUS: "v" }, /_PREVIOUS without WEBHOOK_VERIFY_TOKEN_META: /],
  ...["*", "*.example.org", "https://a.example", "a.example:443", "a..example", "-a.example"].map(
    (WEBHOOK_REQUEST_ORIGINS): [Env, RegExp] => [
      { WEBHOOK_REQUEST_ORIGINS },
      /^Cannot use WEBHOOK_REQUEST_ORIGINS=".*": give DNS names/,
    ],
  ),
  [{ WEBHOOK_VERIFY_TOKEN_META: "" }, /WEBHOOK_VERIFY_TOKEN_META: it is empty/],
];
for (const [env, line] of refused) {
  test(`refused: ${describe(env)}`, () => {
    const message = faultOf(env);
    assert.match(message, line);
    assert.not.match(message, /hunter2|\n|\.$/);
  });
}

test("all wrong variables are named, one line each", () => {
  const lines = faultOf({ PORT: "x", ROLE: "y", WEBHOOK_SECRET_A: "", ADMIN_TOKEN: "short" }).split("\n");
  assert.equal(lines.map((line) => /[A-Z_]{4,}/.exec(line)?.[0]).sort(), [
    "ADMIN_TOKEN",
    "PORT",
    "ROLE",
    "WEBHOOK_SECRET_A",
  ]);
});

test("a secret's file is read without one line break at its end", async () => {
  const folder = await tempFolder();
  const cases: readonly [content: string | Uint8Array, secret: string | RegExp][] = [
    ["s", "s"],
    ["s\n", "s"],
    ["s\r\n", "s"],
    ["s\n\n", "s\n"],
    ["\n", /^Cannot use WEBHOOK_SECRET_A_FILE=.*the file is empty$/],
    ["", /the file is empty$/],
    [new Uint8Array([0xff, 0xfe]), /^Cannot use WEBHOOK_SECRET_A_FILE=.*not UTF-8$/],
  ];
  for (const [index, [content, expected]] of cases.entries()) {
    const path = join(folder, String(index));
    await writeFile(path, content);
    const env = { WEBHOOK_SECRET_A_FILE: path };
    if (expected instanceof RegExp) assert.match(faultOf(env), expected);
    else assert.equal(settingsFromEnv(env).secrets, { a: [expected] });
  }
});

test("every secret and token may come from a file", async () => {
  const path = join(await tempFolder(), "secret");
  await writeFile(path, `${TOKEN}\n`);
  const names = [
    "WEBHOOK_SECRET_A",
    "WEBHOOK_SECRET_DEFAULT",
    "WEBHOOK_VERIFY_TOKEN_A",
    "ADMIN_TOKEN",
  ].flatMap((name) => [name, `${name}_PREVIOUS`]);
  const env = Object.fromEntries(names.map((name) => [`${name}_FILE`, path]));
  const { secrets, adminToken, verifyTokens } = settingsFromEnv(env);
  assert.equal(
    { secrets, adminToken, verifyTokens },
    { secrets: { a: [TOKEN], default: [TOKEN] }, adminToken: [TOKEN, TOKEN], verifyTokens: { a: [TOKEN] } },
  );
});

const warned: readonly [env: Env, warning: RegExp | null][] = [
  [
    { WEBHOOK_SECERT_GITHUB: "hunter2" },
    /^"WEBHOOK_SECERT_GITHUB" .*did you mean WEBHOOK_SECRET_\{PROVIDER\}$/,
  ],
  [{ WEBHOOK_SECRETS_GITHUB: "s" }, /WEBHOOK_SECRET_/],
  [{ WEBHOOK_SECRET: "s" }, /WEBHOOK_SECRET_/],
  [{ WEBHOOK_SCHEMA_A: "github" }, /WEBHOOK_SCHEME_/],
  [{ WEBHOOK_PUBLIC_URI: "https://a.example" }, /did you mean WEBHOOK_PUBLIC_URL$/],
  [{ WEBHOOK_ALOW_UNSIGNED: "true" }, /did you mean WEBHOOK_ALLOW_UNSIGNED$/],
  [{ WEBHOOK_URL: "https://a.example" }, null],
  [{ WEBHOOK_SERVER_NAME: "a" }, null],
  [{ WEBHOOK_PUBLIC_URI: "" }, null],
  [
    { WEBHOOK_VERIFY_TOKEN_A: " hunter2" },
    /^WEBHOOK_VERIFY_TOKEN_A begins or ends with white space or quotes/,
  ],
  [{ WEBHOOK_VERIFY_TOKEN_A: '"hunter2"' }, /^WEBHOOK_VERIFY_TOKEN_A /],
  [{ WEBHOOK_SECRET_A: 'it"s', WEBHOOK_VERIFY_TOKEN_A: "v" }, null],
];
for (const [env, warning] of warned) {
  test(`${warning === null ? "not " : ""}warned of: ${describe(env)}`, () => {
    const { warnings } = settingsFromEnv(env);
    assert.is(warnings.length, warning === null ? 0 : 1, warnings.join("\n"));
    if (warning !== null) assert.match(warnings[0] ?? "", warning);
    assert.not.match(warnings.join(), /hunter2/);
  });
}

test("headers that carry a credential are known by their last word", () => {
  const credentials = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-gitlab-token",
  ];
  for (const name of [...credentials, "x-hub-signature-256", "x-signature"])
    assert.ok(isCredentialHeader(name), name);
  const kept = ["content-type", "x-signature-timestamp", "i-twilio-idempotency-token", "x-tokens-left"];
  for (const name of kept) assert.not.ok(isCredentialHeader(name), name);
});

test("flows may see the environment but for the secrets of this server", () => {
  const { env } = settingsFromEnv({
    PATH: "/bin",
    OPENAI_API_KEY: "k",
    WEBHOOK_SECRET_GITHUB: "s3cret",
    ADMIN_TOKEN: "x".repeat(24),
    ADMIN_TOKEN_PREVIOUS: "y".repeat(24),
    DATABASE_URL: "file:x.db",
  });
  assert.equal(env, { PATH: "/bin", OPENAI_API_KEY: "k" });
});

test.run();

function describe(env: Env): string {
  return Object.entries(env)
    .map(([name, value]) => `${name.slice(0, 40)}=${JSON.stringify(value?.slice(0, 40))}`)
    .join(" ");
}

function faultOf(env: Env): string {
  try {
    settingsFromEnv(env);
  } catch (error) {
    assert.instance(error, Error);
    return (error as Error).message;
  }
  return assert.unreachable(`${describe(env)} was taken`) as never;
}
