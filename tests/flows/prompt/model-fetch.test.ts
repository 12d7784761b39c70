import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveLlm } from "../../../lib/flows/prompt/llm.ts";
import { modelFetch } from "../../../lib/flows/prompt/model-fetch.ts";
import { isFatalError, isRetryError } from "../../../lib/workflow-errors.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const test = suite("flows/prompt/model-fetch");

const llm = resolveLlm({ provider: "openai" }, { OPENAI_API_KEY: "key" });
if (typeof llm === "string") throw new Error(llm);

/** A fetch whose answer never comes, until it is aborted. */
const hanging: typeof fetch = (_, init) =>
  new Promise((_resolve, reject) => {
    init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
  });

/** A fetch whose body never ends. */
const stalled: typeof fetch = async (_, init) =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        init?.signal?.addEventListener("abort", () => controller.error(init.signal?.reason));
      },
    }),
  );

for (const [what, fetch] of [
  ["headers", hanging],
  ["a whole body", stalled],
] as const) {
  test(`a call without ${what} ends after 120 seconds, as a failed attempt`, async () => {
    const clock = new ManualClock();
    const thrown: unknown[] = [];
    const call = modelFetch("ask", llm, { clock, fetch })("http://localhost/v1", {}).catch(
      (error: unknown) => {
        thrown.push(error);
      },
    );
    await clock.advance(119_999);
    assert.equal(thrown, []);
    await clock.advance(1);
    await call;
    const [error] = thrown;
    assert.is(isFatalError(error) || isRetryError(error), false);
    assert.match(
      String(error),
      /^ModelError: Cannot run prompt "ask": model "gpt-5-mini" of openai gave no whole answer within 120 seconds$/,
    );
    assert.is(clock.pending, 0);
  });
}

test("no timer is left of a call that was answered", async () => {
  const clock = new ManualClock();
  const fetch: typeof globalThis.fetch = async () => new Response("{}");
  assert.is(await (await modelFetch("ask", llm, { clock, fetch })("http://localhost/v1", {})).text(), "{}");
  assert.is(clock.pending, 0);
});

test("a signal that is aborted already sends nothing that is waited for", async () => {
  const reason = new Error("over");
  const call = modelFetch("ask", llm, { clock: new ManualClock(), fetch: globalThis.fetch });
  const outcome = await call("http://127.0.0.1:9/v1", { signal: AbortSignal.abort(reason) }).catch(
    (thrown) => thrown,
  );
  assert.is(outcome, reason);
});

test("a code of a refusal that is the key, or a part of it, is not told", async () => {
  const keyed = resolveLlm({ provider: "openai" }, { OPENAI_API_KEY: "plainkeyofletters" });
  if (typeof keyed === "string") throw new Error(keyed);
  for (const [code, shown] of [
    ["plainkeyofletters", ""],
    ["keyofletters", ""],
    ["bad_plainkeyofletters", ""],
    ["bad_key", " (bad_key)"],
  ] as const) {
    const fetch: typeof globalThis.fetch = async () => Response.json({ error: { code } }, { status: 401 });
    const call = modelFetch("ask", keyed, { clock: new ManualClock(), fetch });
    const error: unknown = await call("http://localhost/v1", {}).catch((thrown) => thrown);
    assert.is(
      String(error),
      `FatalError: Cannot run prompt "ask": model "gpt-5-mini" of openai answered status 401${shown}; check OPENAI_API_KEY`,
    );
  }
});

test("Google's word for a wrong key leads to the key", async () => {
  const keyed = resolveLlm({ provider: "google" }, { GOOGLE_API_KEY: "k-1" });
  if (typeof keyed === "string") throw new Error(keyed);
  const error = { status: "INVALID_ARGUMENT", details: [{ reason: "API_KEY_INVALID" }] };
  const fetch: typeof globalThis.fetch = async () => Response.json({ error }, { status: 400 });
  const call = modelFetch("ask", keyed, { clock: new ManualClock(), fetch });
  const thrown: unknown = await call("http://localhost/v1", {}).catch((reason) => reason);
  assert.match(
    String(thrown),
    /answered status 400 \(INVALID_ARGUMENT, API_KEY_INVALID\); check GOOGLE_API_KEY$/,
  );
});

test("a server that asks for a key where there is none says which to set", async () => {
  for (const [form, way] of [
    [{ provider: "openai", api_base: "http://vllm:8000/v1" }, "set OPENAI_API_KEY"],
    [{ provider: "ollama" }, "set OPENAI_API_KEY, and use provider openai with api_base"],
  ] as const) {
    const keyless = resolveLlm(form, {});
    if (typeof keyless === "string") throw new Error(keyless);
    const fetch: typeof globalThis.fetch = async () => new Response("", { status: 401 });
    const call = modelFetch("ask", keyless, { clock: new ManualClock(), fetch });
    const error: unknown = await call("http://localhost/v1", {}).catch((thrown) => thrown);
    assert.ok(String(error).endsWith(`answered status 401; it asks for a key: ${way}`), String(error));
  }
});

test("a Retry-After date counts from the clock's now", async () => {
  const clock = new ManualClock();
  const date = new Date(clock.now() + 30_000).toUTCString();
  for (const [headers, after] of [
    [{ "retry-after": date }, 30_000],
    [{ "retry-after": new Date(clock.now() - 30_000).toUTCString() }, null],
    [{ "retry-after": "0" }, null],
    [{ "retry-after": "7" }, 7_000],
    [{ "retry-after": "7", "retry-after-ms": "12.5" }, 13],
    [{ "retry-after": "7", "retry-after-ms": "soon" }, 7_000],
    [{ "retry-after": "7", "retry-after-ms": "0" }, 7_000],
    [{ "retry-after-ms": "999999999999" }, 86_400_000],
    [{ "retry-after": "" }, null],
    [{ "retry-after": "next week" }, null],
  ] as const) {
    const fetch: typeof globalThis.fetch = async () => new Response("", { status: 429, headers });
    const error: unknown = await modelFetch("ask", llm, { clock, fetch })("http://localhost/v1", {}).catch(
      (thrown) => thrown,
    );
    assert.is(isRetryError(error) ? error.after : null, after, JSON.stringify(headers));
  }
});

test.run();
