import { readFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { EXPRESSION_CHARACTERS_MAX } from "../../lib/expression.ts";
import { STEPS_MAX } from "../../lib/expression-scope.ts";
import { checkFlow } from "../../lib/flows/check.ts";
import { parseFieldType } from "../../lib/flows/field-type.ts";
import {
  CONCURRENCY_DEFAULT,
  CONCURRENCY_MAX,
  ITERATIONS_DEFAULT,
  ITERATIONS_MAX,
  NODES_MAX,
} from "../../lib/flows/form.ts";
import { KINDS } from "../../lib/flows/kinds.ts";
import { parseFlow } from "../../lib/flows/parse.ts";
import { NODE_RUNS_MAX } from "../../lib/flows/walk.ts";
import { runWorkflowFromConfig } from "../../lib/runner/run-workflow.ts";
import { flowHost } from "../support/flow-host.ts";

const test = suite("docs/flows-page");

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const page = await read("docs/flows.md");
const blocks = Array.from(page.matchAll(/```yaml\n(.*?)```/gs), ([, text = ""]) => text);

/** A flow of what a block shows, with fields and nodes for all that it names. */
function flowAround(part: object, fields: Readonly<Record<string, string>>, ids: readonly string[]): object {
  return {
    schema_version: "1.0",
    flow: { name: "page" },
    state: { fields: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { type }])) },
    nodes: ids.map((id) => ({ id, set: { [`by_${id}`]: "x" } })),
    edges: ["START", ...ids].map((id, at) => ({ from: id, to: ids[at] ?? "END" })),
    ...part,
  };
}

test("the first flow of docs/flows.md and the one of README.md run as they stand", async () => {
  const [, inReadme = ""] = /```yaml\n(# workflows\/hello\.yaml.*?)```/s.exec(await read("README.md")) ?? [];
  for (const text of [blocks[0] ?? "", inReadme]) {
    await parseFlow(text, "page.yaml", flowHost());
    assert.equal(await runWorkflowFromConfig(parse(text), { name: "Ada" }), {
      name: "Ada",
      text: "Hello Ada",
    });
  }
});

test("the edges of docs/flows.md have no fault", () => {
  const block = blocks.find((text) => text.startsWith("edges:")) ?? "";
  const ids = ["fetch", "title", "labels", "decide", "write", "publish", "send"];
  const fields = {
    score: "float",
    spam: "bool",
    approved: "bool",
    readers: "list[str]",
    answers: "list[str]",
    ...Object.fromEntries(ids.map((id) => [`by_${id}`, "str"])),
  };
  assert.equal(checkFlow(flowAround(parse(block), fields, ids)), []);
});

test("the fields of a delivery in docs/flows.md have no fault", () => {
  const block = blocks.find((text) => text.startsWith("on:")) ?? "";
  const { on, state } = parse(block);
  const nodes = [{ id: "a", set: { by: "{sha}" } }];
  assert.equal(checkFlow(flowAround({ on, state, nodes }, {}, ["a"])), []);
});

test("the types of docs/flows.md are types, and each kind has its section", () => {
  const rows = page.slice(page.indexOf("| type | holds |")).split("\n\n")[0] ?? "";
  const types = Array.from(rows.matchAll(/^\| (.*?) \|/gm), ([, cell = ""]) =>
    Array.from(cell.matchAll(/`([a-z][^`:]*)`/g), ([, type = ""]) => type),
  ).flat();
  assert.ok(types.length > 8);
  for (const type of types) assert.ok(parseFieldType(type) !== null, type);
  for (const kind of KINDS.keys()) assert.match(page, new RegExp(`^### ${kind}: `, "m"));
});

test("the bounds that docs/flows.md names are those of the code", () => {
  const comma = (value: number): string => value.toLocaleString("en");
  for (const text of [
    `${comma(NODES_MAX)} nodes`,
    `${comma(EXPRESSION_CHARACTERS_MAX)} characters; a condition takes ${comma(STEPS_MAX)} steps`,
    `${ITERATIONS_MAX} rounds, ${comma(NODE_RUNS_MAX)}`,
    `(${ITERATIONS_DEFAULT}, at most ${ITERATIONS_MAX})`,
    `(${CONCURRENCY_DEFAULT}, at most ${CONCURRENCY_MAX})`,
  ]) {
    assert.ok(page.includes(text), text);
  }
});

test.run();
