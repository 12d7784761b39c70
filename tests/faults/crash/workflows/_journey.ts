import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RunContext } from "latchhook";
import { auditOf, pause } from "../../../fixtures/workflows/_audit.ts";

/** What a delivery asks of its run. */
export interface Journey {
  /** How long each step takes, in milliseconds. */
  steps: readonly number[];
  /** A sleep after the first step, in milliseconds; null for none. */
  sleepMs: number | null;
  /** So many attempts fail after their first step. */
  failures: number;
  /** Every attempt fails, until somebody has mended it: see `mendedFile`. */
  isBroken: boolean;
}

/** Four attempts, soon one after the other. */
export const RETRY = { attempts: 4, minDelay: 20, maxDelay: 200 } as const;

/** The file whose being there says that what a delivery's run needs is in order again. */
export function mendedFile(folder: string, webhookId: string): string {
  return join(folder, webhookId);
}

/** Goes through the steps and writes down what it did. */
export async function travel(
  { steps, sleepMs, failures, isBroken }: Journey,
  { event, step, runId, attempt }: Pick<RunContext<unknown>, "event" | "step" | "runId" | "attempt">,
): Promise<{ sum: number }> {
  const audit = auditOf(runId, attempt);
  audit("started");
  let sum = 0;
  for (const [index, ms] of steps.entries()) {
    const name = `s${index}`;
    sum += await step(name, async () => {
      audit("began", name);
      await pause(ms);
      audit("effect", name);
      return index;
    });
    audit("returned", name);
    if (index > 0) continue;
    if (attempt <= failures) throw new Error(`attempt ${attempt} of a run that fails ${failures} times`);
    if (isBroken && !existsSync(mendedFile(process.env.MENDED_FOLDER ?? "", event.webhookId ?? "")))
      throw new Error("nobody has mended it yet");
    if (sleepMs !== null) await step.sleep("nap", sleepMs);
  }
  audit("ended");
  return { sum };
}
