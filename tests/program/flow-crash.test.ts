import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { killed, type SpawnedServer, Stage, stopped } from "../support/spawn-server.ts";
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

interface Ended {
  readonly next: SpawnedServer;
  readonly runId: string;
  readonly gate: string;
}

/** Starts a flow, ends its server once the flow has written this line, opens the gate, and starts another server. */
async function endAt(
  { stage, folder, notes }: { stage: Stage; folder: string; notes: string },
  { flow, line, inputs = {} }: { flow: string; line: string; inputs?: object },
  end: (server: SpawnedServer) => Promise<unknown> = killed,
): Promise<Ended> {
  const gate = stage.gate();
  const env = { WORKFLOWS_DIR: folder, SHUTDOWN_GRACE: "1s" };
  const first = await stage.server({ env });
  const runId = await first.start(flow, { notes, gate, ...inputs });
  await until(async () => (await linesOf(notes)).includes(line), `the line ${line}`);
  await end(first);
  assert.is((await linesOf(notes)).at(-1), line);
  await stage.openGate(gate);
  return { next: await stage.server({ env }), runId, gate };
}

test("after a kill -9 in the middle of a flow its finished nodes do not run again", async (t) => {
  const { next, runId, gate } = await endAt(t, { flow: "row", line: "second" });
  const run = await next.reaches(runId, "succeeded");
  assert.equal(await linesOf(t.notes), ["first", "second", "second", "third 0"]);
  assert.equal(run.result, { notes: t.notes, gate, code: 0 });
  assert.equal(
    run.attempts.map(({ status }) => status),
    ["interrupted", "succeeded"],
  );
  assert.equal(
    run.steps.map(({ name }) => name),
    ["first", "second", "third"],
  );
});

test("after a kill -9 among parallel items only those that had not ended run again", async (t) => {
  const inputs = { items: ["a", "b", "c", "d"] };
  const { next, runId } = await endAt(t, { flow: "each", line: "c", inputs });
  const run = await next.reaches(runId, "succeeded");
  assert.equal(await linesOf(t.notes), ["a", "b", "c", "c", "d"]);
  assert.equal((run.result as { codes: number[] }).codes, [0, 0, 0, 0]);
  assert.equal(
    run.steps.map(({ name }) => name),
    ["each#1", "each#2", "each#3", "each#4"],
  );
});

test("a shutdown ends the command of a node, and the restart begins it again", async (t) => {
  const { next, runId } = await endAt(t, { flow: "row", line: "second" }, stopped);
  await next.reaches(runId, "succeeded");
  assert.equal(await linesOf(t.notes), ["first", "second", "second", "third 0"]);
});

test.run();
