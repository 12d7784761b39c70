import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { Tool } from "../../lib/flows/tool.ts";
import { openLatchhook } from "../support/open-latchhook.ts";
import { removeFolder, tempFolder } from "../support/temp-folder.ts";
import { attemptOf, lookupOf, toolOf, tryTools } from "../support/tools.ts";
import { until } from "../support/until.ts";

const test = suite("flows/tool");
const lookup = toolOf(() => "found");

test("tools come in the order of the list, with what the model is told of them", async () => {
  const other = toolOf(() => "else", { description: "Looks elsewhere" });
  const { tools, faults } = await tryTools(["other", { name: "lookup" }], { lookup, other });
  assert.equal(faults, []);
  assert.equal(
    tools?.map(({ name, description, parameters }) => ({ name, description, parameters })),
    [
      { name: "other", description: "Looks elsewhere", parameters: other.parameters },
      { name: "lookup", description: "Looks something up", parameters: lookup.parameters },
    ],
  );
  assert.is(await tools?.[0]?.call({ q: "x" }, attemptOf()), "else");
});

test("a node without tools has none", async () => {
  assert.equal(await tryTools([], {}), { tools: [], faults: [] });
});

test("every fault is told of at its place, and then there are no tools", async () => {
  const keyed = toolOf(() => "", { env: ["API_KEY", "API_URL"] });
  const entries = ["lookup", { name: "gone" }, "keyed", "../x", { name: "lookup" }];
  const { tools, faults } = await tryTools(entries, { lookup, keyed });
  assert.is(tools, null);
  assert.equal(faults.map((fault) => fault.split(":")[0]).sort(), [
    "tools[1].name",
    "tools[2]",
    "tools[2]",
    "tools[3]",
    "tools[4].name",
  ]);
  assert.match(faults.join("\n"), 'tools[4].name: Cannot use tool "lookup" twice in one node: leave one out');
  assert.match(faults.join("\n"), 'Cannot use tool "keyed" without API_URL');
});

test("the calls of all tools of a node count together", async () => {
  const { tools } = await tryTools(["lookup", "other"], { lookup, other: lookup });
  const attempt = attemptOf();
  for (let call = 0; call < 10; call++) for (const tool of tools ?? []) await tool.call({ q: "x" }, attempt);
  let refused = "";
  await tools?.[1]?.call({ q: "x" }, attempt).catch((error: Error) => {
    refused = error.message;
  });
  assert.match(refused, /more than 20 times/);
});

/** What a prompt node does: asks, within its own step, for a tool and then for an answer, which fails at first. */
function workflowOf(tool: Tool, ask: (attempt: number) => string) {
  return defineWorkflow({
    run: (context) =>
      context.step("ask", async ({ signal }) => {
        const call = { run: context, stepName: "ask", signal };
        const texts = [
          await tool.call({ q: "first" }, call),
          await tool.call({ q: ask(context.attempt) }, call),
        ];
        if (context.attempt === 1) throw new Error("the model is overloaded");
        return texts;
      }),
  });
}

test("in a real run a second attempt repeats no call, makes those that are new, and the record shows them all", async () => {
  const asked: string[] = [];
  const tool = await lookupOf(({ input }) => {
    asked.push((input as { q: string }).q);
    return `answer ${asked.length}`;
  });
  const opened = await openLatchhook({ workflows: { w: workflowOf(tool, (n) => `attempt ${n}`) } });
  const runId = await opened.start("w");
  await opened.waitsFor(runId, "retry");
  await opened.clock.advance(60_000);
  const run = await opened.reaches(runId, "succeeded");
  assert.equal(asked, ["first", "attempt 1", "attempt 2"]);
  assert.equal(run.result, ["answer 1", "answer 3"]);
  assert.equal(run.steps.map(({ name, result }) => [name.replace(/#.*/, ""), result]).sort(), [
    ["ask", ["answer 1", "answer 3"]],
    ["ask/lookup", { tool: "lookup", arguments: { q: "first" }, result: "answer 1" }],
    ["ask/lookup", { tool: "lookup", arguments: { q: "attempt 1" }, result: "answer 2" }],
    ["ask/lookup", { tool: "lookup", arguments: { q: "attempt 2" }, result: "answer 3" }],
  ]);
  await opened.close();
});

test("a call that a server finished before it stopped is not made again by the next one on the same file", async () => {
  const folder = await tempFolder();
  const storage = `file:${folder}/runs.db`;
  let calls = 0;
  const tool = await lookupOf(({ input, signal }) => {
    calls++;
    if ((input as { q: string }).q === "first" || calls > 2) return `answer ${calls}`;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  const workflow = defineWorkflow({
    run: (context) =>
      context.step("ask", async ({ signal }) => {
        const call = { run: context, stepName: "ask", signal };
        return [await tool.call({ q: "first" }, call), await tool.call({ q: "second" }, call)];
      }),
  });
  const before = await openLatchhook({ storage, workflows: { w: workflow } });
  const runId = await before.start("w");
  await before.reaches(runId, "running");
  await until(() => calls === 2, "the second call");
  await before.close();
  const after = await openLatchhook({ storage, workflows: { w: workflow } });
  await after.clock.advance(60_000);
  const run = await after.reaches(runId, "succeeded");
  assert.equal(run.result, ["answer 1", "answer 3"]);
  await after.close();
  await removeFolder(folder);
});

test.run();
