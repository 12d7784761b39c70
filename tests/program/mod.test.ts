import { copyFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PROGRAM, Stage, spawnProgram } from "../support/spawn-server.ts";

const test = suite<{ stage: Stage }>("program/mod");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

test("an import of mod.ts serves nothing", async ({ stage }) => {
  const file = new URL("../fixtures/importer.ts", import.meta.url);
  const { ended, said } = spawnProgram({ file, env: stage.env });
  assert.is((await ended()).code, 0, said.stderr);
  assert.is(said.stdout, "function\n");
});

test("a copy under another name, and a file of the same name that imports it, serve nothing", async ({
  stage,
}) => {
  const { folder } = stage.file;
  const house = new URL("./", PROGRAM);
  for (const name of ["lib", "routes", "node_modules", "package.json"]) {
    await symlink(fileURLToPath(new URL(name, house)), join(folder, name));
  }
  await copyFile(PROGRAM, join(folder, "server.ts"));
  await writeFile(join(folder, "mod.ts"), `import ${JSON.stringify(PROGRAM.href)};\n`);
  for (const name of ["server.ts", "mod.ts"]) {
    const { ended, said } = spawnProgram({
      file: new URL(`file://${join(folder, name)}`),
      env: { ...stage.env, PORT: "0" },
    });
    assert.equal([name, (await ended()).code, said.stdout, said.stderr], [name, 0, "", ""]);
  }
});

test("two programs serve one file", async ({ stage }) => {
  const [first, second] = [await stage.server({ file: PROGRAM }), await stage.server({ file: PROGRAM })];
  const accepted = await first.deliver("quick", { webhookId: "shared" });
  const copy = await second.deliver("quick", { webhookId: "shared" });
  assert.equal([accepted.status, copy.status], [202, 200]);
  assert.is(copy.json.run_id, accepted.json.run_id);
  await second.reaches(String(accepted.json.run_id), "succeeded");
});

test("a program whose database another one upgrades answers 503 and ends, saying so", async ({ stage }) => {
  const server = await stage.server({ file: PROGRAM });
  const other = stage.file.connect();
  other.exec("PRAGMA busy_timeout = 5000");
  other.exec("PRAGMA user_version = 99");
  other.close();
  const status = await server.deliver("quick").then(
    (answer) => answer.status,
    () => 503,
  );
  assert.is(status, 503);
  assert.is((await server.ended()).code, 1);
  assert.match(server.said.stderr, /raised its schema/);
});

test("a stray error in a workflow ends its attempt and not the process, where the runtime can tell whose it is", async ({
  stage,
}) => {
  const server = await stage.server({ file: PROGRAM });
  // Bun does not say whose a rejection is, and Deno does not for a timer.
  const how = process.versions.bun === undefined ? "rejection" : "timer";
  const failed = await server.reaches(await server.start("stray", { how }), "failed");
  assert.match(failed.error?.message ?? "", /lost/);
  await server.reaches(await server.start("quick"), "succeeded");
  assert.is(server.end, null);
});

test.run();
