/** A variable's name, as shells take it. */
export const VARIABLE_NAME: RegExp = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** True for the variables that hold this server's own secrets: no flow, tool or command ever sees them. */
export function isReservedVariable(name: string): boolean {
  return /^(?:WEBHOOK_.*|ADMIN_TOKEN.*|DATABASE_URL.*)$/i.test(name);
}

/** An environment without them. */
export function withoutReserved(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isReservedVariable(name)));
}
