import type { Duration } from "./duration.ts";

// Two copies of this module may be loaded (a workflow's own and the server's), so these two are known by a
// brand in the process-wide symbol registry and not by `instanceof`.
const FATAL = Symbol.for("latchhook.FatalError");
const RETRY = Symbol.for("latchhook.RetryError");

/** Thrown by a workflow: ends the run as `failed`, whatever attempts are left. */
export class FatalError extends Error {
  override name = "FatalError";

  static {
    Object.defineProperty(FatalError.prototype, FATAL, { value: true });
  }
}

/** Thrown by a workflow: ends the attempt, and the next one starts `after` a span or at a date. */
export class RetryError extends Error {
  override name = "RetryError";
  readonly after: Duration | Date;

  static {
    Object.defineProperty(RetryError.prototype, RETRY, { value: true });
  }

  constructor(message: string, options: { after: Duration | Date; cause?: unknown }) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.after = options.after;
  }
}

/** True for a `FatalError` of any loaded copy of the library. */
export function isFatalError(error: unknown): error is FatalError {
  return isBranded(error, FATAL);
}

/** True for a `RetryError` of any loaded copy of the library. */
export function isRetryError(error: unknown): error is RetryError {
  return isBranded(error, RETRY);
}

function isBranded(error: unknown, brand: symbol): boolean {
  try {
    return typeof error === "object" && error !== null && brand in error;
  } catch {
    return false; // a proxy that lets nobody look
  }
}
