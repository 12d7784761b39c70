import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ask } from "../../../lib/flows/prompt/ask.ts";
import { resolveLlm } from "../../../lib/flows/prompt/llm.ts";
import { createModel, loadSdk } from "../../../lib/flows/prompt/model.ts";
import type { Tool } from "../../../lib/flows/tool.ts";
import type { RunContext } from "../../../lib/workflow.ts";
import { FatalError } from "../../../lib/workflow-errors.ts";
import {
  type ModelServer,
  openModelServer,
  PROTOCOLS,
  type Protocol,
  type Reply,
} from "../../support/model-servers.ts";
import { rejects } from "../../support/rejects.ts";

const test = suite<{ servers: ModelServer[] }>("flows/prompt/ask");
test.before.each((t) => {
  t.servers = [];
});
test.after.each(async (t) => {
  await Promise.all(t.servers.map((server) => server.close()));
});

interface Call {
  name: string;
  args: unknown;
  stepName: string;
}

/** A tool that answers with what it was given, and writes down that it was called. */
function tool(name: string, calls: Call[], answer: (args: unknown) => string = JSON.stringify): Tool {
  return {
    name,
    description: `finds ${name}`,
    parameters: { type: "object", properties: { q: { type: "string" } }, required: ["q"] },
    async call(args, { stepName }) {
      calls.push({ name, args, stepName });
      return answer(args);
    },
  };
}

/** Asks a local server for an int called count, with tools. */
async function askWith(
  servers: ModelServer[],
  protocol: Protocol,
  replies: readonly Reply[] | (() => Reply),
  tools: readonly Tool[],
) {
  const server = await openModelServer(protocol, replies);
  servers.push(server);
  const llm = resolveLlm({ provider: protocol }, server.env);
  if (typeof llm === "string") throw new Error(llm);
  const loaded = await loadSdk(protocol);
  if (typeof loaded === "string") throw new Error(loaded);
  const { signal } = new AbortController();
  const answer = ask({
    nodeId: "ask",
    model: createModel("ask", llm, loaded),
    prompt: "How many?",
    tools,
    outputs: new Map([["count", { type: { kind: "int" }, description: undefined }]]),
    isText: false,
    stepName: "ask#2",
    signal,
    run: {} as RunContext<unknown>,
  });
  return { server, answer };
}

for (const protocol of PROTOCOLS) {
  test(`${protocol}: tools are called with the model's arguments, and it sees what they say`, async ({
    servers,
  }) => {
    const calls: Call[] = [];
    const tools = [tool("weather", calls, () => "rain over the harbour"), tool("clock", calls, () => "noon")];
    const { server, answer } = await askWith(
      servers,
      protocol,
      [
        {
          calls: [
            { name: "weather", args: { q: "here" } },
            { name: "clock", args: { q: "now" } },
          ],
        },
        { calls: [{ name: "weather", args: { q: "there" } }] },
        { text: '{"count":2}' },
      ],
      tools,
    );
    assert.equal(await answer, { count: 2 });
    assert.equal(calls, [
      { name: "weather", args: { q: "here" }, stepName: "ask#2" },
      { name: "clock", args: { q: "now" }, stepName: "ask#2" },
      { name: "weather", args: { q: "there" }, stepName: "ask#2" },
    ]);
    assert.match(server.requests[0]?.text ?? "", /finds weather/);
    assert.match(server.requests[1]?.text ?? "", /rain over the harbour.*noon/);
    assert.is(server.requests[2]?.text.split("rain over the harbour").length, 3);
    // Gemini 1.5 and 2 refuse a response schema beside tools, so JSON is asked for in words.
    assert.not.match(
      server.requests[0]?.text ?? "",
      /response_format|responseSchema|responseMimeType|output_config/,
    );
    assert.match(server.requests[0]?.text ?? "", /one JSON object and nothing else/);
  });

  test(`${protocol}: a tool that is not there is told to the model and called nowhere`, async ({
    servers,
  }) => {
    const calls: Call[] = [];
    const { server, answer } = await askWith(
      servers,
      protocol,
      [
        {
          calls: [
            { name: "launch_rockets", args: {} },
            { name: "clock", args: { q: "now" } },
          ],
        },
        { text: '{"count":1}' },
      ],
      [tool("clock", calls, () => "noon")],
    );
    assert.equal(await answer, { count: 1 });
    assert.equal(
      calls.map(({ name }) => name),
      ["clock"],
    );
    assert.match(server.requests[1]?.text ?? "", /launch_rockets/);
    assert.match(server.requests[1]?.text ?? "", /noon/);
  });

  test(`${protocol}: a tool that is called as every object's functions are is told to be none`, async ({
    servers,
  }) => {
    const { server, answer } = await askWith(
      servers,
      protocol,
      [{ calls: [{ name: "toString", args: {} }] }, { text: '{"count":1}' }],
      [tool("clock", [])],
    );
    assert.equal(await answer, { count: 1 });
    assert.match(server.requests[1]?.text ?? "", /toString/);
  });

  test(`${protocol}: a final answer that does not fit is corrected after tools, too`, async ({ servers }) => {
    const { server, answer } = await askWith(
      servers,
      protocol,
      [
        { calls: [{ name: "clock", args: { q: "now" } }] },
        { text: '{"count":"two"}' },
        { text: '{"count":2}' },
      ],
      [tool("clock", [])],
    );
    assert.equal(await answer, { count: 2 });
    assert.match(server.requests[2]?.text ?? "", /Expected int, found str/);
  });

  test(`${protocol}: what a tool throws ends the attempt as it is`, async ({ servers }) => {
    const broken = tool("clock", [], () => {
      throw new FatalError("the clock is broken");
    });
    const { server, answer } = await askWith(
      servers,
      protocol,
      [{ calls: [{ name: "clock", args: { q: "now" } }] }],
      [broken],
    );
    await rejects(answer, (error) => error instanceof FatalError && error.message === "the clock is broken");
    assert.is(server.requests.length, 1);
  });
}

test("a model that calls tools for ever is asked 10 times at most", async ({ servers }) => {
  const calls: Call[] = [];
  const { server, answer } = await askWith(
    servers,
    "openai",
    () => ({ calls: [{ name: "clock", args: { q: "now" } }] }),
    [tool("clock", calls)],
  );
  await rejects(answer, /^Cannot run prompt "ask": its model gave no answer in 10 turns/);
  assert.is(server.requests.length, 10);
  assert.is(calls.length, 10);
});

test("calls of one turn are told apart, though a server gives them one id", async ({ servers }) => {
  for (const id of ["c0", ""]) {
    const calls: Call[] = [];
    const both = ["one", "two"].map((q) => ({ name: "clock", args: { q }, id }));
    const { server, answer } = await askWith(
      servers,
      "openai",
      [{ calls: both }, { text: '{"count":1}' }],
      [tool("clock", calls, (args) => `at ${JSON.stringify(args)}`)],
    );
    assert.equal(await answer, { count: 1 });
    assert.equal(
      calls.map(({ args }) => args),
      [{ q: "one" }, { q: "two" }],
    );
    const { messages } = JSON.parse(server.requests[1]?.text ?? "{}");
    const [said, ...told] = messages.slice(-3);
    assert.equal(
      told.map((message: { tool_call_id: string; content: string }) => [
        message.tool_call_id,
        message.content,
      ]),
      said.tool_calls.map((call: { id: string; function: { arguments: string } }) => [
        call.id,
        `at ${call.function.arguments}`,
      ]),
    );
    assert.is(new Set(told.map((message: { tool_call_id: string }) => message.tool_call_id)).size, 2);
  }
});

test("a tool may be called as every object's functions are", async ({ servers }) => {
  const calls: Call[] = [];
  const { answer } = await askWith(
    servers,
    "openai",
    [{ calls: [{ name: "toString", args: { q: "now" } }] }, { text: '{"count":1}' }],
    [tool("toString", calls)],
  );
  assert.equal(await answer, { count: 1 });
  assert.is(calls.length, 1);
});

test("thousands of calls with one id take as long as those with ids of their own", async ({ servers }) => {
  const times: number[] = [];
  for (const idOf of [(call: number) => `c${call}`, () => ""]) {
    const many = Array.from({ length: 10_000 }, (_, call) => ({ name: "clock", args: {}, id: idOf(call) }));
    const startedAt = performance.now();
    const { answer } = await askWith(
      servers,
      "openai",
      [{ calls: many }, { text: '{"count":1}' }],
      [
        tool("clock", [], () => {
          throw new FatalError("enough");
        }),
      ],
    );
    await rejects(answer, /^enough$/);
    times.push(performance.now() - startedAt);
  }
  const [apart = 0, same = 0] = times;
  assert.ok(same < 3 * apart + 200, `${same} ms against ${apart} ms`);
});

test("arguments that are not JSON are told to the model and called nowhere", async ({ servers }) => {
  const calls: Call[] = [];
  const { server, answer } = await askWith(
    servers,
    "openai",
    [{ calls: [{ name: "clock", args: '{"q": now' }] }, { text: '{"count":1}' }],
    [tool("clock", calls)],
  );
  assert.equal(await answer, { count: 1 });
  assert.is(calls.length, 0);
  assert.is(server.requests.length, 2);
});

test.run();
