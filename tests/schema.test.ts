import { readdir, readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { checkForm } from "../lib/flows/check-form.ts";
import { parseFieldType } from "../lib/flows/field-type.ts";
import { IDLE } from "../lib/flows/form.ts";
import { flowSchema } from "../schema/generate.ts";

const test = suite("schema");

const ROOT = new URL("../", import.meta.url);
const FOLDERS = ["workflows/", "workflows/examples/", "tests/fixtures/flows/"];

const read = (path: string): Promise<string> => readFile(new URL(path, ROOT), "utf8");
const validate = new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(flowSchema()));

type Json = Record<string, unknown>;

const node = { id: "a", set: { count: 1 } };
const edges = [
  { from: "START", to: "a" },
  { from: "a", to: "END" },
];

function flowWith(parts: Json): Json {
  return {
    schema_version: "1.0",
    flow: { name: "test" },
    state: { fields: { count: { type: "int" } } },
    nodes: [node],
    edges,
    ...parts,
  };
}

test("schema/flow.schema.json is what the form makes; npm run schema writes it anew", async () => {
  assert.is(await read("schema/flow.schema.json"), flowSchema());
});

test("it is draft-07 by its own metaschema, and tells of each key what it is", () => {
  const schema = JSON.parse(flowSchema());
  assert.is(schema.$schema, "http://json-schema.org/draft-07/schema#");
  assert.ok(new Ajv({ strict: false }).validateSchema(schema));
  assert.not.match(flowSchema(), "$defs");
  const objects = [...objectsIn(schema)];
  assert.ok(objects.length > 20);
  for (const { properties, additionalProperties } of objects) {
    assert.is(additionalProperties, false);
    for (const [key, { description }] of Object.entries(properties as Record<string, Json>))
      assert.type(description, "string", key);
  }
});

test("editors offer the types, and warn of keys that do nothing", () => {
  const { properties } = JSON.parse(flowSchema());
  const { examples } = properties.state.properties.fields.additionalProperties.properties.type;
  for (const type of examples) assert.is.not(parseFieldType(type), null, type);
  assert.is(examples.length, 9);
  const idle = [
    ...IDLE.flow.map((name) => properties[name]),
    ...IDLE.config.map((name) => properties.config.properties[name]),
    ...IDLE.node.map((name) => properties.nodes.items.properties[name]),
  ];
  for (const { deprecationMessage } of idle) assert.is(deprecationMessage, "Does nothing here");
  const marked = flowSchema().match(/"deprecationMessage"/g) ?? [];
  assert.is(marked.length, idle.length);
});

/** The parts of a schema that name keys. */
function* objectsIn(part: unknown): Generator<Json> {
  if (typeof part !== "object" || part === null) return;
  if ("properties" in part && "type" in part && part.type === "object") yield part as Json;
  for (const inner of Object.values(part)) yield* objectsIn(inner);
}

test("every flow of the examples and fixtures fits, and names the schema that an editor finds", async () => {
  let count = 0;
  for (const folder of FOLDERS) {
    for (const name of await readdir(new URL(folder, ROOT))) {
      if (!name.endsWith(".yaml")) continue;
      count++;
      const text = await read(folder + name);
      assert.ok(validate(parse(text)), `${folder}${name}: ${JSON.stringify(validate.errors)}`);
      const path = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)?.[1];
      if (folder.startsWith("workflows"))
        assert.is(
          new URL(path ?? "", new URL(folder, ROOT)).href,
          new URL("schema/flow.schema.json", ROOT).href,
        );
    }
  }
  assert.ok(count > 5);
});

const wrong: readonly [what: string, flow: Json][] = [
  ["an unknown key", flowWith({ stat: {} })],
  ["an unknown key in a node", flowWith({ nodes: [{ ...node, st: {} }] })],
  [
    "an unknown key in a kind",
    flowWith({ nodes: [{ id: "a", http: { url: "https://x.example", hdrs: {} } }] }),
  ],
  ["a number for a text", flowWith({ flow: { name: 1 } })],
  ["another version", flowWith({ schema_version: 1 })],
  ["two kinds", flowWith({ nodes: [{ ...node, run: "_x.ts" }] })],
  ["no kind", flowWith({ nodes: [{ id: "a" }] })],
  ["no node", flowWith({ nodes: [] })],
  [
    "two ways in an edge",
    flowWith({ edges: [{ from: "START", to: "a", loop: { condition_field: "x", exit_to: "a" } }] }),
  ],
  ["no way in an edge", flowWith({ edges: [{ from: "START" }] })],
  [
    "too many rounds",
    flowWith({ edges: [{ from: "a", loop: { max_iterations: 101, condition_field: "x", exit_to: "END" } }] }),
  ],
  ["no time", flowWith({ config: { execution: { timeout: 0 } } })],
  ["a provider that is none", flowWith({ config: { llm: { provider: "me" } } })],
  ["a command that is a text", flowWith({ nodes: [{ id: "a", exec: { command: "ls" } }] })],
];
for (const [what, flow] of wrong) {
  test(`${what} is told of by the schema`, () => assert.not(validate(flow)));
}

/** Values that stand in the place of a part, one after the other. */
const OTHERS = [null, 0, -1, 1.5, "x", "", true, [], {}, [1], { a: 1 }, ["a"], "1.0"];

test("whatever part of a flow is another, form and schema agree on it", async () => {
  // Where the form says more than a schema of single keys can: these are the checks' to tell.
  const text = await Promise.all(FOLDERS.map((folder) => readAll(folder)));
  let refused = 0;
  let taken = 0;
  for (const flow of text.flat()) {
    for (const path of placesIn(flow)) {
      for (const other of OTHERS) {
        const changed = withPart(flow, path, other);
        const isFit = validate(changed);
        const hasFaults = checkForm(changed).length > 0;
        const isOneOf = (validate.errors ?? []).every(({ keyword }) =>
          ["oneOf", "required"].includes(keyword),
        );
        if (isFit !== !hasFaults && !(isOneOf && !isFit)) {
          assert.unreachable(
            `${path.join(".")} = ${JSON.stringify(other)}: schema ${isFit}, form ${!hasFaults}`,
          );
        }
        if (isFit) taken++;
        else refused++;
      }
    }
  }
  assert.ok(refused > 1_000 && taken > 200, `${refused} refused, ${taken} taken`);
});

async function readAll(folder: string): Promise<Json[]> {
  const names = (await readdir(new URL(folder, ROOT))).filter((name) => name.endsWith(".yaml"));
  return await Promise.all(names.map(async (name) => parse(await read(folder + name)) as Json));
}

function placesIn(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [[...path], ...entries.flatMap(([key, part]) => placesIn(part, [...path, key]))];
}

function withPart(flow: Json, path: readonly (string | number)[], part: unknown): unknown {
  if (path.length === 0) return part;
  const copy = structuredClone(flow);
  let at: Json = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Json;
  at[path.at(-1) as string] = part;
  return copy;
}

test.run();
