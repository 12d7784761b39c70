import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseFlow } from "../../lib/flows/parse.ts";
import { flowHost } from "../support/flow-host.ts";

const test = suite("flows/oddities");

const warningsOf = async (fields: string, nodes: string, rest: string): Promise<string[]> => {
  const text = `schema_version: "1.0"
flow: { name: odd }
state: { fields: { ${fields} } }
nodes: [${nodes}]
${rest}
`;
  const { warnings } = await parseFlow(text, "odd.yaml", flowHost());
  return warnings.map(({ line, column, detail }) => `${line}:${column}: ${detail}`);
};
const WAY = "edges: [{ from: START, to: a }, { from: a, to: END }]";

test("what is hardly meant is warned of, each with its place", async () => {
  assert.equal(
    await warningsOf(
      's: { type: str, default: "{n}" }, n: { type: int }, d: { type: dict }',
      '{ id: a, set: { s: "{{ state.n }} and {{n}}", d: { "k{n}": ["{{s.x}}"] } } }',
      WAY,
    ),
    [
      "3:36: {n} is no lookup: a default is taken as it is",
      "4:25: {{ state.n }} is a text in braces; write {state.n} to look it up",
      "4:60: {n} in a key is no lookup: keys are taken as they are",
      "4:69: {{s.x}} is a text in braces; write {s.x} to look it up",
    ],
  );
  assert.equal(await warningsOf("s: { type: str, from: body.s }", "{ id: a, set: { s: x } }", WAY), [
    "3:36: from does nothing here: no delivery starts a flow without on",
  ]);
  assert.equal(
    await warningsOf(
      "s: { type: str }, ok: { type: bool }",
      "{ id: a, set: { s: x } }",
      "edges: [{ from: START, to: a }, { from: a, loop: { condition_field: ok, exit_to: END } }]",
    ),
    ["5:52: no node writes ok, so that the loop goes all its rounds"],
  );
});

test("what may be meant is not", async () => {
  assert.equal(
    await warningsOf(
      's: { type: str, default: "a {n} b", from: body.s }, ok: { type: bool }',
      '{ id: a, set: { s: "{{ unknown }} {{}} {s}", ok: true } }',
      `on: [{ provider: github }]
edges: [{ from: START, to: a }, { from: a, loop: { condition_field: ok, exit_to: END } }]`,
    ),
    [],
  );
});

test.run();
