import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { killed, Stage, stopped } from "../support/spawn-server.ts";
import { until } from "../support/until.ts";

const test = suite<{ stage: Stage; folder: string; notes: string }>("program/flow-crash");
test.before.each(async (t) => {
  t.stage = await Stage.make();
  t.folder = join(t.stage.file.folder, "workflows");
  t.notes = join(t.stage.file.folder, "notes");
  await mkdir(t.folder);
  for (const [name, text] of Object.entries(FLOWS)) await writeFile(join(t.folder, name), text);
});
test.after.each((t) => t.stage.close());

/** Appends a line to a file, and then waits where the line is the gate's until the gate is there. */
const NOTE = `command:
          - sh
          - -c
          - 'echo "$1" >> "$2"; [ "$1" != "$4" ] || while [ ! -e "$3" ]; do sleep 0.05; done'
          - sh`;

const FIELDS = `notes: { type: str, required: true }
    gate: { type: str, required: true }`;

const FLOWS: Readonly<Record<string, string>> = {
  "row.yaml": `schema_version: "1.0"
flow: { name: row }
state:
  fields:
    ${FIELDS}
    code: { type: int, default: -1 }
nodes:
  - id: first
    exec:
        ${NOTE}
          - first
          - "{notes}"
          - "{gate}"
          - second
    outputs: { code: exit_code }
  - id: second
    exec:
        ${NOTE}
          - second
          - "{notes}"
          - "{gate}"
          - second
  - id: third
    exec:
        ${NOTE}
          - "third {code}"
          - "{notes}"
          - "{gate}"
          - second
edges:
  - { from: START, to: first }
  - { from: first, to: second }
  - { from: second, to: third }
  - { from: third, to: END }
`,
  "each.yaml": `schema_version: "1.0"
flow: { name: each }
state:
  fields:
    ${FIELDS}
    items: { type: "list[str]", required: true }
    code: { type: int }
    codes: { type: "list[int]" }
nodes:
  - id: each
    exec:
        ${NOTE}
          - "{item}"
          - "{notes}"
          - "{gate}"
          - c
    outputs: { code: exit_code }
edges:
  - from: START
    parallel: { items_field: items, target_node: each, collect_field: codes, max_concurrency: 1 }
  - { from: each, to: END }
`,
};

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, "utf8").catch(() => "")).split("\n").slice(0, -1);
}

test("after a kill -9 in the middle of a flow its finished nodes do not run again", async ({
  stage,
  folder,
  notes,
}) => {
  const gate = stage.gate();
  const env = { WORKFLOWS_DIR: folder };
  const first = await stage.server({ env });
  const runId = await first.start("row", { notes, gate });
  await until(
    async () => (await linesOf(notes)).includes("second"),
    () => "the second node to begin",
  );
  await killed(first);
  assert.equal(await linesOf(notes), ["first", "second"]);

  await stage.openGate(gate);
  const next = await stage.server({ env });
  const run = await next.reaches(runId, "succeeded");
  assert.equal(await linesOf(notes), ["first", "second", "second", "third 0"]);
  assert.equal(run.result, { notes, gate, code: 0 });
  assert.equal(
    run.attempts.map(({ status }) => status),
    ["interrupted", "succeeded"],
  );
  assert.equal(
    run.steps.map(({ name }) => name),
    ["first", "second", "third"],
  );
  await stopped(next);
});

test("after a kill -9 among parallel items only those that had not ended run again", async ({
  stage,
  folder,
  notes,
}) => {
  const gate = stage.gate();
  const env = { WORKFLOWS_DIR: folder };
  const first = await stage.server({ env });
  const items = ["a", "b", "c", "d"];
  const runId = await first.start("each", { notes, gate, items });
  await until(
    async () => (await linesOf(notes)).includes("c"),
    () => "the third item to begin",
  );
  await killed(first);

  await stage.openGate(gate);
  const next = await stage.server({ env });
  const run = await next.reaches(runId, "succeeded");
  assert.equal(await linesOf(notes), ["a", "b", "c", "c", "d"]);
  assert.equal((run.result as { codes: number[] }).codes, [0, 0, 0, 0]);
  assert.equal(
    run.steps.map(({ name }) => name),
    ["each#1", "each#2", "each#3", "each#4"],
  );
  await stopped(next);
});

test("a shutdown ends the command of a node, and the restart begins it again", async ({
  stage,
  folder,
  notes,
}) => {
  const gate = stage.gate();
  const env = { WORKFLOWS_DIR: folder, SHUTDOWN_GRACE: "1s" };
  const first = await stage.server({ env });
  const runId = await first.start("row", { notes, gate });
  await until(
    async () => (await linesOf(notes)).includes("second"),
    () => "the second node to begin",
  );
  await stopped(first);
  await stage.openGate(gate);
  const next = await stage.server({ env });
  await next.reaches(runId, "succeeded");
  assert.equal(await linesOf(notes), ["first", "second", "second", "third 0"]);
  await stopped(next);
});

test.run();
