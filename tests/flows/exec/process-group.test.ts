import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isAlive } from "../../support/is-alive.ts";
import { Stage, stopped } from "../../support/spawn-server.ts";
import { until } from "../../support/until.ts";

const test = suite<{ stage: Stage }>("flows/exec/process-group");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

/** Heeds no SIGTERM, and neither does what it starts; writes who the two are. */
const STUBBORN = `schema_version: "1.0"
flow: { name: stubborn }
state: { fields: { file: { type: str, required: true } } }
nodes:
  - id: stay
    exec:
      command:
        - sh
        - -c
        - 'trap "" TERM; (for n in $(seq 150); do sleep 0.2; done) & echo $$ $! > "$1.new"; mv "$1.new" "$1"; wait'
        - sh
        - "{file}"
edges: [{ from: START, to: stay }, { from: stay, to: END }]
`;

test("a server that stops in order leaves no command behind, however short its grace is", async ({
  stage,
}) => {
  const folder = join(stage.file.folder, "workflows");
  await mkdir(folder);
  await writeFile(join(folder, "stubborn.yaml"), STUBBORN);
  const server = await stage.server({ env: { WORKFLOWS_DIR: folder, SHUTDOWN_GRACE: "1s" } });
  const file = join(stage.file.folder, "pids");
  await server.start("stubborn", { file });
  let pids: number[] = [];
  await until(async () => {
    pids = (await readFile(file, "utf8").catch(() => "")).trim().split(" ").map(Number);
    return pids.length === 2;
  }, "the command to say who it is");
  await stopped(server);
  await until(() => !pids.some(isAlive), `processes ${pids.join(" and ")} to end`);
  assert.is(pids.some(isAlive), false);
});

test.run();
