import type { Scheme } from "../scheme.ts";
import { resolveProviders } from "../schemes/providers.ts";
import { settingsFromEnv } from "../settings.ts";
import { variablePart } from "../settings-named.ts";

/** A provider as the settings know it. */
export interface KnownProvider {
  readonly name: string;
  readonly scheme: Scheme;
  /** The newest; null where none is set. */
  readonly secret: string | null;
  /** Such as `WEBHOOK_SECRET_GITHUB`. */
  readonly variable: string;
  readonly publicUrl: string | null;
}

/**
 * The provider of this name, with the secret and the scheme that the server would use.
 *
 * @throws {Error} settings that are wrong, or a name that has no scheme
 */
export function providerOf(name: string, env: Readonly<Record<string, string | undefined>>): KnownProvider {
  const settings = settingsFromEnv(env);
  const { providers } = resolveProviders({
    secrets: settings.secrets ?? {},
    allowUnsigned: [],
    // Whoever asks to sign for a provider says that the fallback is its secret, too, where it may be.
    providers: [],
    schemes: settings.schemes ?? {},
    verifyTokens: settings.verifyTokens ?? {},
    rateLimits: {},
    triggers: [{ workflow: "this command", provider: name }],
    adminTokens: [],
    knowsUrl: true,
  });
  const provider = providers.get(name);
  if (provider === undefined) throw new Error(`Cannot find provider ${name}`);
  return {
    name,
    scheme: provider.scheme,
    secret: provider.secrets[0] ?? null,
    variable: `WEBHOOK_SECRET_${variablePart(name)}`,
    publicUrl: settings.publicUrl ?? null,
  };
}
