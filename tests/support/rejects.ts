import * as assert from "uvu/assert";

/**
 * Fails unless the promise rejects with an error that fits. uvu's `assert.throws` sees only what is thrown at once.
 *
 * @param check what the message has to match, or a function that fails by throwing or returning false
 */
export async function rejects(
  promise: Promise<unknown>,
  // biome-ignore lint/suspicious/noConfusingVoidType: a check that ends in assertions returns nothing
  check: RegExp | ((error: Error) => boolean | void),
): Promise<void> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (outcome === null) assert.unreachable("Expected a rejection, but the promise resolved");
  const error = outcome?.error;
  if (!(error instanceof Error)) {
    assert.unreachable(`Expected a rejection with an Error, but got ${String(error)}`);
  } else if (check instanceof RegExp) {
    assert.match(error.message, check);
  } else {
    assert.is.not(
      check(error),
      false,
      `The rejection is not the expected one: ${error.stack ?? error.message}`,
    );
  }
}
