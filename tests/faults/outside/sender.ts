import * as assert from "uvu/assert";
import type { SpawnedServer } from "../../support/spawn-server.ts";

/** What a sender sees of its delivery. */
export interface Seen {
  status: number;
  json: Record<string, unknown>;
  retryAfter: string | null;
  tookMs: number;
}

/** Delivers a workflow's name and inputs under an id. */
export async function deliver(
  server: SpawnedServer,
  workflowName: string,
  webhookId: string,
  inputs: unknown = {},
): Promise<Seen> {
  const sentAt = performance.now();
  const response = await fetch(`${server.origin}/webhooks/generic`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ workflow_name: workflowName, inputs, webhook_id: webhookId }),
  });
  const json = (await response.json()) as Record<string, unknown>;
  const retryAfter = response.headers.get("retry-after");
  return { status: response.status, json, retryAfter, tookMs: performance.now() - sentAt };
}

/** Fails unless the sender was told that the fault is ours, and when to come back. */
export function assertOurFault(seen: Seen, type = "storage_unavailable"): void {
  assert.is(seen.status, 503, `it was answered ${seen.status} ${JSON.stringify(seen.json)}`);
  assert.is(seen.json.type, `urn:latchhook:${type}`);
  assert.match(seen.retryAfter ?? "", /^[1-9]\d*$/);
}

/** A delivery as a provider makes it: what gets no answer, or a 503, is sent again under the same id. */
export async function deliverUntilTaken(
  server: () => SpawnedServer,
  workflowName: string,
  webhookId: string,
  inputs: unknown = {},
): Promise<Seen> {
  for (;;) {
    const seen = await deliver(server(), workflowName, webhookId, inputs).catch(() => null);
    if (seen !== null && seen.status !== 503) return seen;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The status of `/health` and of `/ready`. */
export async function probes(server: SpawnedServer): Promise<{ health: number; ready: number }> {
  const [health, ready] = await Promise.all(["/health", "/ready"].map((path) => server.ask("GET", path)));
  return { health: health?.status ?? 0, ready: ready?.status ?? 0 };
}

/** The fields of the lines of a server's log that have the message. */
export function logged(server: SpawnedServer, message: string): Record<string, unknown>[] {
  const lines = server.said.stderr.split("\n").filter((line) => line.startsWith("{"));
  return lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line.message === message);
}
