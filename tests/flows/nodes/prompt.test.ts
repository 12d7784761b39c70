import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import type { FieldType } from "../../../lib/flows/field-type.ts";
import { prompt } from "../../../lib/flows/nodes/prompt.ts";
import { isFatalError, isRetryError, type RetryError } from "../../../lib/workflow-errors.ts";
import {
  MODEL_KEY,
  type ModelServer,
  openModelServer,
  PROTOCOLS,
  type Protocol,
  type Reply,
} from "../../support/model-servers.ts";
import { openPromptNode, PROMPT_WORDS, type PromptOptions } from "../../support/prompt-node.ts";
import { rejects } from "../../support/rejects.ts";

const STR: FieldType = { kind: "str" };
const INT: FieldType = { kind: "int" };
const TAGS: FieldType = { kind: "list", item: STR };
const SCORES: FieldType = { kind: "dict", key: "str", value: INT };
const PROFILE: FieldType = {
  kind: "object",
  fields: new Map<string, FieldType>([
    ["bio", STR],
    ["tags", TAGS],
    ["score", INT],
  ]),
};
/** What a model says in these tests, to look for where it must not be. */
const SECRET_ANSWER = "confidential words";

const test = suite<{ servers: ModelServer[] }>("flows/nodes/prompt");
test.before.each((t) => {
  t.servers = [];
});
test.after.each(async (t) => {
  await Promise.all(t.servers.map((server) => server.close()));
});

/** Opens a server and a node that asks it. */
async function openBoth(
  servers: ModelServer[],
  protocol: Protocol,
  replies: Parameters<typeof openModelServer>[1],
  options: PromptOptions = {},
) {
  const server = await openModelServer(protocol, replies);
  servers.push(server);
  return { server, node: await openPromptNode(server, options) };
}

/** The error of a run, checked for what no error may hold. */
async function errorOf(run: Promise<unknown>): Promise<Error> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error("Expected the run to fail with an error");
  for (const shown of shownBy(error)) {
    for (const secret of [MODEL_KEY, PROMPT_WORDS, SECRET_ANSWER]) {
      assert.is(shown.includes(secret), false, `an error shows ${secret}: ${shown}`);
    }
  }
  return error;
}

/** All that a log may write of an error: its own properties and those of its causes. */
function shownBy(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const own = Object.getOwnPropertyNames(error).map((name) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  });
  return [error.message, ...own, ...(error.cause === undefined ? [] : shownBy(error.cause))];
}

for (const protocol of PROTOCOLS) {
  test(`${protocol}: a single str is the answer's text itself`, async ({ servers }) => {
    const { server, node } = await openBoth(servers, protocol, [{ text: 'plain, with "quotes"' }]);
    assert.equal(await node.run(), { answer: 'plain, with "quotes"' });
    const [request] = server.requests;
    assert.ok(request?.text.includes(`Tell of ${PROMPT_WORDS}`));
    assert.is(request?.text.includes("JSON"), false);
    assert.is(request?.headers.via, "1.1 latchhook");
    assert.is(server.requests.length, 1);
  });

  test(`${protocol}: lists, dicts and nested objects are asked for by schema and taken with their types`, async ({
    servers,
  }) => {
    const answer = {
      profile: { bio: "x", tags: ["a", "b"], score: 7 },
      scores: { one: 1, two: 2 },
      ok: true,
      ratio: 0.5,
    };
    const { server, node } = await openBoth(servers, protocol, [{ text: JSON.stringify(answer) }], {
      fields: { profile: PROFILE, scores: SCORES, ok: { kind: "bool" }, ratio: { kind: "float" } },
    });
    assert.equal(await node.run(), answer);
    const text = server.requests[0]?.text ?? "";
    assert.ok(text.includes('\\"bio\\":{\\"type\\":\\"string\\"}'), text);
  });

  test(`${protocol}: an answer of a wrong type is shown to the model, and its next one is taken`, async ({
    servers,
  }) => {
    const { server, node } = await openBoth(
      servers,
      protocol,
      [{ text: '{"count":"three","tags":["a",1]}' }, { text: '{"count":3,"tags":["a"]}' }],
      { fields: { count: INT, tags: TAGS } },
    );
    assert.equal(await node.run(), { count: 3, tags: ["a"] });
    assert.is(server.requests.length, 2);
    const second = server.requests[1]?.text ?? "";
    assert.ok(second.includes("- /count: Expected int, found str"), second);
    assert.ok(second.includes("- /tags/1: Expected str, found int"), second);
    assert.ok(second.includes("three"), "the model sees its own answer");
  });

  test(`${protocol}: an answer that never fits fails the attempt after two corrections, without its words`, async ({
    servers,
  }) => {
    const wrong: Reply = { text: `{"count":"${SECRET_ANSWER}"}` };
    const { server, node } = await openBoth(servers, protocol, [wrong, wrong, wrong, wrong], {
      fields: { count: INT },
    });
    const error = await errorOf(node.run());
    assert.is(
      error.message,
      'Cannot take field "count" of prompt "ask": expected int, found str; its model was told 2 times',
    );
    assert.is(isFatalError(error), false);
    assert.is(server.requests.length, 3);
  });

  test(`${protocol}: malformed JSON is handed back, and a code fence is taken off`, async ({ servers }) => {
    const { server, node } = await openBoth(
      servers,
      protocol,
      [{ text: '{"count": 3' }, { text: 'Here it is:\n```json\n{"count": 3}\n```\n' }],
      { fields: { count: INT } },
    );
    assert.equal(await node.run(), { count: 3 });
    assert.ok(server.requests[1]?.text.includes("Expected a JSON object, found text that is not JSON"));
  });

  test(`${protocol}: null and absent outputs are faults`, async ({ servers }) => {
    const { server, node } = await openBoth(
      servers,
      protocol,
      [{ text: '{"count":null}' }, { text: "{}" }, { text: "[]" }],
      { fields: { count: INT } },
    );
    const error = await errorOf(node.run());
    assert.match(error.message, /the answer of prompt "ask": expected a JSON object, found list/);
    assert.ok(server.requests[1]?.text.includes("- /count: Expected int, found null"));
    assert.ok(server.requests[2]?.text.includes("- /count: Expected int, found nothing"));
  });

  test(`${protocol}: what is not declared is left out`, async ({ servers }) => {
    const { node } = await openBoth(
      servers,
      protocol,
      [{ text: '{"count":1,"is_admin":true,"__proto__":{"x":1},"constructor":2}' }],
      { fields: { count: INT } },
    );
    assert.equal(Object.entries(await node.run()), [["count", 1]]);
  });

  test(`${protocol}: a refusal fails the attempt at once, without its words`, async ({ servers }) => {
    for (const reply of [{ refusal: SECRET_ANSWER }, { text: SECRET_ANSWER, end: "filter" }] as const) {
      const { server, node } = await openBoth(servers, protocol, [reply, reply]);
      const error = await errorOf(node.run());
      assert.match(error.message, /prompt "ask": the model refused/);
      assert.is(server.requests.length, 1);
    }
  });

  test(`${protocol}: an answer that was cut at max_tokens fails the attempt at once`, async ({ servers }) => {
    const { server, node } = await openBoth(
      servers,
      protocol,
      [{ text: '{"count": 1}', end: "length" }, { text: '{"count": 1}' }],
      { fields: { count: INT } },
    );
    assert.match((await errorOf(node.run())).message, /cut at the most tokens; set llm.max_tokens higher/);
    assert.is(server.requests.length, 1);
  });

  test(`${protocol}: "later" with Retry-After in seconds, milliseconds or as a date moves the next attempt`, async ({
    servers,
  }) => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    for (const [status, headers, from, to] of [
      [429, { "retry-after": "7" }, 7_000, 7_000],
      [503, { "retry-after-ms": "1500" }, 1_500, 1_500],
      [529, { "retry-after": date }, 3_500_000, 3_600_000],
      [429, { "retry-after": "999999999" }, 86_400_000, 86_400_000],
    ] as const) {
      const { server, node } = await openBoth(servers, protocol, [{ status, headers }]);
      const error = await errorOf(node.run());
      assert.ok(isRetryError(error), error.message);
      const after = Number((error as RetryError).after);
      assert.ok(after >= from && after <= to, `${status} waits ${after}`);
      assert.match(error.message, new RegExp(`of ${protocol} answered status ${status}`));
      assert.is(server.requests.length, 1, "the SDK tries again by itself");
    }
  });

  test(`${protocol}: "later" without a time, and faults of the server, fail the attempt only`, async ({
    servers,
  }) => {
    const replies: Reply[] = [
      { status: 429 },
      { status: 429, headers: { "retry-after": "soon" } },
      { status: 500, headers: { "retry-after": "7" } },
      { status: 502, body: "<html>bad gateway</html>" },
      { status: 200, body: "<html>a login page</html>" },
      { status: 200, body: [] },
      { status: 200, body: "" },
    ];
    for (const reply of replies) {
      const { server, node } = await openBoth(servers, protocol, [reply]);
      const error = await errorOf(node.run());
      const shown = `${JSON.stringify(reply)}: ${error.message}`;
      assert.is(isFatalError(error) || isRetryError(error), false, shown);
      assert.match(error.message, /prompt "ask"/, shown);
      assert.is(server.requests.length, 1, shown);
    }
  });

  test(`${protocol}: a wrong key, no such model and a bad request end the run, with codes and without sentences`, async ({
    servers,
  }) => {
    const quoting = `Incorrect API key provided: ${MODEL_KEY}; prompt was ${PROMPT_WORDS}`;
    const body = {
      error: {
        message: quoting,
        type: "some_error",
        code: "the_code",
        status: MODEL_KEY,
        param: PROMPT_WORDS,
      },
    };
    for (const [status, way] of [
      [401, /\(some_error, the_code\); check (OPENAI|ANTHROPIC|GOOGLE)_API_KEY$/],
      [403, /\(some_error, the_code\); check (OPENAI|ANTHROPIC|GOOGLE)_API_KEY$/],
      [404, /\(some_error, the_code\); check llm.model and the address$/],
      [400, /\(some_error, the_code\); check llm, output_schema and how long the prompt is$/],
    ] as const) {
      const { node } = await openBoth(servers, protocol, [{ status, body }]);
      const error = await errorOf(node.run());
      assert.ok(isFatalError(error), error.message);
      assert.match(
        error.message,
        new RegExp(`^Cannot run prompt "ask": model ".+" of ${protocol} answered status ${status}`),
      );
      assert.match(error.message, way);
    }
  });

  test(`${protocol}: a redirect is not followed, so that the key stays here`, async ({ servers }) => {
    const target = await openModelServer(protocol, [{ text: "hello" }]);
    servers.push(target);
    const { node } = await openBoth(servers, protocol, [
      { status: 307, headers: { location: `${target.url}/elsewhere` } },
    ]);
    const error = await errorOf(node.run());
    assert.ok(isFatalError(error));
    assert.match(error.message, /status 307; it points elsewhere/);
    assert.is(target.requests.length, 0);
  });

  test(`${protocol}: a body that breaks off fails the attempt only`, async ({ servers }) => {
    const { node } = await openBoth(servers, protocol, [
      {
        send(response) {
          response.writeHead(200, { "content-type": "application/json", "content-length": "5000" });
          response.write(`{"id":"${SECRET_ANSWER}`, () => response.socket?.destroy());
        },
      },
    ]);
    const error = await errorOf(node.run());
    assert.is(isFatalError(error) || isRetryError(error), false);
    assert.match(error.message, /gave no whole answer: the connection failed/);
  });

  test(`${protocol}: an answer that never ends is dropped after a megabyte`, async ({ servers }) => {
    let sent = 0;
    let isClosed = (): void => {};
    const closed = new Promise<void>((resolve) => {
      isClosed = resolve;
    });
    const { node } = await openBoth(servers, protocol, [
      {
        send(response) {
          response.writeHead(200, { "content-type": "application/json" });
          const chunk = Buffer.alloc(65_536, "a");
          const pump = (): void => {
            while (!response.destroyed && sent < 64 * 1_048_576) {
              sent += chunk.length;
              if (!response.write(chunk)) return void response.once("drain", pump);
            }
          };
          response.once("close", isClosed);
          pump();
        },
      },
    ]);
    assert.match((await errorOf(node.run())).message, /answered more than 1000000 bytes; set max_tokens/);
    await closed;
    assert.ok(sent < 32 * 1_048_576, `${sent} bytes were taken`);
  });

  test(`${protocol}: the run's signal ends the call, with the signal's reason`, async ({ servers }) => {
    const aborter = new AbortController();
    const reason = new Error("the run was cancelled");
    const { node } = await openBoth(servers, protocol, [{ send: () => aborter.abort(reason) }]);
    const error = await errorOf(node.run(aborter.signal));
    assert.is(error, reason);
  });

  test(`${protocol}: settings are sent, and the defaults are the provider's own where there are none`, async ({
    servers,
  }) => {
    const models = { openai: "llama-4", anthropic: "claude-sonnet-4-5", google: "gemini-2.5-pro" };
    const { server, node } = await openBoth(servers, protocol, [{ text: "hello" }], {
      llm: { provider: protocol, model: models[protocol], temperature: 0.25, max_tokens: 77 },
    });
    await node.run();
    const [{ path, body, headers, text } = { path: "", body: {}, headers: {}, text: "" }] = server.requests;
    assert.ok(`${path} ${String(body.model)}`.includes(models[protocol]));
    assert.match(text, /"temperature":0.25/);
    assert.match(text, /"max(_t|OutputT)okens":77/);
    const sent = {
      openai: headers.authorization,
      anthropic: headers["x-api-key"],
      google: headers["x-goog-api-key"],
    };
    assert.is(sent[protocol], protocol === "openai" ? `Bearer ${MODEL_KEY}` : MODEL_KEY);
    assert.equal(node.lines, []);
  });
}

test("ollama is spoken to as OpenAI is, at OLLAMA_HOST and without a key", async ({ servers }) => {
  const server = await openModelServer("openai", [{ text: "hello" }]);
  servers.push(server);
  const node = await openPromptNode(server, {
    llm: { provider: "ollama" },
    env: { OLLAMA_HOST: new URL(server.url).host },
  });
  assert.equal(await node.run(), { answer: "hello" });
  assert.is(server.requests[0]?.path, "/v1/chat/completions");
  assert.is(server.requests[0]?.headers.authorization, undefined);
  assert.is(server.requests[0]?.body.model, "llama3.2");
});

test("openai at an api_base needs no key, and sends none", async ({ servers }) => {
  const server = await openModelServer("openai", [{ text: "hello" }]);
  servers.push(server);
  const node = await openPromptNode(server, {
    node: { llm: { api_base: server.url, model: "qwen3" } },
    env: { OPENAI_API_KEY: "", OPENAI_BASE_URL: "http://127.0.0.1:1/v1" },
  });
  assert.equal(await node.run(), { answer: "hello" });
  assert.is(server.requests[0]?.headers.authorization, undefined);
});

test("a missing key is a fault when the flow is loaded, and names the variable", async ({ servers }) => {
  for (const [llm, variables] of [
    [{}, "GOOGLE_API_KEY or GOOGLE_GENERATIVE_AI_API_KEY"],
    [{ provider: "openai" }, "OPENAI_API_KEY"],
    [{ provider: "anthropic", api_base: "http://localhost:1/v1" }, "ANTHROPIC_API_KEY"],
  ] as const) {
    const { node } = await openBoth(servers, "google", [], {
      llm,
      env: { GOOGLE_API_KEY: " ", OPENAI_API_KEY: "", ANTHROPIC_API_KEY: "" },
    });
    const provider = "provider" in llm ? llm.provider : "google";
    assert.equal(node.faults, [
      `prompt: Cannot use provider ${provider} without a key: set ${variables}, or name another provider under llm`,
    ]);
  }
});

test("a setting that the model does not know is told to the run's log, not to the console", async ({
  servers,
}) => {
  const said: unknown[] = [];
  const { warn, info } = console;
  console.warn = (...words) => said.push(words);
  console.info = (...words) => said.push(words);
  try {
    const { node } = await openBoth(servers, "openai", [{ text: "hello" }], {
      llm: { provider: "openai", model: "gpt-5-mini", temperature: 0.5 },
    });
    await node.run();
    assert.is(node.lines.length, 1);
    assert.match(node.lines[0] ?? "", /model \\"gpt-5-mini\\" of openai: temperature is not supported/);
  } finally {
    console.warn = warn;
    console.info = info;
  }
  assert.equal(said, []);
});

test("a prompt of over 400,000 characters asks nobody and ends the run", async ({ servers }) => {
  const { server, node } = await openBoth(servers, "openai", [{ text: "hello" }], {
    text: `{state.topic}${"x".repeat(400_001)}`,
  });
  const error = await errorOf(node.run());
  assert.ok(isFatalError(error));
  assert.match(error.message, /at most 400000/);
  assert.is(server.requests.length, 0);
});

test("a server that nobody answers at fails the attempt with the system's code", async ({ servers }) => {
  const { server, node } = await openBoth(servers, "openai", []);
  await server.close();
  servers.pop();
  const error = await errorOf(node.run());
  assert.is(isFatalError(error) || isRetryError(error), false);
  assert.match(error.message, /the connection failed/);
});

test("OpenAI is strict where all parts are closed, and Gemini's schema is left out where they are open", async ({
  servers,
}) => {
  const closed = { fields: { profile: PROFILE, tags: TAGS } };
  const open = { fields: { scores: SCORES, tags: TAGS } };
  const format = async (protocol: Protocol, options: PromptOptions) => {
    const { server, node } = await openBoth(servers, protocol, [{ status: 400 }], options);
    await errorOf(node.run());
    return server.requests[0]?.text ?? "";
  };
  assert.match(await format("openai", closed), /"strict":true/);
  assert.match(await format("openai", open), /"strict":false/);
  assert.match(await format("google", closed), /"responseMimeType":"application\/json","responseSchema":/);
  assert.match(await format("google", open), /"responseMimeType":"application\/json"\}/);
  assert.match(await format("anthropic", closed), /"output_config":/);
  // Neither a schema that knows no open object, nor a tool that stands for one.
  assert.not.match(await format("anthropic", open), /"output_config":|"tools":/);
});

test("the form takes what it should and refuses what is misspelled", () => {
  const { output_schema, llm } = prompt.options;
  const isFit = (form: v.GenericSchema | undefined, value: unknown): boolean =>
    form !== undefined && v.is(form, value);
  assert.ok(isFit(output_schema, { type: "str", description: "x" }));
  assert.ok(
    isFit(output_schema, { type: "object", fields: [{ name: "a", type: "object", schema: { b: "str" } }] }),
  );
  assert.not.ok(isFit(output_schema, { type: "object", fields: [] }));
  assert.not.ok(isFit(output_schema, { type: "object", fields: [{ name: "a b", type: "str" }] }));
  assert.not.ok(isFit(output_schema, { typ: "str" }));
  assert.not.ok(
    isFit(output_schema, { type: "object", fields: [{ name: "a", type: "object", schema: { b: 1 } }] }),
  );
  assert.ok(isFit(llm, { provider: "ollama", model: "llama3.2:3b", temperature: 0, max_tokens: 1 }));
  assert.ok(isFit(llm, { api_base: "http://localhost:8000/v1" }));
  for (const wrong of [
    { provider: "openia" },
    { temperature: 3 },
    { max_tokens: 0 },
    { max_tokens: 1.5 },
    { api_base: "localhost:8000" },
    { api_base: "https://user:pass@example.com/v1" },
    { api_base: "https://example.com/v1?key=x" },
    { model: "a b" },
    { key: "sk" },
  ]) {
    assert.not.ok(isFit(llm, wrong), JSON.stringify(wrong));
  }
  assert.not.ok(isFit(prompt.form, ""));
});

test("outputs and output_schema that do not belong together are faults, each at its place", async ({
  servers,
}) => {
  const faultsOf = async (node: Record<string, unknown>) =>
    (await openBoth(servers, "google", [], { node })).node.faults;
  const fields = [{ name: "a", type: "str" }];
  assert.equal(await faultsOf({ outputs: [] }), [
    "prompt: Cannot use the answer of the prompt: give outputs, the fields that take it",
  ]);
  assert.equal(await faultsOf({ outputs: { answer: "a.b" } }), [
    "outputs.answer: Cannot take a part of an answer for answer: give output_schema, which says what it has",
  ]);
  assert.equal(await faultsOf({ outputs: ["answer"], output_schema: { type: "string" } }), [
    'output_schema.type: Cannot use "string" as type of the answer: did you mean str? Types are str, int, float, bool, list, dict, object, list[str], dict[str,int]',
  ]);
  assert.equal(await faultsOf({ outputs: ["answer", "b"], output_schema: { type: "str" } }), [
    "output_schema: Cannot use one type for 2 outputs: write type: object and fields: [{ name: answer, type: ... }, { name: b, type: ... }]",
  ]);
  assert.equal(await faultsOf({ output_schema: { type: "str", fields } }), [
    'output_schema.type: Cannot give "str" fields: write type: object',
  ]);
  assert.equal(await faultsOf({ output_schema: { type: "object", schema: { a: "str" }, fields } }), [
    "output_schema.schema: Cannot use fields and schema at once: leave one out",
  ]);
  assert.equal(await faultsOf({ output_schema: { type: "object", fields: [...fields, ...fields] } }), [
    'output_schema.fields.1.name: Cannot use the name "a" twice in output_schema',
  ]);
  const nested = { name: "a", type: "object", schema: { b: "strr", c: { type: "int", schema: {} } } };
  const [first = "", second, ...others] = await faultsOf({
    output_schema: { type: "object", fields: [nested] },
  });
  assert.match(
    first,
    /^output_schema.fields.0.schema.b: Cannot use "strr" as type of part "b" of output "a": did you mean str/,
  );
  assert.is(
    second,
    'output_schema.fields.0.schema.c.schema: Cannot use a schema for part "c" of output "a": only an object has parts, and this is int',
  );
  assert.equal(others, []);
});

test("the parts are the schema's fields with their types, and the outputs where there is no schema", () => {
  const parts = (node: Record<string, unknown>) => [...(prompt.partsOf({ id: "n", ...node }) ?? [])];
  const fields = [
    { name: "label", type: "str" },
    { name: "profile", type: "object", schema: { bio: "str", tags: "list[str]", score: "int" } },
  ];
  assert.equal(parts({ outputs: ["label"], output_schema: { type: "object", fields } }), [
    ["label", STR],
    ["profile", PROFILE],
  ]);
  assert.equal(parts({ outputs: { title: "label" }, output_schema: { type: "int" } }), [["label", INT]]);
  assert.equal(parts({ outputs: ["a", "b"] }), [
    ["a", { kind: "any" }],
    ["b", { kind: "any" }],
  ]);
});

test("a short schema of another type than str is asked for as an object of one part", async ({ servers }) => {
  const { node } = await openBoth(servers, "google", [{ text: "7" }, { text: '{"count":7}' }], {
    fields: { count: INT },
    node: { output_schema: { type: "int", description: "how many" } },
  });
  assert.equal(await node.run(), { count: 7 });
});

test("a str that an object was asked for is a part of JSON, with its description in the schema", async ({
  servers,
}) => {
  const fields = [{ name: "answer", type: "str", description: "one short line" }];
  const { server, node } = await openBoth(servers, "google", [{ text: '{"answer":"hi"}' }], {
    node: { output_schema: { type: "object", fields } },
  });
  assert.equal(await node.run(), { answer: "hi" });
  assert.ok(server.requests[0]?.text.includes("one short line"));
});

test("an empty text is no answer", async ({ servers }) => {
  const { server, node } = await openBoth(servers, "anthropic", [
    { text: "" },
    { text: " \n" },
    { text: "hi" },
  ]);
  assert.equal(await node.run(), { answer: "hi" });
  assert.is(server.requests.length, 3);
  for (const { text } of server.requests) assert.is(text.includes('"text":""'), false, text);
});

test("JSON that is nested beyond every bound is a fault, not a crash", async ({ servers }) => {
  const levels = 50_000;
  const deep: Reply = { text: `{"items":${"[".repeat(levels)}${"]".repeat(levels)}}` };
  const { node } = await openBoth(servers, "openai", [deep, deep, deep], {
    fields: { items: { kind: "list", item: { kind: "any" } } },
  });
  await rejects(node.run(), /expected a JSON object, found text that is not JSON/);
});

test.run();
