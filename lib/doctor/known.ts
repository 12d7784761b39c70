import type { Provider, ProviderInput } from "../schemes/providers.ts";
import { setting } from "../schemes/providers.ts";

/** A secret that is set, and by which settings. */
export interface KnownSecret {
  /** `default` for the fallback. */
  readonly provider: string;
  readonly secret: string;
  /** By both its names, such as `secrets.github (WEBHOOK_SECRET_GITHUB)`. */
  readonly setting: string;
}

/** What the doctor knows besides the delivery. */
export interface Known {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly secrets: readonly KnownSecret[];
}

/**
 * Every secret of the settings with its name, the newest of a provider first. A verify token is one too, because the two
 * are taken for each other.
 */
export function knownSecrets({
  secrets,
  verifyTokens,
}: Pick<ProviderInput, "secrets" | "verifyTokens">): readonly KnownSecret[] {
  return [...namedSecrets("secrets", secrets), ...namedSecrets("verifyTokens", verifyTokens)];
}

type Group = "secrets" | "verifyTokens";

function namedSecrets(group: Group, values: ProviderInput[Group]): readonly KnownSecret[] {
  return Object.entries(values).flatMap(([provider, value]) =>
    [value].flat().map((secret, at) => ({
      provider,
      secret,
      setting: at === 0 ? setting(group, provider) : previousSetting(group, provider, at),
    })),
  );
}

/** The setting in which this provider's secret stands; where it has none, the one to set. */
export function ownSetting({ name, secrets }: Provider, known: Known): string {
  const [newest] = secrets;
  const isFallback =
    newest !== undefined &&
    !known.secrets.some(({ provider }) => provider === name) &&
    known.secrets.some(({ provider, secret }) => provider === "default" && secret === newest);
  return setting("secrets", isFallback ? "default" : name);
}

function previousSetting(group: Group, provider: string, at: number): string {
  const previous = setting(group, `${provider}-previous`).replace(/^[^(]*/, "");
  return `${group}.${provider}[${at}] ${previous}`;
}
