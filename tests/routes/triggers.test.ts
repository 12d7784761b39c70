import { createHmac } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { parseFlow } from "../../lib/flows/parse.ts";
import type { Scheme } from "../../lib/scheme.ts";
import type { AnyWorkflow, Trigger } from "../../lib/workflow.ts";
import { flowHost } from "../support/flow-host.ts";
import {
  type Ask,
  DOORS,
  delivery,
  type Json,
  openServer,
  SECRET,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { rejects } from "../support/rejects.ts";

const acme: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-acme-mac", encoding: "hex" },
  id: { body: "id" },
  type: { header: "x-acme-event" },
};

const on = (...triggers: Trigger[]): AnyWorkflow => defineWorkflow({ on: triggers, run: () => null });

const FLOW = `
schema_version: "1.0"
flow: { name: opened }
on:
  - provider: acme
    event: pull_request.*
    if: >-
      body.action == "opened" &&
      !body.draft
state: { fields: { action: { type: str } } }
nodes: [{ id: a, set: { action: "{action}" } }]
edges: [{ from: START, to: a }, { from: a, to: END }]
`;

const workflows: Readonly<Record<string, AnyWorkflow>> = {
  all: on({ provider: "acme" }),
  push: on({ provider: "acme", event: "push" }),
  opened: (await parseFlow(FLOW, "opened.yaml", flowHost())).workflow,
  twice: on({ provider: "acme", event: "pull_request" }, { provider: "acme", if: "body.number > 5" }),
  labelled: on({ provider: "acme", event: "pull_request", if: 'body.labels.exists(l, l.name == "bug")' }),
  manual: defineWorkflow({ run: () => null }),
  paid: on({ provider: "generic", if: "body.inputs.paid == true" }, { provider: "acme", event: "paid" }),
};

const test = suite<{ server: TestServer }>("routes/triggers");
test.before.each(async (context) => {
  context.server = await openServer({
    workflows,
    schemes: { acme },
    secrets: { acme: "acme-secret", generic: SECRET },
  });
});
test.after.each(({ server }) => server.close());

const cases: readonly [
  type: string | null,
  body: Json,
  started: readonly string[],
  notes: readonly RegExp[],
][] = [
  [null, {}, ["all"], [/^filter of twice without an answer: body\.number is absent$/]],
  ["push", { number: 1 }, ["all", "push"], []],
  ["push.forced", { number: 9 }, ["all", "push", "twice"], []],
  ["pull_request.closed", { action: "closed", labels: [] }, ["all", "twice"], []],
  [
    "pull_request.opened",
    { action: "opened", draft: false, number: 9, labels: [{ name: "bug" }] },
    ["all", "labelled", "opened", "twice"],
    [],
  ],
  [
    "pull_request.opened",
    { action: "opened", draft: "c4n4ry", labels: "c4n4ry" },
    ["all", "twice"],
    [/^filter of labelled .*goes through lists, not through text$/, /^filter of opened .*text/],
  ],
  ["pull_request", { action: "opened", labels: [{}] }, ["all", "twice"], [/l\.name is absent/]],
];
for (const [type, body, started, notes] of cases) {
  test(`${type} with ${JSON.stringify(body).slice(0, 60)} starts ${started.join(", ")}`, async ({
    server,
  }) => {
    const answer = await server.ask("http", fromAcme({ id: "a", ...body }, type));
    assert.is(answer.status, 202);
    assert.equal(namesOf(answer.json), started);
    const { json: event } = await server.admin("GET", `/events/${answer.json.event_id}`);
    assert.equal(namesOf(event), started);
    const seen = event.notes as string[];
    assert.is(seen.length, notes.length, seen.join("\n"));
    for (const [at, note] of notes.entries()) assert.match(seen[at] ?? "", note);
    assert.not.match(JSON.stringify([event.notes, server.lines]), /c4n4ry/);
    assert.is(server.lines.filter(({ message }) => message.startsWith("filter")).length, notes.length);
  });
}

test("copies, through either door, start nothing twice", async ({ server }) => {
  const asked = fromAcme(
    { id: "a", number: 9, action: "opened", draft: false, labels: [] },
    "pull_request.opened",
  );
  for (const door of [...DOORS, ...DOORS]) {
    assert.equal(namesOf((await server.ask(door, asked)).json), ["all", "opened", "twice"]);
  }
  assert.equal(await server.count(), { events: 1, runs: 3 });
});

test("a replay starts those whose filters match the stored event, and a named one whatever its on", async ({
  server,
}) => {
  const { json } = await server.ask("http", fromAcme({ id: "a", number: 9 }, "push"));
  const path = `/events/${json.event_id}/replay`;
  const replayed = await server.admin("POST", path);
  assert.equal([replayed.status, namesOf(replayed.json)], [202, ["all", "push", "twice"]]);
  const named = await server.admin("POST", path, { workflow_name: "labelled" });
  assert.equal([named.status, namesOf(named.json)], [202, ["labelled"]]);
});

test("a replay that no on matches any more is 409", async () => {
  const server = await openServer({
    workflows: { late: on({ provider: "acme", event: "push", if: "body.number == 1" }) },
    schemes: { acme },
    secrets: { acme: "acme-secret" },
  });
  try {
    const { json } = await server.ask("http", fromAcme({ id: "a", number: 9 }, "push"));
    assert.equal(json.runs, []);
    const replayed = await server.admin("POST", `/events/${json.event_id}/replay`);
    assert.equal([replayed.status, problemOf(replayed).name], [409, "nothing_to_start"]);
    assert.match(String(replayed.json.detail), /no workflow's "on" matches this event/);
  } finally {
    await server.close();
  }
});

test("on generic the filter of the named workflow decides, and one that does not match is unknown", async ({
  server,
}) => {
  const paid = await server.askBoth(delivery({ workflow_name: "paid", inputs: { paid: true } }));
  assert.equal([paid.status, namesOf(paid.json)], [202, ["paid"]]);
  const before = await server.count();
  const problems = [];
  for (const [name, inputs] of [
    ["paid", { paid: false }],
    ["paid", {}],
    ["all", {}],
    ["nobody", {}],
  ] as const) {
    const answer = await server.askBoth(delivery({ workflow_name: name, inputs }));
    const { request_id: _, ...problem } = answer.json;
    problems.push(JSON.stringify([answer.status, problem]));
  }
  assert.is(new Set(problems).size, 1);
  assert.match(problems[0] ?? "", /^\[404.*workflow_unknown/);
  assert.equal(await server.count(), before);
});

test("trigger() starts a workflow whatever its on", async ({ server }) => {
  for (const name of ["labelled", "push", "paid", "manual"]) {
    const { runId } = await server.latchhook.trigger(name, { action: "x" });
    await server.reaches(runId, "succeeded");
  }
});

test("GET /workflows shows on as it was given", async ({ server }) => {
  const { items } = (await server.admin("GET", "/workflows")).json as { items: Json[] };
  const shown = Object.fromEntries(items.map((item) => [item.workflow_name, item.on]));
  assert.equal(shown.twice, workflows.twice?.on);
  assert.equal(shown.opened, [
    { provider: "acme", event: "pull_request.*", if: 'body.action == "opened" && !body.draft' },
  ]);
  assert.is(shown.manual, null);
});

test("a wrong filter stops the start and names its file, line and place", async () => {
  await rejects(
    parseFlow(FLOW.replace("body.action ==", "bdoy.action =="), "opened.yaml", flowHost()),
    /^opened\.yaml:\d+:\d+: Cannot use "if" of on\[0\]: Unknown variable: bdoy; did you mean body\? \(character 1\)$/,
  );
});

test.run();

function fromAcme(body: unknown, type: string | null): Ask {
  const wire = JSON.stringify(body);
  const headers = {
    "content-type": "application/json",
    "x-acme-mac": createHmac("sha256", "acme-secret").update(wire).digest("hex"),
    ...(type === null ? {} : { "x-acme-event": type }),
  };
  return { method: "POST", path: "/webhooks/acme", body: wire, headers };
}

function namesOf(json: Json): unknown[] {
  return (json.runs as Json[]).map((run) => run.workflow_name).sort();
}
