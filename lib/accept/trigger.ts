import { WebhookError } from "../errors.ts";
import { idKeyOf } from "../event.ts";
import { newId } from "../ids.ts";
import { encodeText } from "../json.ts";
import { sha256 } from "../sha256.ts";
import { validateInput } from "../workflows/validate.ts";
import { type AcceptGivens, decided, store } from "./accept.ts";
import { parseWebhookId } from "./webhook-id.ts";

/**
 * Starts a workflow from code, whatever its `on`: an event of provider generic and id source `trigger` is stored.
 *
 * @returns after the commit
 * @throws {WebhookError} `workflow_unknown`, `input_invalid`; `conflict`: the same id with another input
 * @throws {TypeError} an input that JSON cannot carry
 */
export async function trigger(
  givens: AcceptGivens,
  workflowName: string,
  input: unknown,
  webhookId: string | undefined,
): Promise<{ runId: string; duplicate: boolean }> {
  const named = givens.registry.get(workflowName);
  if (named === undefined) {
    throw new WebhookError(
      "workflow_unknown",
      `Cannot trigger ${JSON.stringify(workflowName)}: no workflow has this name`,
    );
  }
  const text = toJson(workflowName, input);
  const body = encodeText(text);
  // Validated as it will be read: what JSON makes of the input, not the input.
  const validation = await validateInput(named.workflow, (JSON.parse(text) as { inputs?: unknown }).inputs);
  if ("faults" in validation) {
    const faults = validation.faults;
    throw new WebhookError("input_invalid", `Cannot trigger ${workflowName}: its input does not fit`, {
      faults,
    });
  }
  const id = parseWebhookId(webhookId);
  const event = {
    id: newId("evt"),
    provider: "generic",
    idSource: id === null ? null : ("trigger" as const),
    webhookId: id,
    idKey: id === null ? null : idKeyOf("generic", "trigger", id),
    guardKey: null,
    bodyHash: sha256(body),
    type: workflowName,
    contentType: "application/json",
    headers: {},
    body,
    notes: ["triggered from code"],
    acceptedAt: givens.clock.now(),
  };
  const newRun = { id: newId("run"), workflowName, error: null, claim: null };
  const outcome = await store(givens, event, [newRun], "conflict");
  if (outcome.kind === "conflict") {
    throw new WebhookError(
      "conflict",
      `Cannot trigger ${workflowName}: its webhookId was used with another input`,
    );
  }
  const [run] = decided(outcome).runs;
  if (run === undefined) throw new Error(`Cannot find the run of event ${outcome.eventId}`);
  return { runId: run.runId, duplicate: outcome.kind === "duplicate" };
}

function toJson(workflowName: string, inputs: unknown): string {
  try {
    return JSON.stringify({ workflow_name: workflowName, inputs });
  } catch (cause) {
    throw new TypeError(`Cannot trigger ${workflowName}: JSON cannot carry its input; give plain data`, {
      cause,
    });
  }
}
