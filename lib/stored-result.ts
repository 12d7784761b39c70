import { messageOf } from "./errors.ts";
import { isLongerThan } from "./json.ts";
import { RESULT_BYTES_MAX } from "./run.ts";
import { FatalError } from "./workflow-errors.ts";

/**
 * The JSON text of what a step or a run returned, as it is stored.
 *
 * @param value anything; what JSON leaves out (undefined, a function) is stored as null
 * @param what names it in the error, such as `the result of step "write"`
 * @returns at most `RESULT_BYTES_MAX` bytes of JSON, or null for `undefined`
 * @throws {ResultError} `result_invalid` for a BigInt, a cycle or a `toJSON` that throws; `result_too_large`
 */
export function storeResult(value: unknown, what: string): string | null {
  const text = toJson(value, what);
  if (text === undefined) return null;
  if (isLongerThan(text, RESULT_BYTES_MAX)) {
    throw new ResultError(
      "result_too_large",
      `Cannot store ${what}: its JSON has over ${RESULT_BYTES_MAX} bytes; return less of it, or keep it elsewhere and return where it is`,
    );
  }
  return text;
}

/** What was stored, as every attempt sees it: the JSON's value, or `undefined` for null. */
export function readResult(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}

/** A value as it will be read: a Date is text, and what is undefined is not there. What JSON cannot carry stays as it is. */
export function asJson(value: unknown): unknown {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return value; // told of where a part of it is to be stored
  }
}

/** A result that cannot be stored. It ends the run, because what the function did is done. */
export class ResultError extends FatalError {
  override name = "ResultError";
  readonly code: "result_invalid" | "result_too_large";

  constructor(code: "result_invalid" | "result_too_large", message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

function toJson(value: unknown, what: string): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    const reason = messageOf(error).replaceAll(/\s+/g, " ");
    throw new ResultError(
      "result_invalid",
      `Cannot store ${what}: JSON cannot carry it (${reason}); return plain data`,
      { cause: error },
    );
  }
}
