import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { flowFromConfig } from "../../../lib/flows/parse.ts";
import { folderHost } from "../../../lib/workflows/folder-host.ts";
import {
  type ModelServer,
  openModelServer,
  PROTOCOLS,
  type Protocol,
  type Reply,
} from "../../support/model-servers.ts";
import { openLatchhook, type TestLatchhook } from "../../support/open-latchhook.ts";
import { rejects } from "../../support/rejects.ts";

const WORKFLOWS = fileURLToPath(new URL("../../../workflows", import.meta.url));
const KEY = "serper-key-0123456789";

interface Context {
  serper: Server;
  /** What was searched for. */
  searched: string[];
  /** What the search answers with. */
  status: number;
  servers: ModelServer[];
  opened: TestLatchhook[];
}

const test = suite<Context>("flows/tools in a flow");
test.before.each(async (t) => {
  Object.assign(t, { searched: [], status: 200, servers: [], opened: [] });
  t.serper = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    t.searched.push(JSON.parse(body).q);
    response
      .writeHead(t.status)
      .end(JSON.stringify({ answerBox: { answer: `result ${t.searched.length}` } }));
  });
  await new Promise<void>((resolve) => t.serper.listen(0, "127.0.0.1", resolve));
});
test.after.each(async (t) => {
  await Promise.all(t.opened.map((latchhook) => latchhook.close()));
  await Promise.all(t.servers.map((server) => server.close()));
  t.serper.closeAllConnections();
  t.serper.close();
});

/** A flow that asks a local model, which may search. */
async function open(
  t: Context,
  protocol: Protocol,
  replies: readonly Reply[],
  tools: readonly unknown[] = ["serper_search"],
): Promise<TestLatchhook> {
  const server = await openModelServer(protocol, replies);
  t.servers.push(server);
  const env = {
    ...server.env,
    SERPER_API_KEY: KEY,
    SERPER_BASE_URL: `http://127.0.0.1:${(t.serper.address() as AddressInfo).port}`,
  };
  const flow = await flowFromConfig(
    {
      schema_version: "1.0",
      flow: { name: "research" },
      state: { fields: { answer: { type: "str" } } },
      nodes: [
        {
          id: "ask",
          prompt: "Who keeps the lighthouse?",
          outputs: ["answer"],
          llm: { provider: protocol, model: "m" },
          tools,
        },
      ],
      edges: [
        { from: "START", to: "ask" },
        { from: "ask", to: "END" },
      ],
    },
    folderHost(WORKFLOWS, env, () => undefined),
  );
  const latchhook = await openLatchhook({ workflows: { flow } });
  t.opened.push(latchhook);
  return latchhook;
}

const searchFor = (query: unknown): Reply => ({ calls: [{ name: "serper_search", args: { query } }] });

for (const protocol of PROTOCOLS) {
  test(`${protocol}: a second attempt whose model asks the same does not search again`, async (t) => {
    const latchhook = await open(t, protocol, [
      searchFor("keeper"),
      { text: "cut", end: "length" },
      searchFor("keeper"),
      searchFor("keeper since"),
      { text: "Ada, since 1843" },
    ]);
    const runId = await latchhook.start("flow");
    await latchhook.waitsFor(runId, "retry");
    await latchhook.clock.advance(600_000);
    const run = await latchhook.reaches(runId, "succeeded");
    assert.equal(run.result, { answer: "Ada, since 1843" });
    assert.equal(t.searched, ["keeper", "keeper since"]);
    assert.match(t.servers[0]?.requests[4]?.text ?? "", /Answer: result 1.*Answer: result 2/);
    const calls = run.steps.filter(({ name }) => /^ask\/serper_search#[0-9a-f]{12}$/.test(name));
    assert.equal(
      calls.map(({ result }) => result),
      [
        { tool: "serper_search", arguments: { query: "keeper" }, result: "Answer: result 1" },
        { tool: "serper_search", arguments: { query: "keeper since" }, result: "Answer: result 2" },
      ],
    );
  });

  test(`${protocol}: arguments that do not fit are put right by the model`, async (t) => {
    const latchhook = await open(t, protocol, [searchFor(["keeper"]), searchFor("keeper"), { text: "Ada" }]);
    const run = await latchhook.reaches(await latchhook.start("flow"), "succeeded");
    assert.equal(run.result, { answer: "Ada" });
    assert.match(
      t.servers[0]?.requests[1]?.text ?? "",
      /with these arguments: \/query: Invalid type: Expected string/,
    );
    assert.equal(t.searched, ["keeper"]);
  });
}

test("a wrong key ends the run, and with on_error: continue the model is told of it", async (t) => {
  t.status = 403;
  const failing = await open(t, "openai", [searchFor("keeper")]);
  const failed = await failing.reaches(await failing.start("flow"), "failed");
  assert.match(
    failed.error?.message ?? "",
    /^Cannot call tool "serper_search": Serper refused the key \(403\)/,
  );
  const tools = [{ name: "serper_search", on_error: "continue" }];
  const going = await open(t, "openai", [searchFor("keeper"), { text: "Nobody knows" }], tools);
  const run = await going.reaches(await going.start("flow"), "succeeded");
  assert.equal(run.result, { answer: "Nobody knows" });
  assert.match(t.servers[1]?.requests[1]?.text ?? "", /Serper refused the key/);
});

test("a tool that is not there is a fault of the flow, at its place", async (t) => {
  await rejects(
    open(t, "openai", [], ["serper_search", { name: "lookup" }]),
    /^\/nodes\/0\/tools\/1\/name: Cannot load tool "lookup": there is no file tools\/lookup\.ts/,
  );
});

test("a word that on_error does not take is a fault of the flow's form", async (t) => {
  const tools = [{ name: "lookup", on_error: "retry" }];
  await rejects(
    open(t, "openai", [], tools),
    /^\/nodes\/0\/tools\/0: .*give a tool's name, or \{ name, on_error/,
  );
});

test.run();
