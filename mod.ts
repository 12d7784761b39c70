/**
 * Latchhook: catches each webhook once and never drops it. This file is the public API, and the program when it is run
 * (`tsx mod.ts`).
 *
 * @module
 */
import type { LatchhookOptions, ListenOptions } from "./lib/options.ts";
import { createInnerLatchhook, type Latchhook } from "./lib/wiring/latchhook.ts";

export { WebhookHandler, type WebhookHandlerOptions } from "./lib/accept/webhook-handler.ts";
export type { Clock, Timer } from "./lib/clock.ts";
export { type DefinedTool, defineTool, type ToolContext, type ToolOptions } from "./lib/define-tool.ts";
export { defineWorkflow, type WorkflowOptions } from "./lib/define-workflow.ts";
export type { Duration } from "./lib/duration.ts";
export {
  type Fault,
  InvalidSignatureError,
  ReplayAttackError,
  type SignatureReason,
  WebhookError,
} from "./lib/errors.ts";
export type { WebhookEvent } from "./lib/event.ts";
export type { FlowConfig } from "./lib/flows/flow-config.ts";
export type { Stored } from "./lib/json.ts";
export type { Log } from "./lib/log.ts";
export type { LatchhookOptions, ListenOptions, Role } from "./lib/options.ts";
export type { Storage, WebhookEventRecord, WebhookEventRepository } from "./lib/repositories.ts";
export {
  type RunWorkflowOptions,
  runWorkflowAsync,
  runWorkflowFromConfig,
} from "./lib/runner/run-workflow.ts";
export type { Algorithm, Scheme, SchemeOptions } from "./lib/scheme.ts";
export { defineScheme } from "./lib/schemes/define-scheme.ts";
export { type SignedWebhook, type SignOptions, signWebhook } from "./lib/schemes/sign-webhook.ts";
export { type VerifiedWebhook, type VerifyOptions, verifyWebhook } from "./lib/schemes/verify-webhook.ts";
export { settingsFromEnv } from "./lib/settings.ts";
export type { StandardSchemaV1 } from "./lib/standard-schema.ts";
export { createStorageBackend } from "./lib/storage/backend.ts";
export { SqliteWebhookEventRepository } from "./lib/storage/sqlite/webhook-event-repository.ts";
export { verifySignature } from "./lib/verify/signature.ts";
export type { Latchhook } from "./lib/wiring/latchhook.ts";
export type { AnyWorkflow, RunContext, Step, StepContext, Workflow } from "./lib/workflow.ts";
export { FatalError, RetryError } from "./lib/workflow-errors.ts";

/**
 * A webhook server without a socket. It reads no environment, installs no signal handler, prints nothing and never
 * exits; several live in one process.
 *
 * @param options may carry the listener's, too, as `settingsFromEnv` gives them
 * @returns at once, with nothing opened: `start()` and the first `fetch` do that
 * @throws {TypeError} wrong options
 * @example
 * ```ts
 * const latchhook = createLatchhook({ workflowsDir: "workflows", secrets: { generic: "s3cret" } });
 * export default { fetch: latchhook.fetch };
 * ```
 */
export function createLatchhook(options: LatchhookOptions & Partial<ListenOptions> = {}): Latchhook {
  const { fetch, start, stop, trigger, [Symbol.asyncDispose]: dispose } = createInnerLatchhook(options);
  return { fetch, start, stop, trigger, [Symbol.asyncDispose]: dispose };
}

/** Set by the program. A workflow that is read as CommonJS gets a copy of this very file, which must not serve too. */
const SERVES = Symbol.for("latchhook.serves");

// No top-level await: workflow files import this module while it starts, and would wait for it for ever.
async function main(): Promise<void> {
  if (!(await isProgram())) return;
  Reflect.set(globalThis, SERVES, true);
  const { serve } = await import("./lib/cli/serve.ts");
  const { openProgram } = await import("./lib/wiring/program.ts");
  await serve({ open: openProgram });
}

/** True where this very file was started; a bundle that contains it, or an import, never serves. */
async function isProgram(): Promise<boolean> {
  if (!/^file:.*\/mod\.ts$/.test(import.meta.url) || Reflect.get(globalThis, SERVES) === true) return false;
  if (typeof import.meta.main === "boolean") return import.meta.main;
  const [{ realpathSync }, { fileURLToPath }] = await Promise.all([import("node:fs"), import("node:url")]);
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === realpathSync(fileURLToPath(import.meta.url));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
