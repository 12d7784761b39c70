import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import * as v from "valibot";
import { type Duration, parseDuration } from "./duration.ts";
import { withoutReserved } from "./environment-names.ts";
import { nearest } from "./nearest.ts";
import type { LatchhookOptions, ListenOptions } from "./options.ts";
import { publicUrlOf } from "./public-url.ts";
import {
  isNameRefused,
  namedVariables,
  PREFIXES,
  type Reading,
  readSecret,
  shown,
} from "./settings-named.ts";
import { PROVIDER_NAME } from "./workflow.ts";

/**
 * The program's options from its environment variables; README.md has the table.
 * Only the form is checked here: what depends on schemes or workflows fails in `start()`.
 *
 * @param env such as `process.env`; files named by a `..._FILE` are read
 * @returns all defaults filled in; sizes in bytes, `shutdownGrace` in milliseconds
 * @throws {Error} one line for each wrong variable: its name, the bound and the way out, never a secret
 */
export function settingsFromEnv(env: Record<string, string | undefined>): LatchhookOptions & ListenOptions {
  const faults: string[] = [];
  const warnings: string[] = [];
  const reading: Reading = { env, readFile: readFileSync, faults, warnings };

  const parsed = v.safeParse(variables, withoutEmpty(env));
  for (const issue of parsed.issues ?? []) faults.push(faultLine(issue));
  const named = namedVariables(reading);
  const adminToken = readAdminToken(reading);
  warnings.push(...mistypedNames(env));

  if (!parsed.success) throw new Error(faults.join("\n"));
  const values = parsed.output;
  if (values.ID_RETENTION_DAYS < values.RETENTION_DAYS) {
    const given = env.ID_RETENTION_DAYS ? "" : " (its default)";
    faults.push(
      `Cannot use ID_RETENTION_DAYS=${values.ID_RETENTION_DAYS}${given} with RETENTION_DAYS=${values.RETENTION_DAYS}: ids are kept at least as long as events, so set ID_RETENTION_DAYS to ${values.RETENTION_DAYS} or more`,
    );
  }
  if (values.DATABASE_URL === ":memory:" && values.ROLE !== "all") {
    faults.push(
      `Cannot use DATABASE_URL=:memory: with ROLE=${values.ROLE}: several processes need one file, such as DATABASE_URL=file:latchhook.db`,
    );
  }
  if (faults.length > 0) throw new Error(faults.join("\n"));

  return {
    storage: values.DATABASE_URL,
    workflowsDir: values.WORKFLOWS_DIR ?? "workflows",
    isWorkflowsDirNamed: values.WORKFLOWS_DIR !== undefined,
    ...named,
    allowUnsigned: values.WEBHOOK_ALLOW_UNSIGNED,
    ...(adminToken.length > 0 ? { adminToken } : {}),
    ...(values.WEBHOOK_PUBLIC_URL !== undefined ? { publicUrl: values.WEBHOOK_PUBLIC_URL } : {}),
    role: values.ROLE,
    concurrency: values.CONCURRENCY,
    ...(values.RUNS_READY_MAX !== undefined ? { runsReadyMax: values.RUNS_READY_MAX } : {}),
    bodyBytesMax: values.MAX_BODY_BYTES,
    retentionDays: values.RETENTION_DAYS,
    idRetentionDays: values.ID_RETENTION_DAYS,
    shutdownGrace: values.SHUTDOWN_GRACE,
    requireId: values.WEBHOOK_REQUIRE_ID,
    keepHeaders: values.WEBHOOK_KEEP_HEADERS,
    providers: values.WEBHOOK_PROVIDERS,
    requestOrigins: values.WEBHOOK_REQUEST_ORIGINS,
    env: withoutReserved(env),
    trustProxy: values.TRUST_PROXY,
    host: values.HOST,
    port: values.PORT ?? (values.ROLE === "work" ? null : 7862),
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT ?? null,
    logSample: values.LOG_SAMPLE,
    isProduction: env.NODE_ENV === "production",
    warnings,
  };
}

/**
 * True for a header that carries a credential, which `WEBHOOK_KEEP_HEADERS` can't name. The schemes' own
 * signature and token headers are known elsewhere; most of them are caught here by their last word.
 *
 * @param name in lower case
 */
export function isCredentialHeader(name: string): boolean {
  if (name.endsWith("idempotency-token")) return false; // Twilio's id, no secret
  return /(?:^|[-_])(?:(?:proxy-)?authorization|cookie2?|secret|password|token|api-?key|signature)(?:-\d+)?$/.test(
    name,
  );
}

/** True for a DNS name, RFC 1123: no wildcard, no scheme, no port. */
export function isDnsName(name: string): boolean {
  return /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(
    name,
  );
}

// A check's message is the end of its line, "give ..."; what stands before it is the same for all.
const variables = v.object({
  HOST: v.optional(
    checked(isHost, "an IP address or a host name, such as 127.0.0.1 or 0.0.0.0"),
    "127.0.0.1",
  ),
  PORT: v.optional(wholeNumber(0, 65_535)),
  DATABASE_URL: v.optional(v.pipe(v.string(), v.check(isDatabaseUrl, databaseHint)), "file:latchhook.db"),
  WORKFLOWS_DIR: v.optional(v.string()),
  WEBHOOK_PROVIDERS: v.optional(providerList(), ""),
  WEBHOOK_ALLOW_UNSIGNED: v.optional(
    v.pipe(
      v.string(),
      // "false" is what people write to switch a thing off, and not a provider.
      v.transform((text) => ({ true: "generic", false: "" })[text.trim()] ?? text),
      providerList(),
    ),
    "",
  ),
  WEBHOOK_REQUIRE_ID: v.optional(
    v.pipe(
      choice(["true", "false"]),
      v.transform((text) => text === "true"),
    ),
    "false",
  ),
  WEBHOOK_KEEP_HEADERS: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => splitList(text.toLowerCase())),
      v.check(
        (names) => names.every((name) => /^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/.test(name)),
        "header names with commas between",
      ),
      v.check(
        (names) => !names.some(isCredentialHeader),
        "names of headers that carry no credential, because kept headers are shown",
      ),
    ),
    "",
  ),
  WEBHOOK_PUBLIC_URL: v.optional(
    v.pipe(
      checked(
        (text) => publicUrlOf(text) !== null,
        "http:// or https://, a host and at most a path, such as https://hooks.example.org",
      ),
      v.transform((text) => publicUrlOf(text) as string),
    ),
  ),
  WEBHOOK_REQUEST_ORIGINS: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => splitList(text.toLowerCase())),
      v.check(
        (names) => names.every(isDnsName),
        "DNS names of CloudEvents senders with commas between, each by name, such as eventgrid.azure.net",
      ),
    ),
    "",
  ),
  TRUST_PROXY: v.optional(
    v.pipe(
      v.string(),
      v.transform(splitList),
      v.check(
        (ranges) => ranges.every(isAddressRange),
        "addresses or CIDRs of the proxies with commas between, such as 10.0.0.0/8, ::1",
      ),
    ),
    "",
  ),
  ROLE: v.optional(choice(["all", "serve", "work"]), "all"),
  CONCURRENCY: v.optional(wholeNumber(1, 1_000), "16"),
  RUNS_READY_MAX: v.optional(wholeNumber(1, 1_000_000_000)),
  MAX_BODY_BYTES: v.optional(wholeNumber(1, 268_435_456), "1048576"),
  RETENTION_DAYS: v.optional(wholeNumber(1, 36_500), "30"),
  ID_RETENTION_DAYS: v.optional(wholeNumber(1, 36_500), "90"),
  SHUTDOWN_GRACE: v.optional(
    v.pipe(
      checked(isDuration, "a duration such as 8s, 500ms or 1m"),
      v.transform((text) => parseDuration(text as Duration)),
    ),
    "8s",
  ),
  LOG_LEVEL: v.optional(choice(["debug", "info", "warn", "error"]), "info"),
  LOG_FORMAT: v.optional(choice(["json", "text"])),
  LOG_SAMPLE: v.optional(wholeNumber(1, 1_000_000), "1"),
});

/** An empty text is the usual way to unset a variable in a compose file; for secrets it is a fault instead. */
function withoutEmpty(env: Record<string, string | undefined>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of Object.keys(variables.entries)) {
    const value = env[name];
    if (value !== undefined && value.trim() !== "") values[name] = value;
  }
  return values;
}

function faultLine(issue: v.InferIssue<typeof variables>): string {
  const name = String(issue.path?.[0].key);
  // A database's or a page's address may hold a password.
  const isHidden = name === "DATABASE_URL" || name === "WEBHOOK_PUBLIC_URL";
  const value = isHidden ? name : `${name}=${shown(String(issue.path?.[0].value))}`;
  return `Cannot use ${value}: give ${issue.message}`;
}

function checked(isRight: (text: string) => boolean, wanted: string) {
  return v.pipe(v.string(), v.check(isRight, wanted));
}

function choice<const T extends string>(words: readonly T[]) {
  return v.picklist(words, (issue) => {
    const hint = nearest(String(issue.input).toLowerCase(), words);
    return words.join(" or ") + (hint === null ? "" : `; did you mean ${hint}`);
  });
}

function wholeNumber(min: number, max: number) {
  const isInside = (text: string): boolean =>
    /^\d{1,10}$/.test(text) && Number(text) >= min && Number(text) <= max;
  return v.pipe(checked(isInside, `a whole number from ${min} to ${max}`), v.transform(Number));
}

function providerList() {
  return v.pipe(
    v.string(),
    v.transform(splitList),
    v.check(
      (names) => names.every((name) => PROVIDER_NAME.test(name) && !isNameRefused(name)),
      "providers' names with commas between, in lower case and with dashes, such as github, stripe",
    ),
  );
}

function splitList(text: string): string[] {
  const items = text.split(",").map((item) => item.trim());
  return [...new Set(items.filter((item) => item !== ""))];
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/i.test(text);
}

function isDatabaseUrl(text: string): boolean {
  return text === ":memory:" || /^file:./.test(text);
}

function databaseHint(issue: { input: unknown }): string {
  const ways = "file:PATH or :memory:";
  return /^postgres(ql)?:/i.test(String(issue.input)) ? `${ways}, because PostgreSQL is not built` : ways;
}

function isAddressRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text as Duration);
    return true;
  } catch {
    return false;
  }
}

function readAdminToken(reading: Reading): string[] {
  const names = ["ADMIN_TOKEN", "ADMIN_TOKEN_PREVIOUS"];
  const tokens = names.map((name) => readSecret(reading, name));
  for (const [index, token] of tokens.entries()) {
    if (token === null || /^[\x21-\x7e]{24,}$/.test(token)) continue;
    reading.faults.push(
      `Cannot use ${names[index]} of ${token.length} characters: give at least 24, all visible ASCII, such as the output of openssl rand -hex 24`,
    );
  }
  const { ADMIN_TOKEN, ADMIN_TOKEN_FILE } = reading.env;
  if (tokens[1] && ADMIN_TOKEN === undefined && ADMIN_TOKEN_FILE === undefined) {
    reading.faults.push(
      "Cannot use ADMIN_TOKEN_PREVIOUS without ADMIN_TOKEN: set ADMIN_TOKEN to the present token",
    );
  }
  return tokens.filter((token) => token !== null);
}

/** A `WEBHOOK_*` that is nearly ours is most likely a slip, but may belong to another program. */
function mistypedNames(env: Record<string, string | undefined>): string[] {
  const exact = Object.keys(variables.entries).filter((name) => name.startsWith("WEBHOOK_"));
  const warnings: string[] = [];
  for (const name of Object.keys(env).sort()) {
    const isForeign = name.startsWith("WEBHOOK_") && !PREFIXES.some((prefix) => name.startsWith(prefix));
    if (!isForeign || exact.includes(name) || !env[name]) continue;
    const hint = nearest(name, exact) ?? nearestPrefix(name);
    if (hint !== null) warnings.push(`${shown(name)} is no setting and was ignored: did you mean ${hint}`);
  }
  return warnings;
}

function nearestPrefix(name: string): string | null {
  for (const prefix of PREFIXES) {
    for (let length = prefix.length - 2; length <= prefix.length + 2; length++) {
      if (nearest(name.slice(0, length), [prefix]) !== null) return `${prefix}{PROVIDER}`;
    }
  }
  return null;
}
