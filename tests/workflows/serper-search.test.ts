import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { prepareTools, type Tool } from "../../lib/flows/tool.ts";
import { isFatalError, isRetryError, type RetryError } from "../../lib/workflow-errors.ts";
import { folderHost } from "../../lib/workflows/folder-host.ts";
import { rejects } from "../support/rejects.ts";
import { attemptOf } from "../support/tools.ts";
import { until } from "../support/until.ts";

const WORKFLOWS = fileURLToPath(new URL("../../workflows", import.meta.url));
const KEY = "serper-key-0123456789";

interface Received {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What the server answers next. */
interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

const test = suite<{ server: Server; origin: string; received: Received[]; reply: Reply }>(
  "workflows/serper-search",
);
test.before.each(async (t) => {
  t.received = [];
  t.reply = {};
  t.server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    let body = "";
    for await (const chunk of request) body += chunk;
    t.received.push({ method, url, headers, body });
    const { status = 200, headers: own = {}, body: answer = {} } = t.reply;
    response.writeHead(status, { "content-type": "application/json", ...own });
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => t.server.listen(0, "127.0.0.1", resolve));
  t.origin = `http://127.0.0.1:${(t.server.address() as AddressInfo).port}`;
});
test.after.each((t) => {
  t.server.closeAllConnections();
  t.server.close();
});

/** The shipped tool, loaded as a flow loads it. */
async function load(
  env: Record<string, string>,
  onError: "fail" | "continue" = "fail",
): Promise<{ tool: Tool | undefined; told: string[] }> {
  const told: string[] = [];
  const host = folderHost(WORKFLOWS, env, () => undefined);
  const fault = (_place: unknown, detail: string): void => void told.push(detail);
  const tools = await prepareTools([{ name: "serper_search", on_error: onError }], { host, fault });
  return { tool: tools?.[0], told };
}

async function search(origin: string, args: unknown = { query: "capital of France" }): Promise<string> {
  const { tool, told } = await load({ SERPER_API_KEY: KEY, SERPER_BASE_URL: origin });
  assert.equal(told, []);
  return (await tool?.call(args, attemptOf())) ?? "";
}

test("it asks as serper.dev documents it, with the key in its header and nowhere else", async ({
  origin,
  received,
}) => {
  await search(`${origin}/gateway/`);
  assert.is(received.length, 1);
  const { method, url, headers, body } = received[0] as Received;
  assert.is(`${method} ${url}`, "POST /gateway/search");
  assert.is(headers["x-api-key"], KEY);
  assert.match(headers["content-type"] ?? "", "application/json");
  assert.equal(JSON.parse(body), { q: "capital of France" });
});

test("the answer box and the results are compact text", async (t) => {
  t.reply.body = {
    searchParameters: { q: "capital of France", type: "search" },
    answerBox: { title: "France / Capital", answer: "Paris" },
    organic: [
      { title: "Paris", link: "https://example.org/paris", snippet: "Paris is the\ncapital.", position: 1 },
      { title: "France", link: "https://example.org/france", position: 2, sitelinks: [] },
    ],
    relatedSearches: [{ query: "capital of Italy" }],
  };
  assert.is(
    await search(t.origin),
    [
      "Answer: Paris\nFrance / Capital",
      "1. Paris\nhttps://example.org/paris\nParis is the capital.",
      "2. France\nhttps://example.org/france",
    ].join("\n\n"),
  );
});

test("an answer box of a snippet alone and fields that are null are taken", async (t) => {
  t.reply.body = {
    answerBox: { snippet: "It is Paris.", link: "https://example.org/", answer: null },
    organic: null,
  };
  assert.is(await search(t.origin), "Answer: It is Paris.\nhttps://example.org/");
});

test("a search that finds nothing says so", async ({ origin }) => {
  assert.is(await search(origin), 'Nothing was found for "capital of France"');
});

test("ten results are taken, and of an endless line the beginning", async (t) => {
  t.reply.body = { organic: Array.from({ length: 50 }, () => ({ title: "x".repeat(5_000), link: "l" })) };
  const text = await search(t.origin);
  assert.match(text, /10\. x/);
  assert.not.match(text, /11\. x/);
  assert.ok(text.length < 11_000, String(text.length));
});

test("an answer of more than a mebibyte is not read to its end", async (t) => {
  t.reply.body = { organic: [{ title: "x".repeat(1_100_000) }] };
  await rejects(search(t.origin), /Serper answered more than 1048576 bytes/);
});

test("arguments without a query are told to the model, and nothing is sent", async ({ origin, received }) => {
  assert.match(await search(origin, { q: "x" }), /with these arguments: \/query: Invalid key/);
  assert.match(await search(origin, { query: "" }), /\/query: /);
  assert.is(received.length, 0);
});

for (const status of [401, 403]) {
  test(`${status} is a wrong key, which ends the run`, async (t) => {
    t.reply = { status, body: { message: "Unauthorized.", statusCode: status } };
    await rejects(search(t.origin), (error) => {
      assert.is(
        error.message,
        `Cannot call tool "serper_search": Serper refused the key (${status}): set SERPER_API_KEY to the one of serper.dev/api-key`,
      );
      assert.ok(isFatalError(error));
    });
  });
}

test("a key without credits ends the run, and another 400 does not", async (t) => {
  t.reply = { status: 400, body: { message: "Not enough credits", statusCode: 400 } };
  await rejects(search(t.origin), (error) => isFatalError(error) && /no credits left/.test(error.message));
  t.reply = { status: 400, body: { message: "Query not allowed" } };
  await rejects(search(t.origin), (error) => {
    assert.match(error.message, /answered 400$/);
    assert.not(isFatalError(error));
  });
});

const waits: [header: Record<string, string>, ms: number][] = [
  [{ "retry-after": "7" }, 7_000],
  [{}, 30_000],
  [{ "retry-after": "soon" }, 30_000],
  [{ "retry-after": "-1" }, 1_000],
  [{ "retry-after": "999999999" }, 3_600_000],
];
for (const [headers, ms] of waits) {
  test(`429 with ${JSON.stringify(headers)} is tried again after ${ms} ms`, async (t) => {
    t.reply = { status: 429, headers };
    await rejects(search(t.origin), (error) => {
      assert.ok(isRetryError(error));
      assert.is((error as RetryError).after, ms);
      assert.match(error.message, /too many searches \(429\)/);
    });
  });
}

test("a redirect is not followed, so that the key goes to nobody else", async (t) => {
  t.reply = { status: 307, headers: { location: `${t.origin}/elsewhere` } };
  await rejects(search(t.origin), /Serper answered 307$/);
  assert.is(t.received.length, 1);
});

test("what is no answer of Serper's is an error that says where to look", async (t) => {
  for (const body of ["<html>", "3", { organic: "none" }]) {
    t.reply = { body };
    await rejects(search(t.origin), /something else than the JSON of a search: look at SERPER_BASE_URL/);
  }
});

test("a server that is not there is an error without its address", async (t) => {
  const { origin } = t;
  await new Promise((resolve) => t.server.close(resolve));
  await rejects(search(origin), (error) => {
    assert.match(error.message, /^Cannot call tool "serper_search": Serper cannot be reached/);
    assert.not.match(error.message, "127.0.0.1");
  });
});

test("with on_error: continue the model is told that the key is wrong, and not the key", async (t) => {
  t.reply = { status: 403, body: { message: KEY } };
  const { tool } = await load({ SERPER_API_KEY: KEY, SERPER_BASE_URL: t.origin }, "continue");
  const text = (await tool?.call({ query: "x" }, attemptOf())) ?? "";
  assert.match(text, /Serper refused the key \(403\)/);
  assert.not.match(text, KEY);
});

test("the end of the attempt ends the request", async (t) => {
  let isClosed = false;
  t.server.removeAllListeners("request");
  const asked = new Promise<void>((resolve) => {
    t.server.on("request", (_request, response) => {
      response.on("close", () => {
        isClosed = true;
      });
      resolve();
    });
  });
  const { tool } = await load({ SERPER_API_KEY: KEY, SERPER_BASE_URL: t.origin });
  const controller = new AbortController();
  const call = tool?.call({ query: "x" }, attemptOf(new Map(), controller.signal)) ?? Promise.resolve();
  await asked;
  const reason = new Error("the process stops");
  controller.abort(reason);
  await rejects(call, (error) => error === reason);
  await until(() => isClosed, "the request to be given up");
});

test("without its key it is not loaded, and without an address it is", async () => {
  assert.equal((await load({})).told, [
    'Cannot use tool "serper_search" without SERPER_API_KEY: it is not set in the environment; set it',
  ]);
  const { tool } = await load({ SERPER_API_KEY: KEY });
  assert.equal(tool?.parameters.required, ["query"]);
});

test.run();
