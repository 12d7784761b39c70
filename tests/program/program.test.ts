import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PROGRAM, Stage, spawnProgram } from "../support/spawn-server.ts";

const run = promisify(execFile);
const test = suite<{ stage: Stage }>("program");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

test("the banner says all that a newcomer needs, and its curl line works as typed", async ({ stage }) => {
  const server = await stage.server({ file: PROGRAM, env: { WORKFLOWS_DIR: "workflows" } });
  const { stdout } = server.said;
  assert.match(stdout, new RegExp(`listens on ${server.origin}`));
  assert.match(stdout, `${stage.file.url} (`);
  assert.match(stdout, /workflows {2}price_order, reminder, simple_workflow, test/);
  assert.match(stdout, /mode {7}try-out: requests from this machine need no signature/);
  assert.match(stdout, /supervisor/);
  const line = stdout.split("\n").find((text) => text.trim().startsWith("curl "));
  const { stdout: answer } = await run("sh", ["-c", `${line} -s`]);
  const { run_id: runId } = JSON.parse(answer) as { run_id: string };
  const done = await server.reaches(runId, "succeeded");
  assert.is((done.result as { topic: string }).topic, "AI");
  assert.is((await stat(stage.file.path)).mode & 0o777, 0o600);
  server.kill("SIGTERM");
  assert.equal(await server.ended(), { code: 0, signal: null });
});

test("with a secret: unsigned 401, and the admin routes want their token", async ({ stage }) => {
  const token = "a-token-for-tests-of-32-characters";
  const env = { WEBHOOK_SECRET_DEFAULT: "s3cret", ADMIN_TOKEN: token };
  const server = await stage.server({ file: PROGRAM, env });
  assert.match(server.said.stdout, /mode {7}secured/);
  assert.not.match(server.said.stdout, /s3cret|curl/);
  assert.is((await server.deliver("quick")).status, 401);
  assert.is((await server.ask("GET", "/runs")).status, 401);
  const listed = await fetch(`${server.origin}/runs`, { headers: { authorization: `Bearer ${token}` } });
  assert.is(listed.status, 200);
});

const refused: [what: string, env: Record<string, string>, lines: RegExp][] = [
  ["a wrong setting", { CONCURRENCY: "many" }, /^Cannot use CONCURRENCY="many": give .*\n$/],
  [
    "an address that others reach, without a secret",
    { HOST: "0.0.0.0" },
    /^Cannot listen on HOST=0\.0\.0\.0.*WEBHOOK_SECRET_GENERIC.*WEBHOOK_ALLOW_UNSIGNED.*HOST=127\.0\.0\.1\n$/,
  ],
  [
    "a secret for nobody",
    { WEBHOOK_SECRET_GENERICO: "s" },
    /^Cannot use .*generico.*the nearest is "generic"\n$/,
  ],
  [
    "a workflows folder that is not there",
    { WORKFLOWS_DIR: "no-such-folder" },
    /^Cannot .*no-such-folder.*\n$/,
  ],
  [
    "a database in no folder",
    { DATABASE_URL: "file:no-such-folder/l.db" },
    /^Cannot .*no-such-folder does not exist\n$/,
  ],
  [
    "a database in memory for several processes",
    { DATABASE_URL: ":memory:", ROLE: "serve" },
    /^Cannot .*:memory:.*\n$/,
  ],
];
for (const [what, env, lines] of refused) {
  test(`${what} stops the start with one line`, async ({ stage }) => {
    const { ended, said } = spawnProgram({ file: PROGRAM, env: { PORT: "0", ...stage.env, ...env } });
    assert.is((await ended()).code, 1);
    assert.is(said.stdout, "");
    assert.match(said.stderr, lines);
  });
}

test("a taken port gives one line that names PORT=", async ({ stage }) => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const PORT = String((taken.address() as AddressInfo).port);
  const { ended, said } = spawnProgram({ file: PROGRAM, env: { ...stage.env, PORT, LOG_LEVEL: "error" } });
  assert.is((await ended()).code, 1);
  taken.close();
  assert.match(said.stderr, /^Cannot listen .*PORT=.*\n$/);
});

test("a workflow file that does not load is named with its reason, beside all others", async ({ stage }) => {
  const folder = join(stage.file.folder, "workflows");
  await mkdir(folder);
  await writeFile(join(folder, "empty.js"), "export const a = 1;\n");
  await writeFile(join(folder, "throws.js"), 'throw new Error("no such thing");\n');
  await writeFile(
    join(folder, "loop.yaml"),
    "schema_version: '1.0'\nflow: { name: loop }\nnodes: [{ id: a, prompt: hi }]\n",
  );
  const env = { ...stage.env, WORKFLOWS_DIR: folder, PORT: "0" };
  const { ended, said } = spawnProgram({ file: PROGRAM, env });
  assert.is((await ended()).code, 1);
  for (const line of [/empty\.js.*default export/, /throws\.js.*no such thing/, /loop\.yaml.*prompt/]) {
    assert.match(said.stderr, line);
  }
});

test("a workflow that brings a second copy of this very file along serves nothing with it", async ({
  stage,
}) => {
  const folder = join(stage.file.folder, "workflows");
  await mkdir(folder);
  // Without a package.json beside it, tsx on Node 20 reads it as CommonJS, and what it imports too.
  const source = `import { defineWorkflow } from ${JSON.stringify(fileURLToPath(PROGRAM))};
    export default defineWorkflow({ run: () => "ran" });\n`;
  await writeFile(join(folder, "quick.ts"), source);
  const server = await stage.server({ file: PROGRAM, env: { WORKFLOWS_DIR: folder } });
  const { json } = await server.deliver("quick");
  assert.is((await server.reaches(String(json.run_id), "succeeded")).status, "succeeded");
  assert.is(server.said.stdout.match(/listens on/g)?.length, 1);
});

test(".env is read, and what is set already wins", async ({ stage }) => {
  const text = "LOG_LEVEL=error\nWEBHOOK_SECRET_GENERIC='from the file'\nCONCURRENCY=none\n";
  await writeFile(join(stage.file.folder, ".env"), text);
  const server = await stage.server({ file: PROGRAM, cwd: stage.file.folder, env: { CONCURRENCY: "2" } });
  assert.match(server.said.stdout, /secured/);
  assert.is((await server.deliver("quick")).status, 401);
  assert.is(server.said.stderr, "");
});

test.run();
