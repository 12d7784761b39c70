import { readFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseFlow } from "../../lib/flows/parse.ts";
import { flowHost } from "../support/flow-host.ts";
import { rejects } from "../support/rejects.ts";

const test = suite("flows/faults-at-once");

const read = (name: string): Promise<string> =>
  readFile(new URL(`../fixtures/flows/${name}`, import.meta.url), "utf8");

test("a file that is wrong in 38 ways is told of all of them, each with line, column, value and fix", async () => {
  const expected = (await read("wrong-faults.txt")).trimEnd().split("\n");
  assert.is(expected.length, 38);
  await rejects(parseFlow(await read("wrong.txt"), "wrong.yaml", flowHost()), (error) => {
    assert.equal(error.message.split("\n"), expected);
  });
});

test("a fault in one part does not hide another beside it, and is told of once", async () => {
  const text = (await read("wrong.txt"))
    .replace("{ nmae: wrong }", "{ name: wrong }")
    .replace("[WEBHOOK_SECRET_GITHUB, API-KEY, GONE]", "[GONE]");
  await rejects(parseFlow(text, "wrong.yaml", flowHost()), (error) => {
    const lines = error.message.split("\n");
    assert.is(lines.length, 34);
    assert.is(new Set(lines).size, lines.length);
  });
});

test("what only the machine can tell comes with the rest, where the form holds", async () => {
  const text = `schema_version: "1.0"
flow: { name: x }
env: [GONE, WEBHOOK_SECRET_X, API-KEY, __proto__]
state: { fields: { n: { type: int } } }
nodes:
  - { id: a, set: { m: 1 } }
  - { id: b, run: _gone.ts#f }
  - { id: c, prompt: "Hello", outputs: [n] }
edges:
  - { from: START, to: a }
  - { from: a, to: b }
  - { from: b, to: c }
  - { from: c, to: END }
`;
  await rejects(parseFlow(text, "x.yaml", flowHost()), (error) => {
    assert.equal(error.message.split("\n"), [
      "x.yaml:3:7: Cannot use GONE: it is not set in the environment; set it, or leave it out",
      "x.yaml:3:13: Cannot use WEBHOOK_SECRET_X in a flow: it holds a secret of this server; take another variable",
      'x.yaml:3:31: Cannot use "API-KEY" as a variable: give a name such as API_TOKEN',
      "x.yaml:3:40: Cannot use __proto__: it is not set in the environment; set it, or leave it out",
      'x.yaml:6:21: Cannot write "m": state.fields has no such field; known are n',
      'x.yaml:7:14: Cannot load "_gone.ts": there is no file _gone.ts',
      "x.yaml:8:14: Cannot use provider google without a key: set GOOGLE_API_KEY or GOOGLE_GENERATIVE_AI_API_KEY, or name another provider under llm",
    ]);
  });
});

test.run();
