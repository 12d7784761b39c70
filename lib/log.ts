/** Where the house says what happens. Messages are constant text; what varies is in `fields`. */
export interface Log {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "json" | "text";

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The same log with `fields` added to every line. */
export function withFields(log: Log, fields: object): Log {
  const add = (more?: object): object => ({ ...fields, ...more });
  return {
    debug: (message, more) => log.debug(message, add(more)),
    info: (message, more) => log.info(message, add(more)),
    warn: (message, more) => log.warn(message, add(more)),
    error: (message, more) => log.error(message, add(more)),
  };
}
