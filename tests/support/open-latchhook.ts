import type { Log } from "../../lib/log.ts";
import type { LatchhookOptions } from "../../lib/options.ts";
import type { Storage } from "../../lib/repositories.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import { createInnerLatchhook, type InnerLatchhook, type Internals } from "../../lib/wiring/latchhook.ts";
import { ManualClock } from "./manual-clock.ts";
import { until } from "./until.ts";

/** A run as `GET /runs/{id}` shows it, as far as tests look. */
export interface RunView {
  run_id: string;
  status: string;
  waiting_for: string | null;
  due_at: string | null;
  inputs: unknown;
  result: unknown;
  error: { code: string; message: string } | null;
  attempts: {
    attempt: number;
    status: string;
    ended_at: string | null;
    error: { code: string; message: string } | null;
  }[];
  steps: { name: string; kind: string; result: unknown; ended_at: string | null; due_at: string | null }[];
}

/** A Latchhook of a test's own, spoken to through `fetch`, with a clock that the test moves. */
export interface TestLatchhook {
  latchhook: InnerLatchhook;
  storage: Storage;
  clock: ManualClock;
  /** Every line that was logged: level, message, fields. */
  lines: { level: string; message: string; fields: Record<string, unknown> }[];
  /** Starts a workflow by an unsigned delivery and gives its run's id. */
  start(workflowName: string, inputs?: unknown): Promise<string>;
  /** An admin request; its parsed answer with the status. */
  admin(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; json: Record<string, unknown> }>;
  run(runId: string): Promise<RunView>;
  /** Waits, in real time, until the run has the status; the clock stands still. */
  reaches(runId: string, status: string): Promise<RunView>;
  /** Waits, in real time, until the run waits for this; before its first attempt it may be queued, too. */
  waitsFor(runId: string, what: "retry" | "sleep"): Promise<RunView>;
  close(): Promise<void>;
}

export const ADMIN_TOKEN = "a-token-for-tests-of-32-characters";

/**
 * Opens one on a database in memory, or on the file that `options.storage` names. Jitter is half of its bound: a first
 * retry is due after a second.
 */
export async function openLatchhook(
  options: LatchhookOptions = {},
  internals: Internals = {},
): Promise<TestLatchhook> {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  const lines: TestLatchhook["lines"] = [];
  const url = typeof options.storage === "string" ? options.storage : ":memory:";
  const random = options.random ?? (() => 0.5);
  const storage = await createStorageBackend(url, { clock, random });
  const latchhook = createInnerLatchhook(
    {
      allowUnsigned: ["generic"],
      adminToken: ADMIN_TOKEN,
      log: recordingLog(lines),
      random,
      ...options,
      clock,
      storage,
    },
    internals,
  );
  await latchhook.start();
  const admin: TestLatchhook["admin"] = async (method, path, body) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await latchhook.fetch(new Request(`http://localhost${path}`, init));
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const run = async (runId: string): Promise<RunView> => {
    const { status, json } = await admin("GET", `/runs/${runId}`);
    if (status !== 200) throw new Error(`GET /runs/${runId} answered ${status}`);
    return json as unknown as RunView;
  };
  const seen = async (runId: string, what: string, is: (view: RunView) => boolean): Promise<RunView> => {
    let view: RunView | undefined;
    await until(
      async () => {
        view = await run(runId);
        return is(view);
      },
      () => `run ${runId} to ${what}; it is ${JSON.stringify(view)}`,
    );
    return view as unknown as RunView;
  };
  return {
    latchhook,
    storage,
    clock,
    lines,
    admin,
    run,
    async start(workflowName, inputs = {}) {
      const response = await latchhook.fetch(
        new Request("http://localhost/webhooks/generic", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ workflow_name: workflowName, inputs }),
        }),
      );
      const json = (await response.json()) as { run_id?: string };
      if (response.status !== 202 || json.run_id === undefined) {
        throw new Error(`starting ${workflowName} answered ${response.status} ${JSON.stringify(json)}`);
      }
      await clock.advance(0); // the runner is woken a turn later
      return json.run_id;
    },
    reaches: (runId, status) => seen(runId, `be ${status}`, (view) => view.status === status),
    waitsFor: (runId, what) => seen(runId, `wait for ${what}`, (view) => view.waiting_for === what),
    async close() {
      const stopped = latchhook.stop({ grace: 0 });
      await clock.advance(10_000);
      await stopped;
      await storage.close();
    },
  };
}

/** A log that keeps every line. */
export function recordingLog(lines: TestLatchhook["lines"]): Log {
  const record =
    (level: string) =>
    (message: string, fields: object = {}): void =>
      void lines.push({ level, message, fields: { ...fields } });
  return { debug: record("debug"), info: record("info"), warn: record("warn"), error: record("error") };
}
