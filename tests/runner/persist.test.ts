import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { openLatchhook, type TestLatchhook } from "../support/open-latchhook.ts";
import { StoredFile } from "../support/stored.ts";
import { until } from "../support/until.ts";

const test = suite<{ file: StoredFile; opened: TestLatchhook[] }>("runner/persist");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.opened = [];
});
test.after.each(async (t) => {
  for (const opened of t.opened) await opened.close();
  await t.file.close();
});

test("a storage that refuses is never a workflow's outcome: the step and the result are stored once it is back", async (t) => {
  let calls = 0;
  let go = (): void => {};
  const w = defineWorkflow({
    retry: { attempts: 1 },
    async run({ step }) {
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return step("charge", () => ++calls);
    },
  });
  const opened = await openLatchhook({ storage: t.file.url, workflows: { w } });
  t.opened.push(opened);
  const id = await opened.start("w");
  await opened.reaches(id, "running");

  const lock = t.file.connect();
  lock.exec("BEGIN IMMEDIATE");
  go();
  for (let second = 0; second < 20; second++) await opened.clock.advance(1_000);
  assert.is(calls, 1);
  assert.is((await opened.run(id)).status, "running");
  assert.ok(opened.lines.some((line) => line.message === "storage refuses, trying again"));
  const refused = opened.latchhook.fetch(
    new Request("http://localhost/webhooks/generic", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"workflow_name":"w","inputs":{}}',
    }),
  );
  for (let second = 0; second < 6; second++) await opened.clock.advance(1_000);
  const answer = await refused;
  assert.equal([answer.status, answer.headers.get("retry-after")], [503, "5"]);

  lock.exec("ROLLBACK");
  lock.close();
  await until(async () => {
    await opened.clock.advance(1_000);
    return (await opened.run(id)).status === "succeeded";
  }, "the run to succeed");
  assert.is(calls, 1);
});

test.run();
