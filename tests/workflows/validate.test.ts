import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { validateInput } from "../../lib/workflows/validate.ts";

const test = suite("workflows/validate");
const run = (): null => null;

test("the schema's output or its faults are handed on", async () => {
  const workflow = defineWorkflow({ input: v.object({ a: v.optional(v.number(), 1) }), run });
  assert.equal(await validateInput(workflow, {}), { value: { a: 1 } });
  const validation = await validateInput(workflow, { a: "x" });
  assert.ok("faults" in validation && validation.faults[0]?.pointer === "/a");
});

const schemas: [what: string, validate: () => never | Promise<never>][] = [
  [
    "throws",
    () => {
      throw new Error("found hunter2");
    },
  ],
  ["rejects", () => Promise.reject(new Error("found hunter2"))],
  ["answers with nothing", () => undefined as never],
];
for (const [what, validate] of schemas) {
  test(`a schema that ${what} is a fault at the whole input, without the value`, async () => {
    const input = v.custom(() => true);
    const broken = { ...input, "~standard": { ...input["~standard"], validate } };
    const validation = await validateInput(defineWorkflow({ input: broken, run }), "hunter2");
    assert.equal(validation, {
      faults: [{ pointer: "", detail: "Cannot be checked: the workflow's input schema threw an error" }],
    });
  });
}

test.run();
