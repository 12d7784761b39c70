import { tokenDigest } from "../constant-time.ts";
import { nearest } from "../nearest.ts";
import { parseRate, type Rate } from "../rate.ts";
import type { ContentType, Scheme, SchemeOptions } from "../scheme.ts";
import { variablePart } from "../settings-named.ts";
import { parseSigned } from "../verify/signed.ts";
import { schemeFor, Verifier } from "../verify/verify.ts";
import { PROVIDER_NAME } from "../workflow.ts";
import { resolveScheme } from "./define-scheme.ts";
import { builtInScheme, builtInSchemeNames } from "./mod.ts";
import { type SecretKind, secretKind, secretOddities, withoutSpelling } from "./secret-checks.ts";

/** Who sends: what a route of `/webhooks/{provider}` knows. */
export interface Provider {
  readonly name: string;
  readonly scheme: Scheme;
  /** Any of them may have signed, newest first. Without one every signature is refused, as a wrong one is. */
  readonly secrets: readonly string[];
  readonly verifier: Verifier;
  /** Digests of the tokens that its handshake may bring, none where it has no such handshake. */
  readonly verifyTokens: readonly Uint8Array[];
  /** True where deliveries need no signature; never where there is a secret. */
  readonly isUnsignedAllowed: boolean;
  readonly acceptedContentTypes: readonly ContentType[];
  /** How fast it may send; null for any. */
  readonly rate: Rate | null;
}

/** The settings that decide about providers, and what the workflows ask for. */
export interface ProviderInput {
  /** By provider, newest first; the key `default` is the fallback. */
  readonly secrets: Readonly<Record<string, string | readonly string[]>>;
  readonly allowUnsigned: readonly string[];
  /** Providers that `secrets.default` serves besides `generic` and those of `triggers`. */
  readonly providers: readonly string[];
  readonly schemes: Readonly<Record<string, string | SchemeOptions>>;
  /** By provider, newest first. */
  readonly verifyTokens: Readonly<Record<string, string | readonly string[]>>;
  readonly rateLimits: Readonly<Record<string, string>>;
  /** Each provider in a workflow's `on`. */
  readonly triggers: readonly { readonly workflow: string; readonly provider: string }[];
  readonly adminTokens: readonly string[];
  /** True where the URL that a provider calls can be known: `WEBHOOK_PUBLIC_URL` or `TRUST_PROXY` is set. */
  readonly knowsUrl: boolean;
}

/** Every provider that has a scheme, with a secret or without; and what is odd but may be meant, one line each. */
export interface ResolvedProviders {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly warnings: readonly string[];
}

/**
 * Which secret serves which provider, checked at the start.
 *
 * @throws {TypeError} the first setting that means nothing or weakens another, in one line without the secret
 */
export function resolveProviders(input: ProviderInput): ResolvedProviders {
  const schemes = resolveSchemes(input.schemes);
  const secrets = resolveSecrets(input.secrets, schemes);
  checkNames(input, schemes);
  const tokens = resolveVerifyTokens(input.verifyTokens, schemes);
  checkAdminTokens("secrets", secrets, input.adminTokens);
  checkAdminTokens("verifyTokens", tokens, input.adminTokens);

  const fallback = secrets.get(FALLBACK) ?? [];
  const served = new Set(["generic", ...input.providers, ...input.triggers.map(({ provider }) => provider)]);
  const unsigned = new Set(input.allowUnsigned);
  const providers = new Map<string, Provider>();
  for (const [name, scheme] of schemes) {
    const own = secrets.get(name) ?? (served.has(name) && mayFallBack(scheme) ? fallback : []);
    checkUrl(name, scheme, own, input.knowsUrl);
    providers.set(name, {
      name,
      scheme,
      secrets: own,
      verifier: new Verifier(scheme, own),
      verifyTokens: (tokens.get(name) ?? []).map(tokenDigest),
      isUnsignedAllowed: own.length === 0 && unsigned.has(name),
      acceptedContentTypes: scheme.contentTypes ?? ["application/json"],
      rate: parseRate(input.rateLimits[name]),
    });
  }
  checkKinds(providers, tokens);
  return { providers, warnings: findOddities(input, secrets, providers) };
}

const FALLBACK = "default";

/** A secret for everybody serves only who signs the body with its text: a key of another form belongs to one provider. */
function mayFallBack(scheme: Scheme): boolean {
  return (
    scheme.algorithm.startsWith("hmac-") &&
    (scheme.key ?? "text") === "text" &&
    (scheme.signed ?? "{body}") === "{body}"
  );
}

/** Without the URL every delivery would be refused. */
function checkUrl(name: string, scheme: Scheme, secrets: readonly string[], knowsUrl: boolean): void {
  const signsUrl = (secret: string): boolean =>
    parseSigned(schemeFor(scheme, secret).signed ?? "{body}").of.includes("url");
  if (knowsUrl || !secrets.some(signsUrl)) return;
  throw new TypeError(
    `Cannot verify "${name}" without the public URL, which it signs: set publicUrl (WEBHOOK_PUBLIC_URL), such as https://hooks.example.org, or trustProxy (TRUST_PROXY) where a proxy says it`,
  );
}

/** Who holds a token or reads a public key could sign with it where the same value keys an HMAC. */
function checkKinds(providers: ReadonlyMap<string, Provider>, tokens: Secrets): void {
  const seen = new Map<string, { kind: SecretKind; name: string }>();
  for (const [name, values] of tokens)
    for (const value of values)
      seen.set(withoutSpelling(value), { kind: "token", name: `verifyTokens.${name}` });
  for (const { name, scheme, secrets } of providers.values()) {
    for (const secret of secrets) {
      const kind = secretKind(scheme, secret);
      const value = withoutSpelling(secret);
      const before = seen.get(value);
      if (before !== undefined && before.kind !== kind) {
        throw new TypeError(
          `Cannot use one secret for "${before.name}" and "${name}": one of them sends or publishes it, and the other signs with it`,
        );
      }
      seen.set(value, { kind, name });
    }
  }
}

type Schemes = ReadonlyMap<string, Scheme>;
type Secrets = ReadonlyMap<string, readonly string[]>;

function resolveSchemes(given: ProviderInput["schemes"]): Schemes {
  const schemes = new Map<string, Scheme>();
  for (const name of builtInSchemeNames()) {
    const scheme = builtInScheme(name);
    if (scheme !== undefined) schemes.set(name, scheme);
  }
  for (const [name, value] of Object.entries(given)) {
    const what = setting("schemes", name);
    if (!PROVIDER_NAME.test(name)) {
      throw new TypeError(
        `Cannot use ${what}: a provider's name has up to 64 lower-case letters, digits and "-", a letter first`,
      );
    }
    // In a variable's name these words mean something else: WEBHOOK_SECRET_ACME_FILE is a file with acme's secret.
    if (name === FALLBACK || /-(?:previous|file)$/.test(name)) {
      throw new TypeError(
        `Cannot use ${what}: "default", "...-previous" and "...-file" are no provider's name`,
      );
    }
    if (builtInScheme(name) !== undefined) {
      throw new TypeError(`Cannot use ${what}: this scheme is built in; choose another name for yours`);
    }
    schemes.set(name, typeof value === "string" ? aliased(what, value) : ownScheme(what, name, value));
  }
  return schemes;
}

function aliased(what: string, name: string): Scheme {
  const scheme = builtInScheme(name);
  if (scheme !== undefined) return scheme;
  throw new TypeError(`Cannot use ${what}: ${unknownName("built-in scheme", name, builtInSchemeNames())}`);
}

function ownScheme(what: string, name: string, value: SchemeOptions): Scheme {
  try {
    return resolveScheme(name, value);
  } catch (error) {
    if (error instanceof TypeError) throw new TypeError(`${error.message}; it is set as ${what}`);
    throw error;
  }
}

function resolveSecrets(given: ProviderInput["secrets"], schemes: Schemes): Secrets {
  const secrets = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(given)) {
    const what = setting("secrets", name);
    if (name !== FALLBACK && !schemes.has(name)) {
      throw new TypeError(
        `Cannot use ${what}: ${unknownName("provider", name, [...schemes.keys(), FALLBACK])}`,
      );
    }
    secrets.set(name, checkForms(what, schemes.get(name), textsOf(what, value, "a secret")));
  }
  return secrets;
}

function textsOf(what: string, value: unknown, noun: string): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const usable = texts.filter((text) => typeof text === "string" && text.trim() !== "");
  if (texts.length > 0 && usable.length === texts.length) return [...new Set(usable as string[])];
  throw new TypeError(`Cannot use ${what}: ${noun} is text and not empty; without one, leave it out`);
}

function resolveVerifyTokens(given: ProviderInput["verifyTokens"], schemes: Schemes): Secrets {
  const tokens = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(given)) {
    const what = setting("verifyTokens", name);
    if (!takesVerifyToken(schemes.get(name))) {
      throw new TypeError(`Cannot use ${what}: the scheme of "${name}" has no handshake that takes a token`);
    }
    tokens.set(name, textsOf(what, value, "a verify token"));
  }
  return tokens;
}

function takesVerifyToken(scheme: Scheme | undefined): boolean {
  const { handshakes = [] } = scheme ?? {};
  return handshakes.some((handshake) => handshake.kind === "echo-query" && handshake.token !== undefined);
}

function checkForms(what: string, scheme: Scheme | undefined, secrets: readonly string[]): readonly string[] {
  for (const secret of scheme === undefined ? [] : secrets) {
    try {
      secretKind(scheme as Scheme, secret);
    } catch (error) {
      if (error instanceof TypeError) throw new TypeError(`Cannot use ${what}: ${error.message}`);
      throw error;
    }
  }
  return secrets;
}

/** Every name that the settings and workflows use has a scheme. */
function checkNames(input: ProviderInput, schemes: Schemes): void {
  const check = (what: string, name: string): void => {
    if (schemes.has(name)) return;
    throw new TypeError(`Cannot use ${what}: ${unknownName("provider", name, schemes.keys())}`);
  };
  for (const name of input.allowUnsigned) check(VARIABLES.allowUnsigned, name);
  for (const name of input.providers) {
    check(VARIABLES.providers, name);
    const scheme = schemes.get(name);
    if (scheme === undefined || mayFallBack(scheme)) continue;
    throw new TypeError(
      `Cannot use ${VARIABLES.providers} for "${name}": the default secret serves only who signs the body alone with a text, so set ${setting("secrets", name)}`,
    );
  }
  for (const { workflow, provider } of input.triggers) check(`"on" of workflow "${workflow}"`, provider);
  for (const [name, text] of Object.entries(input.rateLimits)) {
    const what = setting("rateLimits", name);
    check(what, name);
    if (parseRate(text) !== null) continue;
    throw new TypeError(`Cannot use ${what}: give deliveries in a time, such as "50/s", "600/m" or "1000/h"`);
  }
  for (const name of Object.keys(input.verifyTokens)) check(setting("verifyTokens", name), name);
}

/** A sender that knows the operator's token could read every event. */
function checkAdminTokens(
  group: "secrets" | "verifyTokens",
  secrets: Secrets,
  adminTokens: readonly string[],
): void {
  for (const [name, values] of secrets) {
    const given = values.map(withoutSpelling);
    if (adminTokens.some((token) => given.includes(withoutSpelling(token)))) {
      throw new TypeError(
        `Cannot use ${setting(group, name)}: it equals the admin token (ADMIN_TOKEN); make a value for each`,
      );
    }
  }
}

function findOddities(
  input: ProviderInput,
  secrets: Secrets,
  providers: ReadonlyMap<string, Provider>,
): string[] {
  const warnings: string[] = [];
  for (const [name, values] of secrets) {
    const { scheme } = providers.get(name === FALLBACK ? "generic" : name) as Provider;
    const oddities = new Set(values.flatMap((value) => secretOddities(scheme, value)));
    for (const oddity of oddities) warnings.push(`${setting("secrets", name)} ${oddity}`);
  }
  for (const name of input.allowUnsigned) {
    if (providers.get(name)?.isUnsignedAllowed === false) {
      warnings.push(`${VARIABLES.allowUnsigned} has no effect on "${name}", which has a secret`);
    }
  }
  for (const name of Object.keys(input.verifyTokens)) {
    if (providers.get(name)?.secrets.length === 0) {
      warnings.push(
        `${setting("verifyTokens", name)} has no effect without ${setting("secrets", name)}: no handshake is answered`,
      );
    }
  }
  if (input.providers.length > 0 && !secrets.has(FALLBACK)) {
    warnings.push(`${VARIABLES.providers} has no effect without ${setting("secrets", FALLBACK)}`);
  }
  return [...warnings, ...sharedSecrets(providers), ...unservedTriggers(input, providers)];
}

/** A signature made for one route holds on the other as well. */
function sharedSecrets(providers: ReadonlyMap<string, Provider>): string[] {
  const names = new Map<string, string[]>();
  for (const { name, secrets } of providers.values()) {
    for (const secret of secrets) names.set(secret, [...(names.get(secret) ?? []), name]);
  }
  const groups = [...names.values()].filter((group) => group.length > 1).map((group) => group.join(", "));
  // Providers that share the previous secret as well are named once.
  return [...new Set(groups)].map(
    (group) => `Providers ${group} share a secret: what is signed for one is accepted from the others, too`,
  );
}

/** Said only where some secret is set: without any, the start speaks of that anyway. */
function unservedTriggers(input: ProviderInput, providers: ReadonlyMap<string, Provider>): string[] {
  if (Object.keys(input.secrets).length === 0) return [];
  return input.triggers
    .filter(({ provider }) => {
      const found = providers.get(provider);
      return found !== undefined && found.secrets.length === 0 && !found.isUnsignedAllowed;
    })
    .map(
      ({ workflow, provider }) =>
        `Workflow "${workflow}" waits for "${provider}", which has no ${setting("secrets", provider)}: its deliveries get 401`,
    );
}

const VARIABLES = {
  allowUnsigned: "allowUnsigned (WEBHOOK_ALLOW_UNSIGNED)",
  providers: "providers (WEBHOOK_PROVIDERS)",
  secrets: "WEBHOOK_SECRET_",
  schemes: "WEBHOOK_SCHEME_",
  verifyTokens: "WEBHOOK_VERIFY_TOKEN_",
  rateLimits: "WEBHOOK_RATE_LIMIT_",
} as const;

/** A setting by both its names, because either may stand in the operator's file. */
export function setting(group: "secrets" | "schemes" | "verifyTokens" | "rateLimits", name: string): string {
  return `${group}.${name} (${VARIABLES[group]}${variablePart(name)})`;
}

function unknownName(what: string, name: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearest(name, names);
  const hint = near === null ? `known are ${names.sort().join(", ")}` : `the nearest is "${near}"`;
  return `no ${what} is named "${name}"; ${hint}`;
}
