import { systemClock } from "../../clock.ts";
import type { DefinedTool } from "../../define-tool.ts";
import { type Fault, messageOf } from "../../errors.ts";
import { cutText, encodeText, isLongerThan } from "../../json.ts";
import { withFields } from "../../log.ts";
import { sha256Hex } from "../../sha256.ts";
import { withTold } from "../../stray.ts";
import type { RunContext } from "../../workflow.ts";
import { FatalError, isFatalError, isRetryError, RetryError } from "../../workflow-errors.ts";
import { withDeadline } from "../deadline.ts";
import { isRecord, show } from "../fault.ts";
import type { NodeCalls } from "./node-calls.ts";

/** Where a call is made. */
export interface CallContext {
  /** The attempt's own: its `step` remembers the call. */
  readonly run: RunContext<unknown>;
  /** The step of the node; the call's is named `STEP/TOOL#HASH`. */
  readonly stepName: string;
  readonly signal: AbortSignal;
}

/** A tool with what it was given when the flow was loaded. */
export interface LoadedTool {
  readonly name: string;
  readonly defined: DefinedTool;
  /** `continue` tells the model of an error instead of failing the attempt. */
  readonly onError: "fail" | "continue";
  readonly env: Readonly<Record<string, string>>;
  /** Takes the values of `env` out of a text. */
  readonly hide: (text: string) => string;
}

/** What is stored of a call, and shown in the run's record. */
interface CallRecord {
  readonly tool: string;
  /** As the model gave them; the beginning of their JSON where that is long. */
  readonly arguments: unknown;
  readonly result?: string;
  readonly error?: string;
}

/** What a model takes in without forgetting the question, some 16,000 tokens. */
const RESULT_BYTES_MAX = 65_536;
/** Of the arguments, in the record; the tool gets all of them. */
const ARGUMENTS_BYTES_MAX = 16_384;
/** An error of more than a page is a stack or a server's HTML. */
const ERROR_BYTES_MAX = 4_096;
/** Of the arguments' faults; one that is wrong everywhere needs no hundred. */
const FAULTS_MAX = 10;
/** 48 bits: among `CALLS_MAX` calls no two arguments meet. */
const HASH_DIGITS = 12;

/**
 * Calls a tool as a remembered step: a later attempt whose model asks the same again gets the answer of the first.
 *
 * @param args JSON, as the model gave it
 * @returns text for the model
 * @throws see `Tool.call`
 */
export async function callTool(
  tool: LoadedTool,
  args: unknown,
  context: CallContext,
  calls: NodeCalls,
): Promise<string> {
  const hash = sha256Hex(canonicalJson(args)).slice(0, HASH_DIGITS);
  const stepName = `${context.stepName}/${tool.name}#${hash}`;
  return await calls.answer(stepName, async () => {
    const { result, error } = await context.run.step(stepName, async ({ idempotencyKey }) => {
      // Before the call, for the tool may change what it is given.
      const shown = shownArguments(args, tool.hide);
      const outcome = await outcomeOf(tool, args, context, idempotencyKey);
      return { tool: tool.name, arguments: shown, ...outcome } as CallRecord;
    });
    return result ?? error ?? "";
  });
}

/** JSON with the keys in order, so that arguments that say the same are the same text. */
function canonicalJson(value: unknown): string {
  const sorted = (_key: string, part: unknown): unknown =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part;
  return JSON.stringify(value ?? null, sorted);
}

async function outcomeOf(
  tool: LoadedTool,
  args: unknown,
  context: CallContext,
  idempotencyKey: string,
): Promise<Pick<CallRecord, "result"> | Pick<CallRecord, "error">> {
  const { name, defined, env, onError, hide } = tool;
  const { signal, run } = context;
  const log = withFields(run.log, { tool: name });
  const told = (error: unknown): Error => {
    const message = `Cannot call tool ${show(name)}: ${cut(hide(messageOf(error)), ERROR_BYTES_MAX)}`;
    if (isFatalError(error)) return new FatalError(message);
    if (isRetryError(error)) return new RetryError(message, { after: error.after });
    return new Error(message);
  };
  try {
    const { timeoutMs: ms } = defined;
    const late = (): Error => new Error(`it took longer than ${ms} ms, its timeout`);
    const result = await withDeadline({ clock: systemClock, ms, signal, late }, async (callSignal) => {
      const validation = await defined.validate(args);
      if ("faults" in validation) return validation;
      const { value: input } = validation;
      // An error that it leaves to nobody must not show what is hidden, either.
      const value = await withTold(told, () =>
        defined.run({ input, env, signal: callSignal, log, idempotencyKey }),
      );
      return { value };
    });
    if ("faults" in result) return { error: cut(hide(faultsText(name, result.faults)), ERROR_BYTES_MAX) };
    return { result: cut(hide(toText(result.value)), RESULT_BYTES_MAX) };
  } catch (error) {
    // The attempt is over: its end is no answer of the tool's, and nothing to be remembered.
    if (signal.aborted) throw signal.reason;
    if (onError === "continue") return { error: told(error).message };
    throw told(error);
  }
}

function faultsText(name: string, faults: readonly Fault[]): string {
  const shown = faults
    .slice(0, FAULTS_MAX)
    .map(({ pointer, detail }) => `${pointer || "the whole"}: ${detail}`);
  const more = faults.length > FAULTS_MAX ? [`and ${faults.length - FAULTS_MAX} more`] : [];
  return `Cannot call tool ${show(name)} with these arguments: ${[...shown, ...more].join("; ")}`;
}

/** @throws {FatalError} what JSON cannot carry: what the tool did is done, and a retry would do it again */
function toText(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    throw new FatalError(`its result is no JSON (${messageOf(error).replaceAll(/\s+/g, " ")})`);
  }
}

function shownArguments(args: unknown, hide: (text: string) => string): unknown {
  const hidden = (_key: string, part: unknown): unknown => {
    if (typeof part === "string") return hide(part);
    if (!isRecord(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [hide(key), inner]));
  };
  const json = JSON.stringify(args ?? null, hidden);
  return isLongerThan(json, ARGUMENTS_BYTES_MAX) ? cut(json, ARGUMENTS_BYTES_MAX) : JSON.parse(json);
}

function cut(text: string, bytesMax: number): string {
  if (!isLongerThan(text, bytesMax)) return text;
  return `${cutText(text, bytesMax)}\n[cut after ${bytesMax} of ${encodeText(text).length} bytes]`;
}
