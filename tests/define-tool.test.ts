import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { z } from "zod";
import { type DefinedTool, defineTool, isTool, type ToolContext } from "../lib/define-tool.ts";
import { silentLog } from "../lib/log.ts";
import type { StandardSchemaV1 } from "../lib/standard-schema.ts";

const test = suite("define-tool");

const description = "Looks something up";
const parameters = { type: "object", properties: { q: { type: "string" } }, required: ["q"] };
const input = v.object({ q: v.string() });
const run = (): null => null;
const sound = { description, input, parameters, run };

test("what is left out has the documented defaults", () => {
  const tool = defineTool(sound);
  assert.is(tool.description, description);
  assert.is(tool.timeoutMs, 30_000);
  assert.equal(tool.env, []);
  assert.ok(isTool(tool));
  assert.ok(Object.isFrozen(tool));
});

test("a name in env that ends in ? may be unset, and the others must be set", () => {
  assert.equal(defineTool({ ...sound, env: ["API_KEY", "API_URL?"] }).env, [
    { name: "API_KEY", isOptional: false },
    { name: "API_URL", isOptional: true },
  ]);
});

const wrong: [what: string, options: unknown, message: RegExp][] = [
  ["nothing", undefined, /without run\(context\)/],
  ["no run", { ...sound, run: undefined }, /without run\(context\)/],
  ["an unknown part", { ...sound, name: "x" }, /"name": it takes description, input/],
  ["no description", { ...sound, description: " " }, /without description: say what it does/],
  ["no input", { ...sound, input: undefined }, /without input: give a Standard Schema/],
  ["an input that is no schema", { ...sound, input: parameters }, /without input: give a Standard Schema/],
  [
    "an input that has no JSON Schema, and no parameters",
    { ...sound, parameters: undefined },
    /no JSON Schema, which the model must be shown: give "parameters"/,
  ],
  [
    "an input that JSON Schema cannot say",
    { description, run, input: z.object({ d: z.date() }) },
    /cannot be written as JSON Schema \(.*give "parameters"/,
  ],
  ["arguments that are a text", { ...sound, parameters: { type: "string" } }, /with type "object"/],
  ["an input that is a list", { description, run, input: z.array(z.string()) }, /with type "object"/],
  [
    "parameters that are no JSON",
    { ...sound, parameters: { type: "object", max: 1n } },
    /with type "object"/,
  ],
  ["no time at all", { ...sound, timeout: 0 }, /0 as timeout of a tool: above 0, at most "300s"/],
  ["more than five minutes", { ...sound, timeout: "301s" }, /"301s" as timeout of a tool/],
  ["a timeout that is none", { ...sound, timeout: "soon" }, /"soon" as timeout/],
  ["env that is no list", { ...sound, env: "API_KEY" }, /"env" of a tool: give a list/],
  ["env with a number", { ...sound, env: [1] }, /1 in "env" of a tool/],
  ["env with no name", { ...sound, env: ["API-KEY"] }, /"API-KEY" in "env" of a tool/],
  [
    "a webhook's secret",
    { ...sound, env: ["WEBHOOK_SECRET_GITHUB"] },
    /WEBHOOK_SECRET_GITHUB.*for this server alone/,
  ],
  ["the admin token, if it is there", { ...sound, env: ["ADMIN_TOKEN?"] }, /ADMIN_TOKEN in "env"/],
  ["the database", { ...sound, env: ["DATABASE_URL"] }, /DATABASE_URL in "env"/],
];
for (const [what, options, message] of wrong) {
  test(`${what} is a TypeError that says what to give`, () => {
    assert.throws(
      () => defineTool(options as typeof sound),
      (error: Error) => error instanceof TypeError && message.test(error.message),
    );
  });
}

test("the model's JSON Schema is that of zod, and of valibot where it can say it", () => {
  const expected = { type: "object", properties: { q: { type: "string" } }, required: ["q"] };
  assert.equal(defineTool({ description, run, input: z.object({ q: z.string() }) }).parameters, expected);
  assert.equal(defineTool({ description, run, input: toStandardJsonSchema(input) }).parameters, expected);
});

test("the JSON Schema says what the model gives, and not what the schema makes of it", () => {
  const tool = defineTool({ description, run, input: z.object({ n: z.number().default(3) }) });
  assert.equal(tool.parameters.required, undefined);
});

test("parameters go before the schema's own JSON Schema, as a copy that nobody can change any more", () => {
  const own = { ...parameters, properties: { q: { type: "string", description: "as people type it" } } };
  const tool = defineTool({ description, run, input: z.object({ q: z.string() }), parameters: own });
  own.properties.q.description = "changed";
  assert.equal(tool.parameters.properties, { q: { type: "string", description: "as people type it" } });
});

test("arguments are checked by the schema, also by one that takes its time", async () => {
  assert.equal(await defineTool(sound).validate({ q: 1 }), {
    faults: [{ pointer: "/q", detail: "Invalid type: Expected string" }],
  });
  const slow = v.objectAsync({
    q: v.pipeAsync(
      v.string(),
      v.checkAsync(async (q) => q !== "no", "not this"),
    ),
  });
  const tool = defineTool({ ...sound, input: slow as unknown as StandardSchemaV1 });
  assert.equal(await tool.validate({ q: "no" }), { faults: [{ pointer: "/q", detail: "not this" }] });
  assert.equal(await tool.validate({ q: "yes" }), { value: { q: "yes" } });
});

test("run is given the schema's output and the declared variables, each with its type", async () => {
  const tool = defineTool({
    description,
    input: z.object({ n: z.number().default(3) }),
    env: ["API_KEY", "API_URL?"],
    run: ({ input, env }) => {
      const key: string = env.API_KEY;
      const url: string | undefined = env.API_URL;
      // @ts-expect-error no tool sees what it does not declare
      const other: unknown = env.OTHER;
      return [input.n, key, url, other];
    },
  });
  const context = { input: { n: 3 }, env: { API_KEY: "k" }, log: silentLog } as unknown as ToolContext;
  assert.equal(tool.run(context), [3, "k", undefined, undefined]);
});

test("what was not made by defineTool is no tool, and what another copy of the library made is one", () => {
  for (const value of [null, undefined, "tool", sound, run]) assert.not(isTool(value));
  const other = { [Symbol.for("latchhook.tool")]: true } as unknown as DefinedTool;
  assert.ok(isTool(other));
});

test.run();
