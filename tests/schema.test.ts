import { readdir, readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { checkForm } from "../lib/flows/check-form.ts";
import { parseFieldType } from "../lib/flows/field-type.ts";
import { IDLE } from "../lib/flows/form.ts";
import { KINDS } from "../lib/flows/kinds.ts";
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
  const text = await Promise.all(FOLDERS.map((folder) => readAll(folder)));
  let refused = 0;
  let taken = 0;
  for (const flow of text.flat()) {
    for (const path of placesIn(flow)) {
      for (const other of OTHERS) {
        const changed = withPart(flow, path, other);
        const isFit = validate(changed);
        const isTaken = isTakenByForm(changed);
        if (isFit !== isTaken) {
          const where = `${path.join(".")} = ${JSON.stringify(other)}`;
          assert.unreachable(`${where}: schema ${isFit}, form ${isTaken}`);
        }
        if (isFit) taken++;
        else refused++;
      }
    }
  }
  assert.ok(refused > 1_000 && taken > 200, `${refused} refused, ${taken} taken`);
});

/** The form knows each key by itself; that there is one kind and one way is added here as it is to the schema. */
function isTakenByForm(flow: unknown): boolean {
  if (checkForm(flow).length > 0) return false;
  const { nodes, edges } = flow as { nodes: Json[]; edges: Json[] };
  const hasOne = (part: Json, keys: readonly string[]): boolean =>
    keys.filter((key) => Object.hasOwn(part, key)).length === 1;
  return (
    nodes.every((node) => hasOne(node, [...KINDS.keys()])) &&
    edges.every((edge) => hasOne(edge, ["to", "routes", "loop", "parallel"]))
  );
}

test("of flows that are put together of sound parts and slips, form and schema take the same", () => {
  const texts = ["x", "text", "1.0", "2xx", "GET", "a.ts#f", "https://x.example", "./a", "A_B", "-"];
  const sound = fc.constantFrom(...texts);
  const leaf = fc.oneof(
    { weight: 4, arbitrary: sound },
    fc.constantFrom(0, 1, 1.5, 201, 50, -1, 1e9, true, false, null),
    fc.string({ maxLength: 5 }),
    fc.array(sound, { maxLength: 3 }),
    fc.dictionary(sound, sound, { maxKeys: 2 }),
  );
  // Mostly what the schema says of a key, so that many flows get as far as their details.
  const slipOr = (schema: Json, depth: number): fc.Arbitrary<unknown> => {
    const right = rightFor(schema, depth);
    return right === null ? leaf : fc.oneof({ weight: 30, arbitrary: right }, leaf);
  };
  const rightFor = (schema: Json, depth: number): fc.Arbitrary<unknown> | null => {
    if (depth > 7) return null;
    if ("const" in schema) return fc.constant(schema.const);
    if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
    if (Array.isArray(schema.anyOf)) return fc.oneof(...schema.anyOf.map((each) => slipOr(each, depth + 1)));
    if (schema.type === "boolean") return fc.boolean();
    if (schema.type === "string") {
      const fitting = texts.filter((text) => new RegExp(String(schema.pattern ?? ""), "u").test(text));
      return fitting.length === 0 ? sound : fc.constantFrom(...fitting);
    }
    if (schema.type === "integer" || schema.type === "number") {
      const bounds = [schema.minimum, schema.maximum, schema.exclusiveMinimum];
      return fc.constantFrom(...bounds.filter((bound) => bound !== undefined), 1, 1.5);
    }
    if (schema.type === "array") {
      return fc.array(slipOr(schema.items as Json, depth + 1), { maxLength: 3 });
    }
    if (schema.type !== "object") return null;
    if (schema.properties === undefined) {
      return fc.dictionary(sound, slipOr(schema.additionalProperties as Json, depth + 1), { maxKeys: 3 });
    }
    const parts = Object.entries(schema.properties as Record<string, Json>);
    const kinds = ((schema.oneOf ?? []) as { required: [string] }[]).map(({ required: [key] }) => key);
    const required = [...((schema.required ?? []) as string[])];
    const record = (only: string | null): fc.Arbitrary<object> => {
      const left = parts.filter(([key]) => !kinds.includes(key) || key === only);
      const model = Object.fromEntries(left.map(([key, part]) => [key, slipOr(part, depth + 1)]));
      return fc.record(model, { requiredKeys: only === null ? required : [...required, only] });
    };
    return kinds.length === 0 ? record(null) : fc.constantFrom(...kinds).chain(record);
  };
  let taken = 0;
  const { nodes, edges, config, state, on } = JSON.parse(flowSchema()).properties;
  const parts = { nodes, edges, config, state, on } as Record<string, Json>;
  for (const [key, schema] of Object.entries(parts)) {
    fc.assert(
      fc.property(slipOr(schema, 0), (part) => {
        const flow = flowWith({ [key]: part });
        const isFit = validate(flow);
        if (isFit) taken++;
        assert.is(isFit, isTakenByForm(flow), JSON.stringify(validate.errors));
      }),
      { numRuns: 300, seed: 20_260 },
    );
  }
  assert.ok(taken > 300 && taken < 1_400, `${taken} taken`);
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
