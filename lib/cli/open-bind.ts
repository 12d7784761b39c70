import type { LatchhookOptions, ListenOptions } from "../options.ts";

/**
 * Holds back a server that would take anybody's deliveries from the network.
 *
 * @param isLoopback true where only this machine can reach the address
 * @throws {Error} bound to another address with no provider's secret and none listed as unsigned, naming the ways out
 */
export function refuseOpenBind(settings: LatchhookOptions & ListenOptions, isLoopback: boolean): void {
  if (isLoopback || settings.role === "work") return;
  const isDecided =
    Object.keys(settings.secrets ?? {}).length > 0 || (settings.allowUnsigned ?? []).length > 0;
  if (isDecided) return;
  throw new Error(
    `Cannot listen on HOST=${settings.host} without a secret: set WEBHOOK_SECRET_GENERIC (or another provider's), or list in WEBHOOK_ALLOW_UNSIGNED whose deliveries need none, or use HOST=127.0.0.1`,
  );
}
