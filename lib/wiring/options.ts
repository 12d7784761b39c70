import { type Clock, systemClock } from "../clock.ts";
import { type Duration, parseDuration } from "../duration.ts";
import { type Network, parseNetworks } from "../http/forwarded.ts";
import { urlBase } from "../http/run-url.ts";
import { type Log, silentLog } from "../log.ts";
import { nearest } from "../nearest.ts";
import type { LatchhookOptions, ListenOptions, Role } from "../options.ts";
import { publicUrlOf } from "../public-url.ts";
import type { Storage } from "../repositories.ts";
import type { SchemeOptions } from "../scheme.ts";
import { isCredentialHeader, isDnsName } from "../settings.ts";
import type { AnyWorkflow } from "../workflow.ts";

/** The options with their defaults, checked as far as that needs no file and no workflow. */
export interface ResolvedOptions {
  storage: string | Storage | (() => Promise<Storage>);
  workflows: Readonly<Record<string, AnyWorkflow>>;
  workflowsDir: string | URL | null;
  isWorkflowsDirNamed: boolean;
  secrets: Readonly<Record<string, string | readonly string[]>>;
  allowUnsigned: readonly string[];
  adminTokens: readonly string[];
  authorize: ((request: Request) => boolean | Promise<boolean>) | undefined;
  basePath: string;
  publicUrl: string | undefined;
  urlBase: string;
  role: Role;
  concurrency: number;
  runsReadyMax: number | null;
  rateLimits: Readonly<Record<string, string>>;
  bodyBytesMax: number;
  retentionDays: number;
  idRetentionDays: number;
  graceMs: number;
  requireId: boolean;
  keepHeaders: readonly string[];
  providers: readonly string[];
  trustedProxies: readonly Network[];
  schemes: Readonly<Record<string, string | SchemeOptions>>;
  verifyTokens: Readonly<Record<string, string | readonly string[]>>;
  requestOrigins: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  log: Log;
  clock: Clock;
  random: () => number;
}

/** The shortest admin token, in characters: 24 of base64 are 144 bits. */
const ADMIN_TOKEN_MIN = 24;

/** Written as records, so that a new option that is forgotten here does not compile. */
const OPTIONS: Record<keyof LatchhookOptions, true> = {
  storage: true,
  workflows: true,
  workflowsDir: true,
  secrets: true,
  allowUnsigned: true,
  adminToken: true,
  authorize: true,
  basePath: true,
  publicUrl: true,
  role: true,
  concurrency: true,
  runsReadyMax: true,
  rateLimits: true,
  bodyBytesMax: true,
  retentionDays: true,
  idRetentionDays: true,
  shutdownGrace: true,
  requireId: true,
  keepHeaders: true,
  providers: true,
  trustProxy: true,
  schemes: true,
  verifyTokens: true,
  requestOrigins: true,
  env: true,
  log: true,
  clock: true,
  random: true,
};
const LISTEN_OPTIONS: Record<keyof ListenOptions, true> = {
  host: true,
  port: true,
  logLevel: true,
  logFormat: true,
  logSample: true,
  isWorkflowsDirNamed: true,
  isProduction: true,
  warnings: true,
};

/**
 * Fills in the defaults.
 *
 * @param options may carry the listener's, too: `createLatchhook(settingsFromEnv(env))` is the program
 * @throws {TypeError} the first option that is wrong, with what to give
 */
export function resolveOptions(options: LatchhookOptions & Partial<ListenOptions>): ResolvedOptions {
  checkNames(options);
  const basePath = checkBasePath(options.basePath ?? "");
  const publicUrl = options.publicUrl === undefined ? undefined : checkPublicUrl(options.publicUrl);
  const retentionDays = wholeNumber(options.retentionDays ?? 30, "retentionDays");
  const idRetentionDays = wholeNumber(options.idRetentionDays ?? 90, "idRetentionDays");
  if (idRetentionDays < retentionDays) {
    throw new TypeError(
      "Cannot use idRetentionDays below retentionDays: ids are kept at least as long as events",
    );
  }
  return {
    storage: options.storage ?? "file:latchhook.db",
    workflows: options.workflows ?? {},
    workflowsDir: options.workflowsDir ?? null,
    isWorkflowsDirNamed: options.isWorkflowsDirNamed ?? true,
    secrets: options.secrets ?? {},
    allowUnsigned: options.allowUnsigned ?? [],
    adminTokens: checkTokens(options.adminToken ?? []),
    authorize: options.authorize,
    basePath,
    publicUrl,
    urlBase: urlBase(basePath, publicUrl),
    role: checkRole(options.role ?? "all"),
    concurrency: wholeNumber(options.concurrency ?? 16, "concurrency"),
    runsReadyMax:
      options.runsReadyMax === undefined ? null : wholeNumber(options.runsReadyMax, "runsReadyMax"),
    rateLimits: options.rateLimits ?? {},
    bodyBytesMax: wholeNumber(options.bodyBytesMax ?? 1_048_576, "bodyBytesMax"),
    retentionDays,
    idRetentionDays,
    graceMs: parseGrace(options.shutdownGrace ?? "8s"),
    requireId: options.requireId ?? false,
    keepHeaders: checkHeaders(options.keepHeaders ?? []),
    providers: options.providers ?? [],
    trustedProxies: parseNetworks(options.trustProxy ?? []),
    schemes: options.schemes ?? {},
    verifyTokens: options.verifyTokens ?? {},
    requestOrigins: checkOrigins(options.requestOrigins ?? []),
    env: options.env ?? {},
    log: options.log || silentLog,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

/** The grace of a stop, in milliseconds. */
export function parseGrace(grace: Duration): number {
  return parseDuration(grace, "shutdownGrace");
}

function checkNames(options: object): void {
  const known = Object.keys({ ...OPTIONS, ...LISTEN_OPTIONS });
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  const hint = near === null ? `the options are ${Object.keys(OPTIONS).join(", ")}` : `did you mean ${near}`;
  throw new TypeError(`Cannot use option ${JSON.stringify(unknown)}: there is none of this name; ${hint}`);
}

function checkBasePath(basePath: string): string {
  const trimmed = basePath.replace(/\/+$/, "");
  if (trimmed === "" || /^(?:\/[A-Za-z0-9._~-]+)+$/.test(trimmed)) return trimmed;
  throw new TypeError(`Cannot use ${JSON.stringify(basePath)} as basePath: give a path such as "/hooks"`);
}

function checkPublicUrl(publicUrl: string): string {
  const url = publicUrlOf(publicUrl);
  if (url !== null) return url;
  throw new TypeError(
    'Cannot use this publicUrl: give an origin and at most a path, such as "https://hooks.example.org"',
  );
}

function checkTokens(given: string | readonly string[]): readonly string[] {
  const tokens = typeof given === "string" ? [given] : given;
  if (tokens.every((token) => typeof token === "string" && token.length >= ADMIN_TOKEN_MIN)) return tokens;
  throw new TypeError(`Cannot use this adminToken: it needs at least ${ADMIN_TOKEN_MIN} characters`);
}

function checkRole(role: Role): Role {
  if (["all", "serve", "work"].includes(role)) return role;
  throw new TypeError(`Cannot use role ${JSON.stringify(role)}: give "all", "serve" or "work"`);
}

function checkHeaders(names: readonly string[]): readonly string[] {
  const lower = names.map((name) => name.toLowerCase());
  const credential = lower.find(isCredentialHeader);
  if (credential === undefined) return lower;
  throw new TypeError(
    `Cannot keep header ${credential}: it carries a credential, and kept headers are shown`,
  );
}

function checkOrigins(names: readonly string[]): readonly string[] {
  const wrong = names.find((name) => !isDnsName(name));
  if (wrong === undefined) return names.map((name) => name.toLowerCase());
  throw new TypeError(
    `Cannot use ${JSON.stringify(wrong)} in requestOrigins: give DNS names, such as "eventgrid.azure.net"`,
  );
}

function wholeNumber(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`Cannot use ${value} as ${name}: give a whole number of 1 or more`);
}
