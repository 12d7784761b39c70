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

/** These edges, with as many of the nodes a, b and c as they name. */
function chainOf(...ids: string[]): Parts[] {
  return ids.slice(1).map((to, index) => ({ from: ids[index], to }));
}

function edgesOf(...edges: Parts[]): Parts {
  const text = JSON.stringify(edges);
  return flowWith({
    state: {
      fields: {
        count: { type: "int" },
        ok: { type: "bool" },
        topic: { type: "str" },
        list: { type: "list" },
        strs: { type: "list[str]" },
        all: { type: "list" },
      },
    },
    nodes: ["a", "b", "c"].filter((id) => text.includes(`"${id}"`)).map((id) => ({ id, set: { count: 1 } })),
    edges,
  });
}

/** Two branches, a and b, that write these, and a join. */
function racing(a: Parts, b: Parts, routes?: unknown): Parts {
  return flowWith({
    state: {
      fields: { topic: { type: "str" }, other: { type: "str" }, ok: { type: "bool" }, end: { type: "str" } },
    },
    nodes: [
      { id: "a", set: a },
      { id: "b", set: b },
      { id: "join", set: { end: "{topic}{other}" } },
    ],
    edges: [
      { from: "START", to: ["a", "b"] },
      { from: "a", to: "join" },
      routes === undefined ? { from: "b", to: "join" } : { from: "b", routes },
      { from: "join", to: "END" },
    ],
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
  ["a part whose type shows at run time", withSet({ count: "{any.deep}", topic: "{state.any.0.x}" })],
  ["braces that stand for themselves", withSet({ topic: "{{not a lookup}}" })],
  [
    "a loop without a fork that a route leaves",
    edgesOf(
      { from: "START", to: "a" },
      {
        from: "a",
        routes: [
          { condition: { logic: "state.ok" }, to: "c" },
          { condition: { logic: "default" }, to: "b" },
        ],
      },
      { from: "b", loop: { to: "a", condition_field: "ok", exit_to: "c" } },
      { from: "c", to: "END" },
    ),
  ],
  [
    "a route whose text names what another branch writes",
    racing({ ok: true }, { other: "x" }, [
      { condition: { logic: 'state.other == "state.ok"' }, to: "join" },
      { condition: { logic: "default" }, to: "END" },
    ]),
  ],
  ["branches that share nothing", racing({ topic: "x" }, { other: "y" })],
  [
    "keys of the original form that do nothing",
    flowWith({ observability: {}, storage: 1, config: { storage: {} }, optimization: { enabled: false } }),
  ],
  ["a default of null", withFields({ x: { type: "object", schema: { a: "str" }, default: null } })],
  [
    "fields of a delivery",
    withFields({
      ref: { type: "str", from: "body.ref" },
      main: { type: "bool", from: "body.ref == 'main'" },
    }),
  ],
  ["a default of its type", withFields({ tags: { type: "list[str]", default: ["a"] } })],
];
for (const [what, flow] of sound) {
  test(`${what} has no fault`, () => assert.equal(faultsOf(flow), []));
}

const faulty: [what: string, flow: unknown, ...faults: [place: string, detail: RegExp][]][] = [
  // The form
  ["no mapping", [1], ["the flow", /Cannot use \[1\] as the flow: give a mapping/]],
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
  [
    "parts of triggers that are of no use, each by itself",
    flowWith({
      on: [
        { provider: "GitHub", event: "", if: "bdoy.a" },
        { provider: "github", if: "body.a and body.b" },
      ],
    }),
    ["on[0].provider", /Cannot use "GitHub" as provider/],
    ["on[0].event", /Cannot use "event" of on\[0\]: give 1 to/],
    ["on[0].if", /did you mean body\?/],
    ["on[1].if", /Cannot use "if" of on\[1\]: Unexpected word: and; write && for and/],
  ],
  [
    "more triggers than may be tried",
    flowWith({ on: Array.from({ length: 51 }, () => ({ provider: "github" })) }),
    ["on", /Cannot use "on" with 51 entries: at most 50/],
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
    "a single lookup of another type, with and without its root, in parts and by the name of an input",
    flowWith({
      state: {
        fields: {
          n: { type: "int" },
          topic: { type: "str" },
          ok: { type: "bool", default: null },
          list: { type: "list[str]" },
          dict: { type: "dict[str,int]" },
          o: { type: "object", schema: { bio: "str", deep: { type: "object", schema: { n: "int" } } } },
        },
      },
      nodes: [
        { id: "a", set: { topic: "{n}", n: "{state.topic}", ok: "{o.deep.n}", list: "{o}" } },
        { id: "b", inputs: { n: "{topic}" }, set: { n: "{n}", topic: "{state.n}" } },
        { id: "c", set: { n: "{list.0}", topic: "{dict.x}", ok: null } },
        { id: "d", set: { list: ["{topic}", "{n}", 3], dict: { a: "{n}", b: "{topic}" } } },
        { id: "e", set: { o: { bio: "{n}", deep: { n: "{topic}", m: 1 } } } },
        { id: "f", set: { n: "{idempotency_key}", topic: "{list.x}" } },
      ],
      edges: chainOf("START", "a", "b", "c", "d", "e", "f", "END"),
    }),
    ["nodes[0].set.topic", /^Cannot write "\{n\}" to topic: expected str, and \{n\} is int$/],
    ["nodes[0].set.n", /expected int, and \{state\.topic\} is str/],
    ["nodes[0].set.ok", /expected bool, and \{o\.deep\.n\} is int/],
    ["nodes[0].set.list", /expected list\[str\], and \{o\} is object/],
    ["nodes[1].set.n", /expected int, and \{n\} is str/],
    ["nodes[1].set.topic", /expected str, and \{state\.n\} is int/],
    ["nodes[2].set.n", /expected int, and \{list\.0\} is str/],
    ["nodes[2].set.topic", /expected str, and \{dict\.x\} is int/],
    ["nodes[3].set.list", /to list\/1: expected str, and \{n\} is int/],
    ["nodes[3].set.list", /to list\/2: expected str, found int/],
    ["nodes[3].set.dict", /to dict\/b: expected int, and \{topic\} is str/],
    ["nodes[4].set.o", /to o\/bio: expected str, and \{n\} is int/],
    ["nodes[4].set.o", /to o\/deep\/m: expected no such part: the object has n/],
    ["nodes[4].set.o", /to o\/deep\/n: expected int, and \{topic\} is str/],
    ["nodes[5].set.n", /expected int, and \{idempotency_key\} is str/],
    ["nodes[5].set.topic", /Cannot read \{list\.x\}: list is a list and has its items by place/],
  ],
  [
    "objects with parts that do not fit, and values that a node's inputs hold",
    flowWith({
      state: {
        fields: {
          o: { type: "object", schema: { a: "int", b: "str" } },
          p: { type: "object", schema: { a: "int" } },
          q: { type: "object", schema: { a: "int", b: { type: "object", schema: { c: "int" } } } },
          r: { type: "object", schema: { a: "int", b: { type: "object", schema: { c: "str" } } } },
          d: { type: "dict[str,int]" },
          n: { type: "int" },
          s: { type: "str" },
        },
      },
      nodes: [
        { id: "a", set: { o: "{p}", p: "{o}", q: "{r}", d: "{o}" } },
        { id: "b", set: { d: "{p}", o: "{d}" } },
        { id: "c", set: { o: { a: 1 } } },
        { id: "d", inputs: { t: { deep: "{s}", n: 1, l: ["x"] } }, set: { n: "{t.deep}", s: "{t.n}" } },
        { id: "e", inputs: { t: { deep: "{s}" }, f: 1.5 }, set: { s: "{t.depp}", n: "{f}" } },
      ],
      edges: chainOf("START", "a", "b", "c", "d", "e", "END"),
    }),
    ["nodes[0].set.o", /to o: expected object, and \{p\} is object without b$/],
    ["nodes[0].set.p", /to p: expected object, and \{o\} is object with b$/],
    ["nodes[0].set.q", /to q: expected object, and \{r\} is object whose b is object whose c is str$/],
    ["nodes[0].set.d", /to d: expected dict\[str,int\], and \{o\} is object whose b is str$/],
    ["nodes[1].set.o", /to o: expected object, and \{d\} is dict\[str,int\]$/],
    ["nodes[2].set.o", /to o\/b: expected str, found nothing$/],
    ["nodes[3].set.n", /expected int, and \{t\.deep\} is str/],
    ["nodes[3].set.s", /expected str, and \{t\.n\} is int/],
    ["nodes[4].set.s", /Cannot read \{t\.depp\}: t has no "depp"; did you mean "deep"\?/],
  ],
  [
    "headers by a name that none has",
    flowWith({
      on: [{ provider: "github", if: 'headers["X-GitHub-Event"] == "push"' }],
      state: {
        fields: {
          count: { type: "str", from: "size(headers.Accept) > 0 ? 'a' : 'b'" },
          own: { type: "bool", from: "body.items.exists(headers, headers.Name == 'a')" },
        },
      },
      nodes: [{ id: "a", set: { count: "x" } }],
    }),
    ["on[0].if", /names of headers are in lower case; write headers\["x-github-event"\] \(character 1\)$/],
    ["state.fields.count.from", /write headers\["accept"\] \(character 6\)$/],
  ],
  [
    "parts that no answer has",
    flowWith({
      nodes: [
        { id: "a", http: { url: "https://api.example.com:0/" } },
        { id: "b", http: { url: "https://a.example.com/" }, outputs: { topic: "headers.Content-Type" } },
        {
          id: "c",
          http: { url: "https://a.example.com/", method: "HEAD" },
          outputs: { any: "body", topic: "headers.etag" },
        },
        { id: "d", exec: { command: ["echo a b"] } },
        { id: "e", exec: { command: ["/opt/my app/run"] } },
      ],
      edges: chainOf("START", "a", "b", "c", "d", "e", "END"),
    }),
    ["nodes[0].http.url", /no server listens on port 0/],
    ["nodes[1].outputs.topic", /names of headers are in lower case; write headers\.content-type$/],
    ["nodes[2].outputs.any", /an answer to HEAD has no body$/],
    ["nodes[3].exec.command[0]", /Cannot run "echo a b": give program and arguments one by one/],
  ],
  [
    "a loop whose exit lies in it",
    edgesOf(
      { from: "START", to: "a" },
      { from: "a", to: "b" },
      { from: "b", loop: { to: "a", condition_field: "ok", exit_to: "a" } },
    ),
    ["edges[2].loop.exit_to", /Cannot leave the loop of "b" to "a", which is in it/],
  ],
  [
    "a part of a variable",
    flowWith({
      env: ["API_TOKEN"],
      nodes: [{ id: "a", http: { url: "https://api.example.com/?t={env.API_TOKEN.x}" } }],
      edges: chainOf("START", "a", "END"),
    }),
    ["nodes[0].http.url", /Cannot read \{env\.API_TOKEN\.x\}: API_TOKEN is text and has no parts/],
  ],
  [
    "what the target of a parallel edge does with its items",
    flowWith({
      state: {
        fields: {
          names: { type: "list[str]" },
          n: { type: "int" },
          s: { type: "str" },
          all: { type: "list" },
        },
      },
      nodes: [{ id: "a", set: { n: "{item}", s: "{item.first}" } }],
      edges: [
        { from: "START", parallel: { items_field: "names", target_node: "a", collect_field: "all" } },
        { from: "a", to: "END" },
      ],
    }),
    ["nodes[0].set.n", /expected int, and \{item\} is str/],
    ["nodes[0].set.s", /Cannot read \{item\.first\}: item is str and has no parts/],
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
  // Objects, inputs, the environment
  [
    "a schema of what is no object",
    withFields({ x: { type: "str", schema: { a: "str" } } }),
    ["state.fields.x.schema", /only an object has parts, and this is str/],
  ],
  [
    "a wrong type within an object, short and long",
    withFields({
      x: { type: "object", schema: { a: "strr", b: { type: "object", schema: { c: "integer" } } } },
    }),
    ["state.fields.x.schema.a", /"strr" as type of part "a" of field "x": did you mean str/],
    [
      "state.fields.x.schema.b.schema.c",
      /"integer" as type of part "c" of part "b" of field "x": did you mean int/,
    ],
  ],
  [
    "a lookup into what an object has not",
    flowWith({
      state: { fields: { o: { type: "object", schema: { bio: "str" } }, topic: { type: "str" } } },
      nodes: [{ id: "a", set: { topic: "{o.bi}" } }],
    }),
    ["nodes[0].set.topic", /o has no "bi"; did you mean "bio"/],
  ],
  [
    "a default of a required field",
    withFields({ x: { type: "str", required: true, default: "a" } }),
    ["state.fields.x.default", /it is required/],
  ],
  [
    "a source that cannot be read, and one of another type",
    withFields({ x: { type: "str", from: "bdoy.ref" }, y: { type: "bool", from: "'a' + 'b'" } }),
    [
      "state.fields.x.from",
      /Cannot fill field "x" from "bdoy.ref": Unknown variable: bdoy; did you mean body/,
    ],
    ["state.fields.y.from", /expected bool, and it gives str/],
  ],
  [
    "inputs of wrong names and what they read",
    flowWith({
      nodes: [{ id: "a", inputs: { state: 1, idempotency_key: 1, ok: "{nope}" }, set: { count: 1 } }],
    }),
    ["nodes[0].inputs.state", /Cannot name an input "state"/],
    ["nodes[0].inputs.idempotency_key", /and not idempotency_key/],
    ["nodes[0].inputs.ok", /Cannot read \{nope\}/],
  ],
  [
    "an input that is not there",
    flowWith({ nodes: [{ id: "a", inputs: { query: "x" }, set: { topic: "{qeury}" } }] }),
    ["nodes[0].set.topic", /no "qeury"; did you mean "query"/],
  ],
  [
    "an item outside of a parallel edge",
    withSet({ topic: "{item}" }),
    ["nodes[0].set.topic", /Cannot read \{item\}/],
  ],
  [
    "a variable that is not declared",
    withSet({ topic: "{env.TOKEN}" }),
    ["nodes[0].set.topic", /does not declare "TOKEN"; add env: \[TOKEN\] to the flow/],
  ],
  [
    "a variable where it would be stored",
    flowWith({ env: ["TOKEN"], nodes: [{ id: "a", set: { topic: "{env.TOKEN}" } }] }),
    ["nodes[0].set.topic", /what is filled in is stored or shown/],
  ],
  [
    "variables that are this server's own, or are none",
    flowWith({
      env: ["WEBHOOK_SECRET_GITHUB", "ADMIN_TOKEN_PREVIOUS", "DATABASE_URL", "database_url", "A-B", ""],
    }),
    ["env[0]", /Cannot use WEBHOOK_SECRET_GITHUB in a flow/],
    ["env[1]", /secret of this server/],
    ["env[2]", /secret of this server/],
    ["env[3]", /secret of this server/],
    ["env[4]", /give a name such as API_TOKEN/],
    ["env[5]", /give a name/],
  ],
  // Kinds
  [
    "two kinds in one node",
    flowWith({ nodes: [{ id: "a", set: { count: 1 }, run: "_x.ts" }] }),
    ["nodes[0].run", /Cannot use set and run in node "a": a node has one kind/],
  ],
  [
    "outputs of a set node",
    flowWith({ nodes: [{ id: "a", set: { count: 1 }, outputs: ["count"] }] }),
    ["nodes[0].outputs", /Cannot use outputs in set node "a"/],
  ],
  [
    "a field of another type by a single lookup",
    withSet({ count: "{state.topic}" }),
    ["nodes[0].set.count", /expected int, and \{state\.topic\} is str/],
  ],
  // Ways
  [
    "an edge of two ways, and one of none",
    edgesOf({ from: "START", to: "a", loop: { condition_field: "ok", exit_to: "END" } }, { from: "a" }),
    ["edges[0]", /by to and loop: give one of to, routes, loop, parallel/],
    ["edges[1]", /leads nowhere: give one of/],
  ],
  [
    "forks to the same node, and to END",
    edgesOf({ from: "START", to: ["a", "a", "END"] }, { from: "a", to: "END" }),
    ["edges[0].to[1]", /Cannot fork to "a" twice/],
    ["edges[0].to[2]", /Cannot fork to END/],
  ],
  [
    "routes without a default, and with two",
    edgesOf(
      { from: "START", routes: [{ condition: { logic: "state.ok" }, to: "a" }] },
      { from: "a", routes: [0, 1].map(() => ({ condition: { logic: " default " }, to: "END" })) },
    ),
    ["edges[0].routes", /without a default: add \{ condition: \{ logic: default \}/],
    ["edges[1].routes[1]", /two defaults/],
  ],
  [
    "a condition that cannot be read",
    edgesOf(
      {
        from: "START",
        routes: [
          { condition: { logic: "state.oky" }, to: "a" },
          { condition: { logic: "default" }, to: "END" },
        ],
      },
      { from: "a", to: "END" },
    ),
    ["edges[0].routes[0].condition.logic", /Cannot use "state.oky" as a condition: .*did you mean "ok"/],
  ],
  [
    "a loop on a field that is no bool, with an exit to nowhere",
    edgesOf({ from: "START", to: "a" }, { from: "a", loop: { condition_field: "count", exit_to: "ned" } }),
    ["edges[1].loop.condition_field", /expected a bool, and it is int/],
    ["edges[1].loop.exit_to", /Cannot follow the edge to "ned"/],
  ],
  [
    "a loop from START, and one back to where nothing leads here",
    edgesOf(
      { from: "START", loop: { condition_field: "ok", exit_to: "a" } },
      { from: "a", to: "b" },
      { from: "b", loop: { to: "c", condition_field: "ok", exit_to: "c" } },
      { from: "c", to: "END" },
    ),
    ["edges[0].loop", /Cannot loop from START/],
    ["edges[2].loop.to", /Cannot loop back to "c": no edges lead from it to "b"/],
  ],
  [
    "a parallel edge over what are no lists, from a node that writes nothing",
    edgesOf(
      { from: "START", parallel: { items_field: "count", target_node: "a", collect_field: "topic" } },
      { from: "a", to: "END" },
    ),
    ["edges[0].parallel.items_field", /expected a list, and it is int/],
    ["edges[0].parallel.collect_field", /expected a list, and it is str/],
  ],
  [
    "a list that cannot hold what is collected",
    edgesOf(
      { from: "START", parallel: { items_field: "list", target_node: "a", collect_field: "strs" } },
      { from: "a", to: "END" },
    ),
    [
      "edges[0].parallel.collect_field",
      /Cannot collect count of node "a" in strs: expected list\[int\], and it is list\[str\]/,
    ],
  ],
  [
    "a target of a parallel edge that another edge leads to",
    edgesOf(
      { from: "START", to: ["a", "b"] },
      { from: "b", parallel: { items_field: "list", target_node: "a", collect_field: "all" } },
      { from: "a", to: "END" },
    ),
    ["edges[0].to[0]", /Cannot lead to "a" by another edge/],
  ],
  [
    "no kind",
    flowWith({ nodes: [{ id: "a" }] }),
    ["nodes[0]", /Cannot tell the kind of node "a": give one of set, run/],
  ],
  [
    "a parallel edge to END, and one to a node that writes nothing",
    flowWith({
      state: { fields: { list: { type: "list" }, all: { type: "list" } } },
      nodes: [{ id: "a", run: "_x.ts" }],
      edges: [
        { from: "START", parallel: { items_field: "list", target_node: "a", collect_field: "all" } },
        { from: "a", parallel: { items_field: "list", target_node: "END", collect_field: "all" } },
      ],
    }),
    ["edges[0].parallel.target_node", /Cannot collect from node "a": it writes no field; give it outputs/],
    ["edges[1].parallel.target_node", /Cannot run END for each item/],
  ],
  [
    "a loop that forks and is left by a branch",
    edgesOf(
      { from: "START", to: "a" },
      { from: "a", to: ["b", "c"] },
      { from: "b", loop: { to: "a", condition_field: "ok", exit_to: "END" } },
      { from: "c", to: "END" },
    ),
    ["edges[1].to[1]", /Cannot leave the loop of "b" to "c": it forks/],
  ],
  [
    "two branches that write one field",
    racing({ topic: "x" }, { topic: "y" }),
    ["nodes[1]", /Cannot write "topic" in nodes "a" and "b": they run at the same time/],
  ],
  [
    "a branch that reads what another writes",
    racing({ topic: "x" }, { other: "{state.topic}" }),
    ["nodes[1]", /Cannot read "topic" in node "b" while "a" writes it/],
  ],
  [
    "a branch whose input reads what another writes, by the field's own name",
    flowWith({
      state: { fields: { topic: { type: "str" }, other: { type: "str" } } },
      nodes: [
        { id: "a", set: { topic: "x" } },
        { id: "b", inputs: { topic: "{topic}" }, set: { other: "{topic}" } },
      ],
      edges: [
        { from: "START", to: ["a", "b"] },
        { from: "a", to: "END" },
        { from: "b", to: "END" },
      ],
    }),
    ["nodes[1]", /Cannot read "topic" in node "b" while "a" writes it/],
  ],
  ...['state["ok"] == true', "[state].exists(s, s.ok)", "not has( state . ok )"].map(
    (logic): [string, unknown, [string, RegExp]] => [
      `a branch whose route reads by ${logic}`,
      racing({ ok: true }, { other: "x" }, [
        { condition: { logic }, to: "join" },
        { condition: { logic: "default" }, to: "END" },
      ]),
      ["nodes[1]", /Cannot read "ok" in node "b" while "a" writes it/],
    ],
  ),
  [
    "a list that is collected while its items are gone through",
    edgesOf(
      { from: "START", parallel: { items_field: "list", target_node: "a", collect_field: "list" } },
      { from: "a", to: "END" },
    ),
    ["edges[0].parallel.collect_field", /Cannot collect in "list", whose items are gone through/],
  ],
  [
    "a field named constructor to write",
    withSet({ constructor: 1 }),
    ["nodes[0].set.constructor", /no such field/],
  ],
  [
    "a branch whose route reads what another writes",
    racing({ ok: true }, { other: "x" }, [
      { condition: { logic: "state.ok" }, to: "join" },
      { condition: { logic: "default" }, to: "END" },
    ]),
    ["nodes[1]", /Cannot read "ok" in node "b" while "a" writes it/],
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

test("of a value that is wrong all over a hundred faults are told", () => {
  const list = Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? index : "{n}"));
  const faults = checkFlow(
    flowWith({
      state: { fields: { list: { type: "list[str]" }, n: { type: "int" } } },
      nodes: [{ id: "a", set: { list } }],
    }),
  );
  assert.is(faults.length, 100);
});

test.run();
