import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { NamedWorkflow } from "../../lib/workflow.ts";
import { WorkflowRegistry } from "../../lib/workflows/registry.ts";

const test = suite("workflows/registry");

function named(name: string, ...providers: string[]): NamedWorkflow {
  const on = providers.map((provider) => ({ provider }));
  const workflow = defineWorkflow({ ...(on.length > 0 ? { on } : {}), run: () => null });
  return { name, fileHash: null, workflow };
}

function eventOf(provider: string) {
  return { provider, type: null, webhookId: null, headers: {}, body: {} };
}

test("a workflow is found by its name and by nothing that every object has", () => {
  const a = named("a");
  const registry = new WorkflowRegistry([a]);
  assert.is(registry.get("a"), a);
  for (const name of ["b", "A", "", "__proto__", "constructor", "toString", "../a", "a.ts"]) {
    assert.is(registry.get(name), undefined);
  }
});

test("constructor is a name like any other", () => {
  assert.is(new WorkflowRegistry([named("constructor")]).get("constructor")?.name, "constructor");
});

test("the list is by name, whatever order they came in", () => {
  const registry = new WorkflowRegistry(["b", "a-2", "a", "10", "a_1", "9"].map((name) => named(name)));
  assert.equal(names(registry.list()), ["10", "9", "a", "a-2", "a_1", "b"]);
});

test("a delivery starts those whose on names its provider, each once", () => {
  const registry = new WorkflowRegistry([
    named("c", "github", "github"),
    named("b", "github", "stripe"),
    named("a"),
    named("d", "generic"),
  ]);
  assert.equal(names(registry.startedBy(eventOf("github")).workflows), ["b", "c"]);
  assert.equal(names(registry.startedBy(eventOf("stripe")).workflows), ["b"]);
  assert.equal(names(registry.startedBy(eventOf("generic")).workflows), ["d"]);
  assert.equal(registry.startedBy(eventOf("slack")).workflows, []);
  assert.equal(registry.providers(), ["generic", "github", "stripe"]);
});

test("generic may name those without on and those whose on names generic", () => {
  const registry = new WorkflowRegistry([named("a"), named("b", "github", "generic"), named("c", "github")]);
  const startedOf = (name: string) => names(registry.startedByGeneric(name, eventOf("generic")).workflows);
  assert.equal(startedOf("a"), ["a"]);
  assert.equal(startedOf("b"), ["b"]);
  assert.equal(startedOf("c"), []);
  assert.equal(startedOf("d"), []);
});

test("a name twice is refused with the way out", () => {
  assert.throws(
    () => new WorkflowRegistry([named("a"), named("a")]),
    (error: Error) => error instanceof TypeError && /"a" twice: rename one/.test(error.message),
  );
});

for (const name of ["", "A", "-a", "_a", "a.b", "a b", "../a", "ä", "a".repeat(65), "a\n"]) {
  test(`${JSON.stringify(name)} is no name`, () => {
    assert.throws(
      () => new WorkflowRegistry([named(name)]),
      (error: Error) => error instanceof TypeError && /1 to 64 lower-case letters/.test(error.message),
    );
  });
}

function names(list: readonly NamedWorkflow[]): string[] {
  return list.map((workflow) => workflow.name);
}

test.run();
