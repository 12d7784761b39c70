import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Llm, PROVIDERS, resolveLlm } from "../../../lib/flows/prompt/llm.ts";
import { createModel, loadSdk } from "../../../lib/flows/prompt/model.ts";
import { openModelServer } from "../../support/model-servers.ts";

const test = suite("flows/prompt/model");

function llmOf(env: Record<string, string>): Llm {
  const llm = resolveLlm({ provider: "anthropic" }, env);
  if (typeof llm === "string") throw new Error(llm);
  return llm;
}

const INSTALL =
  "Cannot use provider anthropic: packages ai and @ai-sdk/anthropic are missing or of another major; run npm install ai@6 @ai-sdk/anthropic@3";

test("a missing package says what to install", async () => {
  const asked: string[] = [];
  for (const missing of ["ai", "@ai-sdk/anthropic"]) {
    const fault = await loadSdk("anthropic", async (name) => {
      asked.push(name);
      if (name === missing) throw Object.assign(new Error("secret path"), { code: "ERR_MODULE_NOT_FOUND" });
      return await import(name);
    });
    assert.is(fault, INSTALL);
  }
  assert.equal([...new Set(asked)].sort(), ["@ai-sdk/anthropic", "ai"]);
});

test("a package that has not what is used says what to install", async () => {
  for (const empty of ["ai", "@ai-sdk/anthropic"]) {
    const fault = await loadSdk("anthropic", async (name) => (name === empty ? {} : await import(name)));
    assert.is(fault, INSTALL);
  }
});

test("packages of majors that do not belong together say what to install", async () => {
  const model = { specificationVersion: "v2" };
  const fakes: Readonly<Record<string, (real: object) => object>> = {
    ai: (real) => ({ ...real, wrapLanguageModel: () => model }),
    "@ai-sdk/anthropic": (real) => ({ ...real, createAnthropic: () => ({ chat: () => model }) }),
  };
  for (const [other, fake] of Object.entries(fakes)) {
    const fault = await loadSdk("anthropic", async (name) => {
      const real = (await import(name)) as object;
      return name === other ? fake(real) : real;
    });
    assert.is(fault, INSTALL, other);
  }
});

test("every provider's package exports what its record names", async () => {
  for (const { package: name, create } of Object.values(PROVIDERS)) {
    assert.type(((await import(name)) as Record<string, unknown>)[create], "function");
  }
});

test("the SDK reads neither key nor address from the process's environment", async () => {
  const trap = await openModelServer("anthropic", [{ text: "trapped" }]);
  const server = await openModelServer("anthropic", [{ text: "hello" }]);
  process.env.ANTHROPIC_API_KEY = "sk-of-the-process";
  process.env.ANTHROPIC_BASE_URL = trap.url;
  try {
    const loaded = await loadSdk("anthropic");
    if (typeof loaded === "string") throw new Error(loaded);
    const { text } = await createModel("ask", llmOf(server.env), loaded).answer({
      system: undefined,
      messages: [{ role: "user", content: "hi" }],
      tools: [],
      outputs: null,
      signal: new AbortController().signal,
      warn() {},
    });
    assert.is(text, "hello");
    assert.is(server.requests[0]?.headers["x-api-key"], server.env.ANTHROPIC_API_KEY);
    assert.is(trap.requests.length, 0);
  } finally {
    delete process.env.ANTHROPIC_API_KEY;
    delete process.env.ANTHROPIC_BASE_URL;
    await Promise.all([trap.close(), server.close()]);
  }
});

test.run();
