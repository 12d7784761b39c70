import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkFlow } from "../../lib/flows/check.ts";
import { placeText } from "../../lib/flows/fault.ts";

const test = suite("flows/check");

type Parts = Record<string, unknown>;

/** A flow without faults, and with one part of it replaced. */
function flowWith(parts: Parts): Parts {
  return {
    schema_version: "1.0",
    flow: { name: "test" },
    state: {
      fields: { topic: { type: "str", required: true }, count: { type: "int" }, any: { type: "dict" } },
    },
    nodes: [{ id: "a", set: { count: 1 } }],
    edges: [
      { from: "START", to: "a" },
      { from: "a", to: "END" },
    ],
    ...parts,
  };
}

const withFields = (fields: Parts): Parts =>
  flowWith({ state: { fields: { count: { type: "int" }, ...fields } } });
const withSet = (set: unknown): Parts => flowWith({ nodes: [{ id: "a", set }] });
const withExecution = (execution: unknown): Parts => flowWith({ config: { execution } });

/** Nodes a, b, ... each once, and edges such as "START>a". */
function wayOf(nodes: string, edges: string): Parts {
  return flowWith({
    nodes: nodes.split(" ").map((id) => ({ id, set: { count: 1 } })),
    edges: edges.split(" ").map((edge) => ({ from: edge.split(">")[0], to: edge.split(">")[1] })),
  });
}

const without = (key: string): Parts => {
  const { [key]: _, ...rest } = flowWith({});
  return rest;
};

const sound: [what: string, flow: Parts][] = [
  ["the smallest flow", flowWith({})],
  [
    "every optional part",
    flowWith({ on: [{ provider: "github" }], config: { execution: { timeout: 0.5, max_retries: 0 } } }),
  ],
  ["three nodes in a row", wayOf("c a b", "START>a a>b b>c c>END")],
  ["a lookup into a dict", withSet({ topic: "{state.any.deep.0}", any: { list: ["{topic}", 1] } })],
  ["a lookup of another type, which shows at run time", withSet({ count: "{topic}" })],
  ["braces that stand for themselves", withSet({ topic: "{{not a lookup}}" })],
  ["a default of its type", withFields({ tags: { type: "list[str]", default: ["a"] } })],
];
for (const [what, flow] of sound) {
  test(`${what} has no fault`, () => assert.equal(faultsOf(flow), []));
}

const faulty: [what: string, flow: unknown, ...faults: [place: string, detail: RegExp][]][] = [
  // The form
  [
    "no mapping",
    [1],
    ["the flow", /without "schema_version"/],
    ["the flow", /"flow"/],
    ["the flow", /"state"/],
    ["the flow", /"nodes"/],
    ["the flow", /"edges"/],
  ],
  ["nothing", null, ["the flow", /Cannot use null as the flow: give a mapping/]],
  [
    "a version that is a number",
    flowWith({ schema_version: 1 }),
    ["schema_version", /Cannot use 1 .*give "1.0", in quotes/],
  ],
  ["a later version", flowWith({ schema_version: "2.0" }), ["schema_version", /Cannot use "2.0"/]],
  [
    "no state",
    without("state"),
    ["the flow", /Cannot load the flow without "state"/],
    ["nodes[0].set.count", /state.fields has no such field; there are none/],
  ],
  ["no edges", without("edges"), ["the flow", /without "edges"/]],
  [
    "no nodes",
    flowWith({ nodes: [], edges: [{ from: "START", to: "END" }] }),
    ["nodes", /at least one node/],
  ],
  [
    "unknown keys, all of them",
    flowWith({ observabilty: {}, sate: {}, toString: 1 }),
    ["observabilty", /known are schema_version, flow, on, env/],
    ["sate", /did you mean "state"\?/],
    ["toString", /known are/],
  ],
  [
    "unknown keys below",
    flowWith({ flow: { name: "x", desciption: "" }, config: { lm: {}, execution: { timeouts: 1 } } }),
    ["flow.desciption", /did you mean "description"\?/],
    ["config.lm", /did you mean "llm"/],
    ["config.execution.timeouts", /did you mean "timeout"\?/],
  ],
  ["a timeout of none", withExecution({ timeout: 0 }), ["config.execution.timeout", /seconds, above 0/]],
  [
    "a timeout as text",
    withExecution({ timeout: "5m" }),
    ["config.execution.timeout", /Cannot use "5m" .*seconds/],
  ],
  [
    "retries that are not whole",
    withExecution({ max_retries: 1.5 }),
    ["config.execution.max_retries", /whole number from 0 to 1000/],
  ],
  [
    "a wrong on",
    flowWith({ on: [{ provider: "github", events: "push" }] }),
    ["on[0].events", /did you mean "event"/],
  ],
  // Fields
  [
    "a type that is none",
    withFields({ x: { type: "string" } }),
    [
      "state.fields.x.type",
      /Cannot use "string" as type of field "x": did you mean str\? Types are str, int/,
    ],
  ],
  ["a type with a slip", withFields({ x: { type: "flaot" } }), ["state.fields.x.type", /did you mean float/]],
  [
    "a default of another type",
    withFields({ x: { type: "list[int]", default: [1, "2"] } }),
    ["state.fields.x.default", /as default of field "x"\/1: expected int, found str/],
  ],
  [
    "a field named state",
    withFields({ state: { type: "str" } }),
    ["state.fields.state", /Cannot name a field "state"/],
  ],
  [
    "a field named constructor",
    withFields({ constructor: { type: "str" } }),
    ["state.fields.constructor", /Cannot name a field/],
  ],
  [
    "a field named __proto__",
    withFields(JSON.parse('{"__proto__": {"type": "str"}}')),
    ["state.fields.__proto__", /Cannot name a field/],
  ],
  [
    "a field with a dot",
    withFields({ "a.b": { type: "str" } }),
    ["state.fields.a.b", /Cannot name a field "a.b"/],
  ],
  // Nodes
  ["an id twice", wayOf("a a", "START>a a>END"), ["nodes[1].id", /Cannot use id "a" twice/]],
  [
    "an id with a sign for loops",
    wayOf("a#1", "START>a#1 a#1>END"),
    ["nodes[0].id", /Cannot use "a#1" as id/],
  ],
  [
    "a node named END",
    wayOf("END", "START>END"),
    ["nodes[0].id", /not START or END/],
    ["nodes[0]", /no edge goes from it/],
  ],
  [
    "a node without a kind",
    flowWith({ nodes: [{ id: "a", sett: {} }] }),

    ["nodes[0].sett", /did you mean "set"\?/],
  ],
  ["a node that sets nothing", withSet({}), ["nodes[0].set", /at least one field to write/]],
  [
    "a field to write that is not declared",
    withSet({ cuont: 1 }),
    ["nodes[0].set.cuont", /did you mean "count"\?/],
  ],
  [
    "a field to read that is not declared",
    withSet({ topic: "x {state.topick}" }),
    ["nodes[0].set.topic", /Cannot read \{state.topick\}.*did you mean "topic"\?/],
  ],
  [
    "the prototype",
    withSet({ topic: "{state.__proto__.x}" }),
    ["nodes[0].set.topic", /state.fields has no "__proto__"/],
  ],
  [
    "every fault of one template",
    withSet({ topic: "{x} {topic.a} {y}" }),
    ["nodes[0].set.topic", /no "x"/],
    ["nodes[0].set.topic", /topic is str and has no parts/],
    ["nodes[0].set.topic", /no "y"/],
  ],
  [
    "a deep template",
    withSet({ any: { a: [{ b: "{oops" }] } }),
    ["nodes[0].set.any.a[0].b", /opens no lookup/],
  ],
  [
    "a literal of another type",
    withSet({ count: "three" }),
    ["nodes[0].set.count", /Cannot write "three" to count: expected int, found str/],
  ],
  [
    "text around a lookup for a number",
    withSet({ count: "{count}0" }),
    ["nodes[0].set.count", /expected int, and text around a lookup makes str/],
  ],
  // Edges
  [
    "an edge from nowhere",
    wayOf("write", "START>write wriet>END"),
    ["edges[1].from", /Cannot follow the edge from "wriet": did you mean "write"\?/],
  ],
  ["an edge to nowhere", wayOf("write", "START>wirte write>END"), ["edges[0].to", /did you mean "write"\?/]],
  [
    "edges against the way",
    wayOf("a", "START>a END>a a>START"),
    ["edges[1].from", /nothing comes after END/],
    ["edges[2].to", /nothing comes before START/],
  ],
  ["no start", wayOf("a b", "a>b b>END"), ["edges", /no edge goes from START/]],
  ["no end", wayOf("a b", "START>a a>b"), ["nodes[1]", /Cannot leave node "b".*\{ from: b, to: END \}/]],
  ["a node that nothing leads to", wayOf("a b", "START>a a>END"), ["nodes[1]", /Cannot reach node "b"/]],
  ["a node that leads to itself", wayOf("a b", "START>a a>END b>b"), ["nodes[1]", /the cycle b -> b/]],
  [
    "a cycle",
    wayOf("a b c", "START>a a>b b>c c>b"),
    ["nodes[1]", /the cycle (b -> c -> b|c -> b -> c): go back by a loop, \{ from: ., loop: \{ to: ./],
  ],
  [
    "a second edge from a node",
    wayOf("a b", "START>a START>b a>END b>END"),
    ["edges[1].from", /second edge from "START": write to: \[a, b\]/],
  ],
];
for (const [what, flow, ...faults] of faulty) {
  test(`${what}: ${faults.length} faults, each in its place`, () => {
    const found = faultsOf(flow);
    const left = faults.filter(([place, detail]) => {
      const index = found.findIndex((fault) => fault.place === place && detail.test(fault.detail));
      return index < 0 || found.splice(index, 1).length === 0;
    });
    assert.equal(left.map(String), [], `not found; there are ${JSON.stringify(found)}`);
    assert.equal(found, []);
  });
}

test("any JSON at any place is answered with faults and never a throw", () => {
  const odd = [null, 1, "x", [], {}, [[]], [null], { a: null }, [{}], true];
  for (const value of odd) {
    for (const key of ["schema_version", "flow", "on", "state", "nodes", "edges", "config"]) {
      assert.ok(
        faultsOf(flowWith({ [key]: value })).length > 0 || key === "config",
        `${key} ${JSON.stringify(value)}`,
      );
    }
    for (const flow of [
      withFields({ x: value }),
      withSet(value),
      withExecution(value),
      flowWith({ state: { fields: value } }),
    ]) {
      faultsOf(flow);
    }
  }
});

test("a thousand nodes in a row are checked in time, and more are refused", () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `n${index}`);
  const edges = ["START", ...ids].map((id, index) => `${id}>${ids[index] ?? "END"}`);
  const startedAt = performance.now();
  assert.equal(faultsOf(wayOf(ids.join(" "), edges.join(" "))), []);
  assert.ok(performance.now() - startedAt < 5_000);
  const more = faultsOf(wayOf([...ids, "n1000"].join(" "), edges.join(" ")));
  assert.match(more[0]?.detail ?? "", /at most 1000 nodes/);
});

function faultsOf(flow: unknown): { place: string; detail: string }[] {
  return checkFlow(flow).map(({ place, detail }) => ({ place: placeText(place), detail }));
}

test.run();
