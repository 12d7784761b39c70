import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { spawnProgram } from "../support/spawn-server.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const test = suite("cli/serve");

const FAKE = new URL("../fixtures/serve-fake.ts", import.meta.url);

test("it starts, serves with the peer, and stops in order at SIGTERM", async () => {
  const program = await begin();
  const port = await listeningPort(program);
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(await response.json(), { address: "127.0.0.1", host: `127.0.0.1:${port}`, port });

  send(program, "SIGTERM");
  assert.equal(await program.ended(), { code: 0, signal: null });
  assert.match(
    program.said.stdout,
    /^open file:latchhook\.db 16\nstart\nLatchhook listens on .*\nstop 8000\nstopped\n$/s,
  );
  assert.match(program.said.stderr, /"message":"stopping","signal":"SIGTERM"/);
});

test("a request under way at SIGINT is answered", async () => {
  const program = await begin();
  const port = await listeningPort(program);
  const answer = fetch(`http://127.0.0.1:${port}/slow`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  send(program, "SIGINT");
  assert.is((await answer).status, 200);
  assert.equal(await program.ended(), { code: 0, signal: null });
});

const seconds: readonly [first: NodeJS.Signals, second: NodeJS.Signals, code: number][] = [
  ["SIGTERM", "SIGTERM", 143],
  ["SIGINT", "SIGINT", 130],
  ["SIGTERM", "SIGINT", 130],
];

test("a second signal ends it at once, with 130 or 143", async () => {
  // At once: a start takes a second.
  const ends = seconds.map(async ([first, second]) => {
    const program = await begin({ FAKE: "stop hangs" });
    await listeningPort(program);
    send(program, first);
    await until(() => program.said.stdout.includes("stop 8000"), "the stop to begin");
    await new Promise((resolve) => setTimeout(resolve, 150)); // what comes sooner is the same Ctrl-C
    send(program, second);
    return program.ended();
  });
  assert.equal(
    await Promise.all(ends),
    seconds.map(([, , code]) => ({ code, signal: null })),
  );
});

test("the echo of a Ctrl-C is no second signal", async () => {
  const program = await begin({ FAKE: "start is slow" });
  await until(() => program.said.stdout.includes("start"), "the start to begin");
  send(program, "SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 20));
  send(program, "SIGINT");
  // It also came while the start was under way, which is finished first.
  assert.equal(await program.ended(), { code: 0, signal: null });
  assert.match(program.said.stdout, /stopped\n$/);
});

test("a stop that hangs ends with 1 soon after the grace, and one that fails does too", async () => {
  const [hanging, failing] = await Promise.all([
    begin({ FAKE: "stop hangs", SHUTDOWN_GRACE: "50ms" }),
    begin({ FAKE: "stop fails" }),
  ]);
  for (const program of [hanging, failing]) {
    await listeningPort(program);
    send(program, "SIGTERM");
    assert.equal(await program.ended(), { code: 1, signal: null });
  }
  assert.match(hanging.said.stderr, /stop took too long/);
  assert.match(failing.said.stderr, /"message":"stop failed","error":\{"name":"Error","message":"disk"\}/);
});

const faults: readonly [name: string, env: Record<string, string>, line: RegExp][] = [
  ["a wrong setting", { PORT: "x" }, /^Cannot use PORT="x": give a whole number from 0 to 65535\n$/],
  ["two wrong settings", { PORT: "x", ROLE: "y" }, /^Cannot use [^\n]*\nCannot use [^\n]*\n$/],
  [
    "an open bind",
    { HOST: "0.0.0.0" },
    /^Cannot listen on HOST=0\.0\.0\.0 [^\n]*WEBHOOK_SECRET_GENERIC[^\n]*\n$/,
  ],
  ["wrong options", { FAKE: "open fails" }, /^Cannot use this option\n$/],
  ["a start that fails", { FAKE: "start fails" }, /^Cannot open the database\\u001b\[31m\n$/],
];
test("a start that fails is said in one line a fault without a stack, and ends it with 1", async () => {
  const programs = await Promise.all(faults.map(([, env]) => begin(env)));
  for (const [index, program] of programs.entries()) {
    const [name, , line] = faults[index] as (typeof faults)[number];
    assert.equal(await program.ended(), { code: 1, signal: null }, name);
    assert.match(program.said.stderr, line, name);
    assert.not.match(program.said.stdout, /Latchhook/, name);
  }
});

test("a taken port is said in one line that names PORT=, and what was opened is closed again", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? String(address?.port) : "";
  const program = await begin({ PORT: port });
  assert.equal(await program.ended(), { code: 1, signal: null });
  assert.match(
    program.said.stderr,
    /^Cannot listen on 127\.0\.0\.1:\d+: the port is taken; [^\n]*PORT=\d+\n$/,
  );
  assert.match(program.said.stdout, /start\nstop 0\nstopped\n$/);
  server.close();
});

test("ROLE=work without PORT does not listen, stays alive and stops at a signal", async () => {
  const program = await begin({ ROLE: "work", PORT: "" });
  await until(() => program.said.stdout.includes("does not listen"), "the banner");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.is(program.end(), null);
  send(program, "SIGTERM");
  assert.equal(await program.ended(), { code: 0, signal: null });
});

test(".env is read, what is set already wins, and warnings are logged", async () => {
  const folder = await tempFolder();
  await writeFile(
    join(folder, ".env"),
    "DATABASE_URL=file:from-env.db\nCONCURRENCY=3\nWEBHOOK_SECERT_A=hunter2\n",
  );
  const program = await begin({ CONCURRENCY: "4" }, folder);
  await listeningPort(program);
  send(program, "SIGTERM");
  await program.ended();
  assert.match(program.said.stdout, /^open file:from-env\.db 4\n/);
  assert.match(program.said.stderr, /"level":"warn","message":"\\"WEBHOOK_SECERT_A\\" is no setting/);
  assert.not.match(program.said.stderr, /hunter2/);
});

test("a stray error that is charged to its run leaves the program alone", async () => {
  const program = await begin({ FAKE: "stray while running" });
  const port = await listeningPort(program);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.is((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
  send(program, "SIGTERM");
  assert.equal(await program.ended(), { code: 0, signal: null });
});

test("a stray error or rejection of our own is logged with its stack and ends the program with 1", async () => {
  const programs = await Promise.all([
    begin({ FAKE: "stray of ours" }),
    begin({ FAKE: "rejection of ours" }),
  ]);
  for (const program of programs) {
    assert.equal(await program.ended(), { code: 1, signal: null });
    assert.match(program.said.stderr, /"message":"ending: [^\n]*stray of ours[^\n]*serve-fake\.ts/);
  }
});

test.run();

type Program = ReturnType<typeof spawnProgram>;

async function begin(env: Record<string, string> = {}, cwd?: string): Promise<Program> {
  return spawnProgram({
    file: FAKE,
    cwd: cwd ?? (await tempFolder()),
    env: { PORT: "0", LOG_FORMAT: "json", ...env },
  });
}

/** Not `child.kill`: after that Deno takes any exit for one by the signal. */
function send({ child }: Program, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) process.kill(child.pid, signal);
}

async function listeningPort({ said, end }: Program): Promise<number> {
  const pattern = /listens on http:\/\/127\.0\.0\.1:(\d+)\n/;
  await until(() => pattern.test(said.stdout) || end() !== null, "the banner");
  return Number(pattern.exec(said.stdout)?.[1] ?? assert.unreachable(`It ended:\n${said.stderr}`));
}
