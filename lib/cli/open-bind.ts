import { isLoopbackAddress } from "../http/forwarded.ts";
import type { LatchhookOptions, ListenOptions } from "../options.ts";

/**
 * Refuses to listen where others can reach us before anybody said who may deliver. Not for `ROLE=work`, which takes no
 * deliveries.
 *
 * @throws {Error} one line that names the ways out
 */
export function refuseOpenBind(
  settings: Pick<LatchhookOptions & ListenOptions, "host" | "role" | "secrets" | "allowUnsigned">,
): void {
  const { host, role, secrets = {}, allowUnsigned = [] } = settings;
  if (role === "work" || isLoopbackHost(host)) return;
  if (Object.keys(secrets).length > 0 || allowUnsigned.length > 0) return;
  throw new Error(
    `Cannot listen on HOST=${host} while no provider has a secret: set WEBHOOK_SECRET_GENERIC or another provider's, list providers that need no signature in WEBHOOK_ALLOW_UNSIGNED, or stay on this machine with HOST=127.0.0.1`,
  );
}

/** True for what `HOST` may be so that only this machine reaches us. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host);
}
