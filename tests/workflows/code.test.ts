import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { workflowOfModule } from "../../lib/workflows/code.ts";

const test = suite("workflows/code");
const workflow = defineWorkflow({ run: () => null });

test("the default export is the workflow, also of a module that became CommonJS", () => {
  assert.is(workflowOfModule({ default: workflow }), workflow);
  assert.is(workflowOfModule({ default: { default: workflow } }), workflow);
});

for (const [what, module, message] of [
  [
    "no default export",
    { workflow },
    /no default export.*export default defineWorkflow.*begin the file's name with _/,
  ],
  [
    "a function",
    { default: () => null },
    /default export is no workflow; write export default defineWorkflow/,
  ],
  ["parts that were not defined", { default: { run: () => null } }, /is no workflow/],
  ["null", { default: null }, /is no workflow/],
] as const) {
  test(`${what} is refused with what to write`, () => {
    assert.throws(() => workflowOfModule(module), message);
  });
}

test.run();
