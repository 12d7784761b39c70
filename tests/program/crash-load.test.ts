import { suite } from "uvu";
import * as assert from "uvu/assert";
import { auditFaults, readAudit, repeats, storedFaults } from "../support/audit.ts";
import { killed, Stage, stopped } from "../support/spawn-server.ts";
import { until } from "../support/until.ts";

/** The program's default. */
const CONCURRENCY = 16;

const test = suite<{ stage: Stage }>("program/crash-load");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

test("with 500 deliveries in flight and four kills -9 every 202 comes true, once", async ({ stage }) => {
  const kills = 4;
  let server = await stage.server();
  const accepted = new Map<string, string>();
  const doubts: string[] = [];
  const waiting = Array.from({ length: 500 }, (_, index) => `id-${index}`);
  let isOver = false;

  /** As a provider does: what got no answer, or a 503, is sent again under the same id. */
  const send = async (): Promise<void> => {
    for (let webhookId = waiting.shift(); webhookId !== undefined; webhookId = waiting.shift()) {
      for (;;) {
        const answer = await server
          .deliver("audited", { webhookId, inputs: { steps: 3, stepMs: 2, webhookId } })
          .catch(() => null);
        if (answer === null || answer.status === 503) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          continue;
        }
        if (answer.status !== 202 && answer.status !== 200) doubts.push(`${webhookId}: ${answer.status}`);
        const runId = String(answer.json.run_id);
        if ((accepted.get(webhookId) ?? runId) !== runId) doubts.push(`${webhookId} has two runs`);
        const isFirst = !accepted.has(webhookId);
        accepted.set(webhookId, runId);
        if (!isFirst || Math.random() > 0.1) break; // one in ten is delivered twice
      }
    }
  };
  const senders = Array.from({ length: 50 }, send);
  void Promise.all(senders).then(() => {
    isOver = true;
  });
  for (let kill = 1; kill <= kills; kill++) {
    const enough = (500 / (kills + 1)) * kill;
    await until(() => accepted.size >= enough || isOver, `${enough} answers`, 20_000);
    await killed(server);
    server = await stage.server();
  }
  await Promise.all(senders);
  await until(
    async () => {
      const pages = await Promise.all(
        ["queued", "running"].map((status) => server.ask("GET", `/runs?status=${status}&limit=1`)),
      );
      return pages.every(({ json }) => (json.items as unknown[]).length === 0);
    },
    "all runs to be at rest",
    20_000,
  );
  await stopped(server);

  const lines = readAudit(stage.auditPath);
  assert.equal(doubts, []);
  assert.is(accepted.size, 500);
  assert.equal(storedFaults(stage.file, accepted), []);
  assert.equal(auditFaults(lines), []);
  assert.equal(stage.file.count("webhook_events"), 500);
  assert.equal(stage.file.count("runs"), 500);
  assert.equal(lines.filter(({ what }) => what === "returned").length >= 1_500, true);
  assert.ok(repeats(lines) <= kills * CONCURRENCY, `${repeats(lines)} repeats for ${kills} kills`);
});

test.run();
