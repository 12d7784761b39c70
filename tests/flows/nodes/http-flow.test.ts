import { toJsonSchema } from "@valibot/to-json-schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { http } from "../../../lib/flows/nodes/http.ts";
import { FlowError, parseFlow } from "../../../lib/flows/parse.ts";
import { callHttp } from "../../support/call-http.ts";
import { flowHost } from "../../support/flow-host.ts";
import { openServer } from "../../support/open-server.ts";
import { openTarget } from "../../support/open-target.ts";
import { rejects } from "../../support/rejects.ts";
import { attempt, type Remembered } from "../../support/walk.ts";

const test = suite("flows/nodes/http-flow");

const fileOf = (origin: string): string => `
schema_version: "1.0"
flow: { name: report }
env: [API_TOKEN]
state:
  fields:
    repo: { type: str, required: true }
    items: { type: "list[int]", default: [] }
    answers: { type: list, default: [] }
    code: { type: int, default: 0 }
nodes:
  - id: list
    http: { url: "${origin}/{repo}", allow_private: true, headers: { authorization: "Bearer {env.API_TOKEN}" } }
    outputs: { items: body.items, code: status }
  - id: post
    http:
      url: ${origin}/post
      allow_private: true
      json: { item: "{item}", at: "{index}", of: "{state.repo}" }
      headers: { idempotency-key: "{idempotency_key}" }
    outputs: { code: status }
edges:
  - { from: START, to: list }
  - from: list
    parallel: { items_field: items, target_node: post, collect_field: answers, max_concurrency: 1 }
  - { from: post, to: END }
`;

test("a flow calls an API, posts each item once, and does neither again after a failure", async () => {
  let isBroken = true;
  const target = await openTarget((request, response) => {
    if (request.method === "GET") {
      response.setHeader("content-type", "application/json").end('{"items": [7, 8]}');
    } else {
      response.writeHead(isBroken && request.body.includes('"item":8') ? 503 : 201).end();
    }
  });
  const { workflow } = await parseFlow(
    fileOf(target.origin),
    "report.yaml",
    flowHost({ env: { API_TOKEN: "s3cret" } }),
  );
  const remembered: Remembered = new Map();
  await rejects(attempt(workflow, { repo: "a b" }, remembered), (error) => {
    assert.match(error.message, `Cannot call POST ${target.origin}/post in http node "post": answered 503`);
  });
  isBroken = false;
  assert.equal(await attempt(workflow, { repo: "a b" }, remembered), {
    repo: "a b",
    items: [7, 8],
    code: 200,
    answers: [201, 201],
  });
  const sent = target.arrived.map(({ method, url, body, headers }) => [
    `${method} ${url}`,
    body,
    headers.authorization ?? headers["idempotency-key"],
  ]);
  const second = '{"item":8,"at":1,"of":"a b"}';
  assert.equal(sent, [
    ["GET /a%20b", "", "Bearer s3cret"],
    ["POST /post", '{"item":7,"at":0,"of":"a b"}', "run_1:post#1"],
    ["POST /post", second, "run_1:post#2"],
    ["POST /post", second, "run_1:post#2"],
  ]);
  // What is stored is what the outputs take, so no request and no header.
  assert.not.match(JSON.stringify([...remembered]), /s3cret|authorization/);
  await target.close();
});

test("faults of a file name line, column and the way out", async () => {
  const file = fileOf("https://api.example.com{repo}").replace(
    "outputs: { items: body.items",
    "outputs: { items: text",
  );
  await parseFlow(file, "report.yaml", flowHost({ env: { API_TOKEN: "s3cret" } })).then(
    () => assert.unreachable("it has faults"),
    (error: unknown) => {
      assert.instance(error, FlowError);
      const { message } = error as Error;
      assert.match(
        message,
        /report\.yaml:13:13: .*\{repo\} could choose the host; begin the path with "\/" before it/,
      );
      assert.match(
        message,
        /report\.yaml:14:16: .*Cannot take "text" for items: the node gives no such part/,
      );
      assert.match(message, /report\.yaml:17:7: .*\{repo\} could choose the host/);
    },
  );
});

test("a node that calls this very server is no local caller: it needs the admin token", async () => {
  const server = await openServer({}, { mayTryOut: true });
  const form = { url: `${server.origin}/runs`, allow_private: true };
  assert.is((await server.ask("http", { path: "/runs" })).status, 200);
  await rejects(callHttp(form), /answered 401 Unauthorized/);
  await server.close();
});

test("the form is one that editors can be told", () => {
  const schema = toJsonSchema(http.form as never, { target: "draft-07" }) as {
    properties: Record<string, { description?: string }>;
  };
  for (const [key, property] of Object.entries(schema.properties))
    assert.type(property.description, "string", key);
});

test.run();
