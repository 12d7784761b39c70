import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isWorkflow } from "../../lib/define-workflow.ts";
import type { FlowConfig } from "../../lib/flows/flow-config.ts";
import * as parse from "../../lib/flows/parse.ts";
import type { AnyWorkflow } from "../../lib/workflow.ts";
import { flowHost } from "../support/flow-host.ts";
import { rejects } from "../support/rejects.ts";

const test = suite("flows/parse");

const parseFlow = async (text: string, name: string): Promise<AnyWorkflow> =>
  (await parse.parseFlow(text, name, flowHost())).workflow;
const flowFromConfig = (given: FlowConfig): Promise<AnyWorkflow> => parse.flowFromConfig(given, flowHost());

const yaml = `schema_version: "1.0"
flow: { name: greet, description: Greets }
state:
  fields:
    who: { type: str, required: true }
    text: { type: str }
nodes:
  - { id: greet, set: { text: "Hello {who}" } }
edges:
  - { from: START, to: greet }
  - { from: greet, to: END }
`;
const config: FlowConfig = {
  schema_version: "1.0",
  flow: { name: "greet", description: "Greets" },
  state: { fields: { who: { type: "str", required: true }, text: { type: "str" } } },
  nodes: [{ id: "greet", set: { text: "Hello {who}" } }],
  edges: [
    { from: "START", to: "greet" },
    { from: "greet", to: "END" },
  ],
};

for (const [form, make] of [
  ["YAML", () => parseFlow(yaml, "greet.yaml")],
  ["JSON", () => parseFlow(JSON.stringify(config), "greet.json")],
  ["an object", () => flowFromConfig(config)],
] as const) {
  test(`${form} becomes a workflow with the defaults of code`, async () => {
    const workflow = await make();
    assert.ok(isWorkflow(workflow));
    assert.ok(Object.isFrozen(workflow));
    assert.is(workflow.kind, "flow");
    assert.is(workflow.description, "Greets");
    assert.is(workflow.on, null);
    assert.is(workflow.timeoutMs, 300_000);
    assert.equal(workflow.retry, { attempts: 10, minDelayMs: 2_000, maxDelayMs: 600_000 });
    assert.is(workflow.concurrency, null);
    assert.equal(await workflow.validate({ who: "you" }), { value: { who: "you" } });
    assert.ok("faults" in (await workflow.validate({})));
  });
}

test("execution has seconds, and retries on top of the first attempt", async () => {
  const workflow = await flowFromConfig({
    ...config,
    config: { execution: { timeout: 1.5, max_retries: 3 } },
  });
  assert.is(workflow.timeoutMs, 1_500);
  assert.is(workflow.retry.attempts, 4);
  const brief = await flowFromConfig({
    ...config,
    config: { execution: { timeout: 0.0001, max_retries: 0 } },
  });
  assert.is(brief.timeoutMs, 1);
  assert.is(brief.retry.attempts, 1);
});

test("on names the providers whose deliveries start it", async () => {
  const workflow = await parseFlow(`${yaml}on: [{ provider: github }]\n`, "greet.yaml");
  assert.equal(workflow.on, [{ provider: "github" }]);
});

test("all faults of a file come at once, a line each, in the file's order with line and column", async () => {
  const text = yaml
    .replace("name: greet,", "nmae: greet,")
    .replace("type: str }\nnodes", "type: string }\nnodes")
    .replace("{who}", "{whom}")
    .replace("to: END", "to: EDN");
  const error = await faultOf(() => parseFlow(text, "greet.yaml"));
  assert.equal(error.message.split("\n"), [
    'greet.yaml:2:1: Cannot load flow without "name"',
    'greet.yaml:2:9: Cannot use "nmae" in flow: did you mean "name"?',
    'greet.yaml:6:13: Cannot use "string" as type of field "text": did you mean str? Types are str, int, float, bool, list, dict, object, list[str], dict[str,int]',
    'greet.yaml:8:25: Cannot read {whom}: state.fields has no "whom"; did you mean "who"?',
    'greet.yaml:11:20: Cannot follow the edge to "EDN": did you mean "END"?',
  ]);
});

test("a file that cannot be read says where", async () => {
  assert.match(
    (await faultOf(() => parseFlow("a: 1\na: 2", "x.yml"))).message,
    /^x.yml:2:1: Cannot use "a" twice/m,
  );
  assert.match(
    (await faultOf(() => parseFlow(yaml, "greet.json"))).message,
    /^greet.json:1:1: Cannot read the file as JSON/,
  );
});

test("a template without quotes, or a key twice, stops a flow that has no other fault", async () => {
  const bare = yaml.replace('"Hello {who}"', "{who}");
  assert.is(
    (await faultOf(() => parseFlow(bare, "x.yaml"))).message,
    'x.yaml:8:31: Cannot read {who} without quotes: write "{who}", or [who] for a list',
  );
  const twice = yaml.replace("name: greet,", "name: greet, name: greet,");
  assert.is(
    (await faultOf(() => parseFlow(twice, "x.yaml"))).message,
    'x.yaml:2:22: Cannot use "name" twice: it stands in line 2 already',
  );
});

test("faults of an object have pointers", async () => {
  const wrong = { ...config, nodes: [{ id: "greet", set: { txet: 1 } }] };
  const error = await faultOf(() => flowFromConfig(wrong));
  assert.is(
    error.message,
    '/nodes/0/set/txet: Cannot write "txet": state.fields has no such field; did you mean "text"?',
  );
  assert.match((await faultOf(() => flowFromConfig({} as FlowConfig))).message, /^the flow: Cannot load/);
});

test("what JSON cannot carry is no flow", async () => {
  for (const value of [1n, config]) {
    const cyclic: Record<string, unknown> = { ...config, config: value };
    cyclic.flow = cyclic;
    assert.match(
      (await faultOf(() => flowFromConfig(cyclic as unknown as FlowConfig))).message,
      /JSON cannot carry it/,
    );
  }
  const endless = { ...config, state: { fields: { n: { type: "float", default: Infinity } } } };
  assert.match(
    (await faultOf(() => flowFromConfig(endless as unknown as FlowConfig))).message,
    /JSON has no Infinity and no NaN/,
  );
  assert.match(
    (await faultOf(() => flowFromConfig(undefined as unknown as FlowConfig))).message,
    /Cannot use null as the flow/,
  );
});

test("what a delivery lacks is told with where it was looked for", async () => {
  const workflow = await flowFromConfig({
    ...config,
    on: [{ provider: "github" }],
    nodes: [{ id: "a", set: { who: "me" } }],
    edges: [
      { from: "START", to: "a" },
      { from: "a", to: "END" },
    ],
    state: {
      fields: {
        who: { type: "str", required: true },
        sha: { type: "str", required: true, from: "body.after" },
      },
    },
  } as unknown as FlowConfig);
  const event = { provider: "github", type: "push", webhookId: "a", headers: {} } as never;
  assert.equal(await workflow.validate({ who: 1 }, event), {
    faults: [
      { pointer: "/who", detail: "Expected str, found int" },
      { pointer: "/sha", detail: "Expected str, found nothing (from body.after)" },
    ],
  });
});

test("a change of the object afterwards does not change the flow", async () => {
  const mine = structuredClone(config) as {
    state: { fields: Record<string, { type: string; required?: boolean }> };
  };
  const workflow = await flowFromConfig(mine as unknown as FlowConfig);
  mine.state.fields = {};
  assert.ok("faults" in (await workflow.validate({})));
});

async function faultOf(make: () => Promise<unknown>): Promise<Error> {
  let found: Error | undefined;
  await rejects(make(), (error) => {
    assert.is((error as { code?: string }).code, "flow_invalid");
    found = error;
  });
  return found as Error;
}

test.run();
