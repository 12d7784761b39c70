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

/** Every secret of the settings with its name, the newest of a provider first. */
export function knownSecrets(secrets: ProviderInput["secrets"]): readonly KnownSecret[] {
  return Object.entries(secrets).flatMap(([provider, value]) =>
    [value].flat().map((secret, at) => ({
      provider,
      secret,
      setting: at === 0 ? setting("secrets", provider) : previousSetting(provider, at),
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

function previousSetting(provider: string, at: number): string {
  const previous = setting("secrets", `${provider}-previous`).replace(/^[^(]*/, "");
  return `secrets.${provider}[${at}] ${previous}`;
}
