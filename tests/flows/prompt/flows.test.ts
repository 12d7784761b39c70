import { readFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseFlow } from "../../../lib/flows/parse.ts";
import { runWorkflowAsync, runWorkflowFromConfig } from "../../../lib/runner/run-workflow.ts";
import { signWebhook } from "../../../lib/schemes/sign-webhook.ts";
import { flowHost } from "../../support/flow-host.ts";
import { MODEL_KEY, type ModelServer, openModelServer, type Reply } from "../../support/model-servers.ts";
import { openLatchhook, type TestLatchhook } from "../../support/open-latchhook.ts";
import { rejects } from "../../support/rejects.ts";
import { toolOf } from "../../support/tools.ts";
import { until } from "../../support/until.ts";

const FLOWS = new URL("../../fixtures/flows/", import.meta.url);
const EXAMPLES = new URL("../../../workflows/examples/", import.meta.url);
const GITHUB_SECRET = "a-secret-of-github";

const test = suite<{ servers: ModelServer[]; opened: TestLatchhook[] }>("flows/prompt in a flow");
test.before.each((t) => {
  t.servers = [];
  t.opened = [];
});
test.after.each(async (t) => {
  await Promise.all(t.opened.map((latchhook) => latchhook.close()));
  await Promise.all(t.servers.map((server) => server.close()));
});

async function openGoogle(servers: ModelServer[], replies: readonly Reply[]): Promise<ModelServer> {
  const server = await openModelServer("google", replies);
  servers.push(server);
  return server;
}

async function openWith(
  opened: TestLatchhook[],
  file: URL,
  env: Readonly<Record<string, string>>,
  importModule = flowHost().importModule,
): Promise<TestLatchhook> {
  const host = flowHost({ env, importModule });
  const { workflow } = await parseFlow(await readFile(file, "utf8"), "flow.yaml", host);
  const latchhook = await openLatchhook({
    workflows: { flow: workflow },
    secrets: { github: GITHUB_SECRET },
  });
  opened.push(latchhook);
  return latchhook;
}

test("a file that says nothing of the model asks google, and its output may be called result", async ({
  servers,
}) => {
  const { env, requests } = await openGoogle(servers, [{ text: '{"result":"Sharp as ever"}' }]);
  assert.equal(await runWorkflowAsync(new URL("slogan.yaml", FLOWS), { product: "knives" }, { env }), {
    product: "knives",
    result: "Sharp as ever",
  });
  assert.is(requests[0]?.path, "/v1/models/gemini-2.5-flash-lite:generateContent");
});

test("answers of every type fill the state, and an object that was null", async ({ servers }) => {
  const dish = { title: "Soup", minutes: 20, tags: ["warm"] };
  const answer = {
    portions: 2,
    is_vegan: true,
    steps: ["boil"],
    grams: { leek: 300 },
    rating: 0.9,
    dish,
  };
  const { env, requests } = await openGoogle(servers, [
    { text: JSON.stringify({ ...answer, dish: { ...dish, minutes: "20" } }) },
    { text: JSON.stringify(answer) },
  ]);
  assert.equal(await runWorkflowAsync(new URL("recipe.yaml", FLOWS), { pantry: ["leek"] }, { env }), {
    pantry: ["leek"],
    ...answer,
  });
  assert.match(requests[1]?.text ?? "", /- \/dish\/minutes: Expected int, found str/);
  assert.is(requests[0]?.path, "/v1/models/gemini-2.5-flash:generateContent");
  assert.match(requests[0]?.text ?? "", /"temperature":0.3/);
});

test("what a model says is text to the next node, also where it looks like a template", async ({
  servers,
}) => {
  const words = "see {state.matter} and {{ and {env.HOME}";
  const { env, requests } = await openGoogle(servers, [
    { text: words },
    { text: '{"text":"Dear all","count":2,"matter":"overwritten"}' },
  ]);
  assert.equal(await runWorkflowAsync(new URL("letter.yaml", FLOWS), { matter: "taxes" }, { env }), {
    matter: "taxes",
    facts: words,
    letter: "Dear all",
    words: 2,
  });
  assert.ok(requests[1]?.text.includes(words));
  assert.match(requests[0]?.text ?? "", /"maxOutputTokens":500,"temperature":0.1/);
  assert.match(requests[1]?.text ?? "", /"maxOutputTokens":500,"temperature":0.9/);
});

test("a finished prompt is not asked again, and later means later", async ({ servers, opened }) => {
  const { env, requests } = await openGoogle(servers, [
    { text: "some facts" },
    { status: 429, headers: { "retry-after": "60" } },
    { text: '{"text":"Dear all","count":2}' },
  ]);
  const latchhook = await openWith(opened, new URL("letter.yaml", FLOWS), env);
  const runId = await latchhook.start("flow", { matter: "taxes" });
  await until(
    async () => (await latchhook.run(runId)).attempts[0]?.ended_at != null,
    "the first attempt's end",
  );
  const waiting = await latchhook.run(runId);
  assert.is(Date.parse(waiting.due_at ?? "") - latchhook.clock.now(), 60_000);
  await latchhook.clock.advance(59_000);
  assert.is(requests.length, 2);
  await latchhook.clock.advance(1_000);
  const run = await latchhook.reaches(runId, "succeeded");
  assert.equal(run.result, { matter: "taxes", facts: "some facts", letter: "Dear all", words: 2 });
  assert.is(requests.length, 3);
  assert.is(requests.filter(({ text }) => text.includes("Collect facts")).length, 1);
  assert.equal(
    run.steps.map(({ name }) => name),
    ["collect", "write"],
  );
});

test("neither run nor log shows the key or the prompt of a refused call", async ({ servers, opened }) => {
  const body = { error: { message: `bad key ${MODEL_KEY} for: Collect facts`, status: "PERMISSION_DENIED" } };
  const { env } = await openGoogle(servers, [{ status: 403, body }]);
  const latchhook = await openWith(opened, new URL("letter.yaml", FLOWS), env);
  const run = await latchhook.reaches(await latchhook.start("flow", { matter: "taxes" }), "failed");
  assert.is(
    run.error?.message,
    'Cannot run prompt "collect": model "gemini-2.5-flash-lite" of google answered status 403 (PERMISSION_DENIED); check GOOGLE_API_KEY',
  );
  const logged = latchhook.lines.map(({ message, fields }) => {
    const errors = Object.values(fields).map((value) => (value instanceof Error ? value.stack : value));
    return JSON.stringify([message, errors]);
  });
  for (const secret of [MODEL_KEY, "Collect facts"]) {
    assert.is([JSON.stringify(run), ...logged].join().includes(secret), false, secret);
  }
});

test("a file's faults stand at their lines: model settings, types, templates and the missing key", async () => {
  const file = await readFile(new URL("letter.yaml", FLOWS), "utf8");
  const edited = file
    .replace("temperature: 0.1", "temprature: 0.1")
    .replace("temperature: 0.9", "temperature: 9")
    .replace("Collect facts about {state.matter}", "Collect facts about {state.mater}");
  await rejects(parseFlow(edited, "letter.yaml", flowHost()), (error) => {
    assert.match(
      error.message,
      /^letter.yaml:16:\d+: Cannot read {state.mater}: .*did you mean "matter"\?$/m,
    );
    assert.match(
      error.message,
      /^letter.yaml:30:\d+: .* 9 as .*llm.temperature: give a number from 0 to 2$/m,
    );
    assert.match(error.message, /^letter.yaml:38:\d+: .*"temprature".*: did you mean "temperature"\?$/m);
  });
  await rejects(
    parseFlow(file.replace("name: count, type: int", "name: count, type: str"), "letter.yaml", flowHost()),
    /^letter.yaml:24:\d+: Cannot write count, which is str, to words: expected int$/m,
  );
  await rejects(
    parseFlow(file.replace("words: count", "words: size"), "letter.yaml", flowHost()),
    /^letter.yaml:24:\d+: Cannot take "size" for words: the node gives no such part; known are text, count$/m,
  );
  await rejects(
    parseFlow(file, "letter.yaml", flowHost()),
    /^letter.yaml:16:\d+: Cannot use provider google without a key: set GOOGLE_API_KEY or GOOGLE_GENERATIVE_AI_API_KEY, or name another provider under llm$/m,
  );
});

test("a prompt cannot read the environment, and a node with a prompt has no options of other kinds", async () => {
  const config = (node: Record<string, unknown>) => ({
    schema_version: "1.0" as const,
    flow: { name: "x" },
    env: ["HOME"],
    state: { fields: { a: { type: "str" } } },
    nodes: [{ id: "n", outputs: ["a"], ...node }],
    edges: [
      { from: "START", to: "n" },
      { from: "n", to: "END" },
    ],
  });
  const env = { HOME: "/home/me", GOOGLE_API_KEY: "k" };
  await rejects(
    runWorkflowFromConfig(config({ prompt: "In {env.HOME}" }), {}, { env }),
    /Cannot read {env.HOME} here/,
  );
  await rejects(
    runWorkflowFromConfig(config({ set: { a: "x" }, outputs: undefined, llm: {} }), {}, { env }),
    /Cannot use llm in set node "n": it belongs to prompt nodes/,
  );
});

/** The tools of `almanac.yaml`, which write down what they were asked. */
function almanac(asked: string[]): (path: string) => Promise<object> {
  const tools: Readonly<Record<string, object>> = {
    "tools/weather": toolOf(({ input }) => {
      asked.push(`weather ${JSON.stringify(input)}`);
      return { sky: "rain over the harbour" };
    }),
    "tools/tide": toolOf(() => {
      asked.push("tide");
      throw new Error("the gauge is frozen");
    }),
  };
  return async (path) => ({ default: tools[path] });
}

const ASKS: Reply = {
  calls: [
    { name: "weather", args: { q: "here" } },
    { name: "tide", args: { q: "here" } },
  ],
};

test("tools are steps of their own: an attempt that failed after them does not call them again", async ({
  servers,
  opened,
}) => {
  const asked: string[] = [];
  const { env, requests } = await openGoogle(servers, [
    ASKS,
    { status: 500 },
    ASKS,
    { text: '{"weather":"rain","degrees":7}' },
  ]);
  const latchhook = await openWith(opened, new URL("almanac.yaml", FLOWS), env, almanac(asked));
  const runId = await latchhook.start("flow", { place: "Cuxhaven" });
  await until(
    async () => (await latchhook.run(runId)).attempts[0]?.ended_at != null,
    "the first attempt's end",
  );
  await latchhook.clock.advance(10_000);
  const run = await latchhook.reaches(runId, "succeeded");
  assert.equal(run.result, { place: "Cuxhaven", weather: "rain", degrees: 7 });
  assert.is(asked.filter((call) => call === 'weather {"q":"here"}').length, 1, asked.join());
  for (const { text } of [requests[1], requests[3]].map((request) => request ?? { text: "" })) {
    assert.match(text, /rain over the harbour/);
    assert.match(text, /the gauge is frozen/);
  }
  const names = run.steps.map(({ name }) => name.replace(/#[0-9a-f]+$/, "#"));
  assert.ok(names.includes("look/weather#") && names.includes("look"), names.join());
});

test("a model's twenty-first call of a tool fails the attempt", async ({ servers, opened }) => {
  const asked: string[] = [];
  const many = Array.from({ length: 21 }, (_, index) => ({ name: "weather", args: { q: `${index}` } }));
  const { env } = await openGoogle(servers, [{ calls: many }]);
  const latchhook = await openWith(opened, new URL("almanac.yaml", FLOWS), env, almanac(asked));
  const runId = await latchhook.start("flow", { place: "Cuxhaven" });
  await until(
    async () => (await latchhook.run(runId)).attempts[0]?.ended_at != null,
    "the first attempt's end",
  );
  const [attempt] = (await latchhook.run(runId)).attempts;
  assert.match(attempt?.error?.message ?? "", /Cannot call tools more than 20 times in "look"/);
  assert.is(asked.length, 20);
});

test("a tool that is not there is a fault at its line", async () => {
  const file = await readFile(new URL("almanac.yaml", FLOWS), "utf8");
  await rejects(
    parseFlow(file, "almanac.yaml", flowHost({ env: { GOOGLE_API_KEY: "k" } })),
    /^almanac.yaml:17:\d+: Cannot load tool "weather": .*\nalmanac.yaml:18:\d+: Cannot load tool "tide"/,
  );
  await rejects(
    parseFlow(file.replace("on_error: continue", "on_error: ignore"), "almanac.yaml", flowHost()),
    /^almanac.yaml:18:\d+: .*tools\[1\]: give a tool's name, or { name, on_error: continue }/,
  );
});

test("the triage example sorts a GitHub issue, and alerts where the model says that it is urgent", async ({
  servers,
  opened,
}) => {
  const { env, requests } = await openGoogle(servers, [
    { text: '{"label":"bug","priority":5,"summary":"Data is lost."}' },
    { text: '{"label":"question","priority":1,"summary":"How do I start it?"}' },
  ]);
  const latchhook = await openWith(opened, new URL("triage.yaml", EXAMPLES), env);
  const deliver = async (issue: object): Promise<string> => {
    const signed = signWebhook("github", { action: "opened", issue }, GITHUB_SECRET, { type: "issues" });
    const response = await latchhook.latchhook.fetch(new Request("http://localhost/webhooks/github", signed));
    assert.is(response.status, 202, await response.clone().text());
    const { runs } = (await response.json()) as { runs?: { run_id: string }[] };
    return runs?.[0]?.run_id ?? "";
  };
  const urgent = await latchhook.reaches(
    await deliver({ title: "All gone", body: "{priority} {{" }),
    "succeeded",
  );
  assert.equal(urgent.result, {
    title: "All gone",
    text: "{priority} {{",
    label: "bug",
    priority: 5,
    summary: "Data is lost.",
    needs_person: true,
  });
  assert.ok(requests[0]?.text.includes("{priority} {{"));
  const calm = await latchhook.reaches(await deliver({ title: "Hm", body: null }), "succeeded");
  assert.equal((calm.result as { text: string; needs_person: boolean }).text, "");
  assert.equal((calm.result as { text: string; needs_person: boolean }).needs_person, false);
});

test.run();
