import type { LatchhookOptions } from "./options.ts";
import { parseRate, type RateText } from "./rate.ts";
import type { SchemeOptions } from "./scheme.ts";
import { PROVIDER_NAME } from "./workflow.ts";

/** What is read, and what is found wrong with it: one line each. */
export interface Reading {
  env: Readonly<Record<string, string | undefined>>;
  /** Throws where it can't. */
  readFile(path: string): Uint8Array;
  faults: string[];
  warnings: string[];
}

/** What the variables that end in a provider's name begin with. */
export const PREFIXES = [
  "WEBHOOK_SECRET_",
  "WEBHOOK_SCHEME_",
  "WEBHOOK_VERIFY_TOKEN_",
  "WEBHOOK_RATE_LIMIT_",
] as const;

/**
 * The settings whose variables end in a provider's name: secrets, schemes, tokens for handshakes and rates.
 *
 * @returns by provider, `GITHUB_ACME` as `github-acme`; a provider's secrets and tokens newest first
 */
export function namedVariables(
  reading: Reading,
): Required<Pick<LatchhookOptions, "secrets" | "schemes" | "verifyTokens" | "rateLimits">> {
  return {
    secrets: readRotated(reading, "WEBHOOK_SECRET_", true),
    schemes: readSchemes(reading),
    verifyTokens: readVerifyTokens(reading),
    rateLimits: readRateLimits(reading),
  };
}

/** True for what can't be a provider's name, because a variable of it would mean something else. */
export function isNameRefused(provider: string): boolean {
  return provider === "default" || provider.endsWith("-previous") || provider.endsWith("-file");
}

/**
 * A secret from `name` or from the file that `name_FILE` names.
 *
 * @returns null where neither is set, or where a line was added to the faults
 */
export function readSecret(reading: Reading, name: string): string | null {
  const { env, faults } = reading;
  const file = `${name}_FILE`;
  const inline = env[name];
  const path = env[file];
  if (inline === undefined && path === undefined) return null;
  if (inline !== undefined && path !== undefined) {
    return fault(faults, `Cannot use ${name} and ${file} together: keep one of them`);
  }
  if (path === undefined) {
    return inline || fault(faults, `Cannot use ${name}: it is empty, so set it or remove it`);
  }
  if (path === "") return fault(faults, `Cannot use ${file}: it is empty, so set it or remove it`);
  return readSecretFile(reading, file, path);
}

/** A value as it may stand in a line: quoted, on one line, cut to 60 characters. */
export function shown(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
}

function readSecretFile({ readFile, faults }: Reading, name: string, path: string): string | null {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return fault(
      faults,
      `Cannot read ${name}=${shown(path)} (${code}): name a readable file with the secret`,
    );
  }
  const text = decodeUtf8(bytes);
  if (text === null) return fault(faults, `Cannot use ${name}=${shown(path)}: the file is not UTF-8`);
  // Editors end a file with a line break that is not part of the secret; a second one is.
  const secret = text.replace(/\r?\n$/, "");
  return secret || fault(faults, `Cannot use ${name}=${shown(path)}: the file is empty`);
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    // A byte order mark stays in: it would be part of the key, and the warning about white space shows it.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Values of which the previous one counts, too. */
function readRotated(reading: Reading, prefix: string, takesDefault: boolean): Record<string, string[]> {
  const { env, faults } = reading;
  const present = new Map<string, string>();
  const previous = new Map<string, string>();
  for (const rest of restsOf(env, prefix)) {
    const name = prefix + rest;
    const isPrevious = /.+_PREVIOUS$/.test(rest);
    const part = isPrevious ? rest.slice(0, -"_PREVIOUS".length) : rest;
    const provider = providerOf(name, part, faults, takesDefault);
    const secret = readSecret(reading, name);
    if (provider === null || secret === null) continue;
    (isPrevious ? previous : present).set(provider, secret);
  }
  for (const provider of previous.keys()) {
    const name = prefix + variablePart(provider);
    const isSet = present.has(provider) || env[name] !== undefined || env[`${name}_FILE`] !== undefined;
    if (!isSet) faults.push(`Cannot use ${name}_PREVIOUS without ${name}: set ${name} to the present one`);
  }
  return Object.fromEntries(
    [...present].map(([provider, secret]) => {
      const old = previous.get(provider);
      return [provider, old === undefined || old === secret ? [secret] : [secret, old]];
    }),
  );
}

/** The schemes of the user's own, by the names of their providers. */
export function readSchemes({
  env,
  faults,
}: Pick<Reading, "env" | "faults">): Record<string, string | SchemeOptions> {
  const schemes: [string, string | SchemeOptions][] = [];
  for (const name of namesOf(env, "WEBHOOK_SCHEME_")) {
    const scheme = env[name]?.trim();
    if (!scheme) continue; // empty counts as not set
    const provider = providerOf(name, name.slice("WEBHOOK_SCHEME_".length), faults);
    if (scheme.startsWith("{")) {
      const record = parseRecord(scheme);
      if (record === null)
        faults.push(`Cannot use ${name}: it begins as JSON and is none, so see its quotes and commas`);
      else if (provider !== null) schemes.push([provider, record]);
    } else if (!PROVIDER_NAME.test(scheme)) {
      faults.push(
        `Cannot use ${name}=${shown(scheme)}: give a built-in scheme's name in lower case, such as github, or a record as JSON`,
      );
    } else if (provider !== null) {
      schemes.push([provider, scheme]);
    }
  }
  return Object.fromEntries(schemes);
}

/** A record that is checked at the start, when the schemes are known. */
function parseRecord(text: string): SchemeOptions | null {
  try {
    return JSON.parse(text) as SchemeOptions;
  } catch {
    return null;
  }
}

function readVerifyTokens(reading: Reading): Record<string, string[]> {
  const tokens = readRotated(reading, "WEBHOOK_VERIFY_TOKEN_", false);
  for (const [provider, [present = "", previous = ""]] of Object.entries(tokens)) {
    const name = `WEBHOOK_VERIFY_TOKEN_${variablePart(provider)}`;
    warnOfEdges(name, present, reading.warnings);
    warnOfEdges(`${name}_PREVIOUS`, previous, reading.warnings);
  }
  return tokens;
}

function readRateLimits({ env, faults }: Reading): Record<string, RateText> {
  const rates: [string, RateText][] = [];
  for (const name of namesOf(env, "WEBHOOK_RATE_LIMIT_")) {
    const text = env[name]?.trim();
    if (!text) continue; // empty counts as not set
    const provider = providerOf(name, name.slice("WEBHOOK_RATE_LIMIT_".length), faults);
    if (parseRate(text) === null) {
      faults.push(
        `Cannot use ${name}=${shown(text)}: give deliveries in a time, such as 50/s, 600/m or 1000/h`,
      );
    } else if (provider !== null) {
      rates.push([provider, text as RateText]);
    }
  }
  return Object.fromEntries(rates);
}

function namesOf(env: Reading["env"], prefix: string): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && env[name] !== undefined)
    .sort();
}

/** What follows the prefix, `X` and `X_FILE` as one. */
function restsOf(env: Reading["env"], prefix: string): Set<string> {
  return new Set(namesOf(env, prefix).map((name) => name.slice(prefix.length).replace(/(.)_FILE$/, "$1")));
}

function providerOf(variable: string, part: string, faults: string[], takesDefault = false): string | null {
  if (takesDefault && part === "DEFAULT") return "default";
  const provider = part.toLowerCase().replaceAll("_", "-");
  if (/^[A-Z0-9_]+$/.test(part) && PROVIDER_NAME.test(provider) && !isNameRefused(provider)) return provider;
  const wanted = isNameRefused(provider)
    ? `${shown(provider)} can't be a provider's name, so choose another`
    : "end it with a provider's name in capitals, digits and _, from a letter on, at most 64 characters";
  return fault(faults, `Cannot use ${shown(variable)}: ${wanted}`);
}

/** A provider's name as it stands in a variable: `GITHUB_ACME` of `github-acme`. */
export function variablePart(provider: string): string {
  return provider.toUpperCase().replaceAll("-", "_");
}

/** Nothing is trimmed silently, so a token pasted with its quotes would fail at the first handshake. */
function warnOfEdges(name: string, token: string, warnings: string[]): void {
  if (token !== token.trim() || /^(["'`]).*\1$/s.test(token)) {
    warnings.push(`${name} begins or ends with white space or quotes, and they count as part of it`);
  }
}

function fault(faults: string[], line: string): null {
  faults.push(line);
  return null;
}
