import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  installCommand,
  type Llm,
  type LlmForm,
  mergeLlm,
  resolveLlm,
} from "../../../lib/flows/prompt/llm.ts";

const KEYS = { OPENAI_API_KEY: "ok", ANTHROPIC_API_KEY: "ak", GOOGLE_API_KEY: "gk" };

const test = suite("flows/prompt/llm");

function resolved(form: LlmForm, env: Record<string, string> = KEYS): Llm {
  const llm = resolveLlm(form, env);
  if (typeof llm === "string") throw new Error(llm);
  return llm;
}

test("google answers where a flow names nobody, with its small model", () => {
  assert.equal(resolved({}), {
    provider: "google",
    model: "gemini-2.5-flash-lite",
    temperature: undefined,
    maxTokens: undefined,
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    key: "gk",
    keyName: "GOOGLE_API_KEY",
  });
});

test("the node's settings stand over the flow's", () => {
  assert.equal(mergeLlm({ model: "a", temperature: 1, max_tokens: 5 }, { temperature: 0 }), {
    model: "a",
    temperature: 0,
    max_tokens: 5,
  });
});

test("a node of another provider takes neither the flow's model nor its address", () => {
  const flow: LlmForm = { model: "gemini-2.5-pro", api_base: "http://localhost:1/v1", temperature: 1 };
  assert.equal(mergeLlm(flow, { provider: "openai" }), { provider: "openai", temperature: 1 });
  assert.equal(mergeLlm(flow, { provider: "google" }), { ...flow, provider: "google" });
  assert.equal(mergeLlm({ ...flow, provider: "openai" }, { provider: "google", model: "m" }), {
    provider: "google",
    model: "m",
    temperature: 1,
  });
});

test("the second of Google's variables counts where the first is empty", () => {
  const { key, keyName } = resolved({}, { GOOGLE_API_KEY: "", GOOGLE_GENERATIVE_AI_API_KEY: " second\n" });
  assert.equal([key, keyName], ["second", "GOOGLE_GENERATIVE_AI_API_KEY"]);
});

test("a key that no header can carry is refused by its variable's name alone", () => {
  const fault = resolveLlm({ provider: "openai" }, { OPENAI_API_KEY: "sk-1\nsk-2" });
  assert.is(
    fault,
    "Cannot use OPENAI_API_KEY as the key of openai: it holds blanks or letters that no key has",
  );
});

test("the file's address stands over the environment's, which stands over the provider's", () => {
  const env = { ...KEYS, OPENAI_BASE_URL: "https://gateway.example/openai/v1/" };
  assert.is(resolved({ provider: "openai" }, env).baseUrl, "https://gateway.example/openai/v1");
  assert.is(
    resolved({ provider: "openai", api_base: "http://vllm:8000/v1" }, env).baseUrl,
    "http://vllm:8000/v1",
  );
  assert.is(resolved({ provider: "openai" }).baseUrl, "https://api.openai.com/v1");
});

test("an address of the environment that is none is refused without showing it", () => {
  for (const wrong of [
    "gateway",
    "ftp://gateway",
    "https://user:secret@gateway/v1",
    "https://gateway/v1?key=secret",
    "https://gateway:99999/v1",
    "https://[::1/v1",
    "https://{env.GATEWAY}/v1",
  ]) {
    const fault = resolveLlm({ provider: "anthropic" }, { ...KEYS, ANTHROPIC_BASE_URL: wrong });
    assert.match(String(fault), /^Cannot use ANTHROPIC_BASE_URL as the address of anthropic: give an http/);
    assert.is(String(fault).includes("secret"), false);
  }
});

test("an address of the file that leads nowhere is refused", () => {
  const fault = resolveLlm({ provider: "openai", api_base: "http://h:99999/v1" }, KEYS);
  assert.match(String(fault), /^Cannot use api_base as the address of openai: give an http/);
});

test("OLLAMA_HOST is read as Ollama reads it", () => {
  for (const [host, url] of [
    ["", "http://localhost:11434/v1"],
    ["gpu", "http://gpu:11434/v1"],
    ["gpu:8080", "http://gpu:8080/v1"],
    ["0.0.0.0", "http://127.0.0.1:11434/v1"],
    ["0.0.0.0:8080", "http://127.0.0.1:8080/v1"],
    ["[::1]:8080", "http://[::1]:8080/v1"],
    ["https://gpu.example/", "https://gpu.example/v1"],
    ["http://0.0.0.0:11434", "http://127.0.0.1:11434/v1"],
    ["https://gpu.example/ollama/v1", "https://gpu.example/ollama/v1"],
  ] as const) {
    assert.is(resolved({ provider: "ollama" }, { OLLAMA_HOST: host }).baseUrl, url, host);
  }
});

test("what to install is named with the majors that belong together", () => {
  assert.is(installCommand("google"), "npm install ai@6 @ai-sdk/google@3");
  assert.is(installCommand("ollama"), "npm install ai@6 @ai-sdk/openai@3");
});

test.run();
