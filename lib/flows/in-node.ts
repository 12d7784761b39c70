import { messageOf } from "../errors.ts";
import { FatalError, isFatalError, isRetryError, RetryError } from "../workflow-errors.ts";
import type { SecretHider } from "./secret-hider.ts";

/**
 * What code of the user's own has thrown, with the node that ran it: of a fork nobody could tell else.
 *
 * @param what such as `run _prices.ts#total in node "sum"`
 * @param signal the attempt's: once it is over, it says why itself
 * @param hide takes the variables that the flow may read out of the message
 * @returns an error that ends the attempt or the run as the first one would
 */
export function inNode(error: unknown, what: string, signal: AbortSignal, hide: SecretHider): unknown {
  if (signal.aborted) return error;
  const said = messageOf(error);
  const message = `Cannot ${what}: ${hide(said)}`;
  // For the log, which shows where it was thrown; not where it would show what was hidden.
  const cause = hide(said) === said ? { cause: error } : {};
  if (isRetryError(error)) return new RetryError(message, { after: error.after, ...cause });
  if (!isFatalError(error)) return new Error(message, cause);
  const code: unknown = Reflect.get(error, "code");
  return Object.assign(new FatalError(message, cause), typeof code === "string" ? { code } : {});
}
