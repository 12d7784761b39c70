/**
 * `npm run test:runtimes`: the same suites on the newest Node, on Deno and on Bun, and on each, and on the Node of long
 * support, the program as a person starts it. The runtimes come from npm into `.runtimes/`, at the versions of the
 * lock file beside this file. Arguments pick runtimes by name: `npm run test:runtimes -- bun`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installLocked } from "../support/install-locked.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const INSTALLED = join(ROOT, ".runtimes");

const SUITES_TIMEOUT_MS = 20 * 60_000;
const START_TIMEOUT_MS = 30_000;
const RUN_TIMEOUT_MS = 15_000;
/** Above the 8 s that a shutdown may take. */
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 20;

interface Runtime {
  name: string;
  /** In `.runtimes/node_modules/`. */
  file: string;
  args: readonly string[];
  hasSuites: boolean;
}

const RUNTIMES: readonly Runtime[] = [
  { name: "node", file: "node/bin/node", args: [], hasSuites: true },
  { name: "node24", file: "node24/bin/node", args: [], hasSuites: false },
  { name: "deno", file: ".bin/deno", args: ["run", "-A"], hasSuites: true },
  { name: "bun", file: ".bin/bun", args: [], hasSuites: true },
];

interface Row {
  runtime: string;
  version: string;
  suite: string;
  smoke: string;
  passed: number;
  failed: number;
}

const running = new Set<ChildProcess>();

await main(process.argv.slice(2));

async function main(names: readonly string[]): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      for (const child of running) child.kill("SIGTERM");
      process.exit(1);
    });
  }
  const chosen = RUNTIMES.filter(({ name }) => names.length === 0 || names.includes(name));
  const rows: Row[] = [];
  try {
    await installLocked(HERE, INSTALLED);
    for (const runtime of chosen) rows.push(await tryRuntime(runtime));
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
  }
  printTable(rows);
  // What could not be tried at all has failed, so that a broken install is never silent.
  const untried = Math.max(chosen.length - rows.length, rows.length === 0 ? 1 : 0);
  const passed = rows.reduce((sum, row) => sum + row.passed, 0);
  const failed = rows.reduce((sum, row) => sum + row.failed, untried);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

async function tryRuntime(runtime: Runtime): Promise<Row> {
  const row: Row = { runtime: runtime.name, version: "?", suite: "-", smoke: "", passed: 0, failed: 0 };
  const program = join(INSTALLED, "node_modules", runtime.file);
  const about = await run(program, ["--version"], { timeoutMs: START_TIMEOUT_MS });
  row.version = /\d+\.\d+\.\d+/.exec(about.output)?.[0] ?? "?";
  if (runtime.hasSuites) {
    const suites = await runSuites(runtime, program);
    row.passed += suites.passed;
    row.failed += suites.failed;
    row.suite = `${suites.passed} passed, ${suites.failed} failed`;
  }
  try {
    await smoke(program, [...runtime.args, "mod.ts"]);
    row.smoke = "ok";
    row.passed++;
  } catch (error) {
    row.smoke = "failed";
    row.failed++;
    console.log(`\nFAIL  ${runtime.name}: ${error instanceof Error ? error.message : error}\n`);
  }
  return row;
}

async function runSuites(
  { name, args }: Runtime,
  program: string,
): Promise<{ passed: number; failed: number }> {
  console.log(`Running the suites on ${name}`);
  const end = await run(program, [...args, "tests/run.ts"], { timeoutMs: SUITES_TIMEOUT_MS });
  const sums = [...end.output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  const passed = Number(sums?.[1] ?? 0);
  const failed = Number(sums?.[2] ?? 0);
  if (end.code === 0 && failed === 0 && passed > 0) return { passed, failed };
  console.log(end.output);
  return { passed, failed: Math.max(failed, 1) };
}

/** Starts the program on an empty database, does what the README does, and stops it as a supervisor would. */
async function smoke(program: string, args: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "latchhook-runtime-"));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const env = { ...ownEnvironment(), PORT: String(port), DATABASE_URL: `file:${join(folder, "smoke.db")}` };
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  let end = "";
  child.on("error", (error) => {
    end ||= error.message;
  });
  child.on("exit", (code, signal) => {
    end ||= code === null ? `signal ${signal}` : `code ${code}`;
  });
  const hasEnded = () => end !== "";
  try {
    await waitFor(
      () => hasEnded() || said.stdout.includes("http://"),
      START_TIMEOUT_MS,
      "the start's banner",
    );
    if (hasEnded()) throw new Error(`The program ended with ${end} before it said where it listens`);
    const runId = await postReadmeBody(origin);
    await waitFor(
      async () => (await readStatus(origin, runId)) === "succeeded",
      RUN_TIMEOUT_MS,
      `run ${runId}`,
    );
    child.kill("SIGTERM");
    await waitFor(hasEnded, STOP_TIMEOUT_MS, "the end after SIGTERM");
    if (end !== "code 0") throw new Error(`After SIGTERM the program ended with ${end}`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\n${said.stdout}${said.stderr}`, { cause: error });
  } finally {
    if (!hasEnded()) child.kill("SIGKILL");
    running.delete(child);
    await rm(folder, { recursive: true, force: true });
  }
}

async function readStatus(origin: string, runId: string): Promise<string> {
  const run = await (await fetch(`${origin}/runs/${runId}`)).json();
  if (run.status === "failed") throw new Error(`Run ${runId} failed: ${JSON.stringify(run.error)}`);
  return run.status;
}

/** The first delivery that a reader of README.md makes; returns its run_id. */
async function postReadmeBody(origin: string): Promise<string> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const body =
    /\bcurl\b(?:(?!```)[\s\S])*?\/webhooks\/generic(?:(?!```)[\s\S])*?(?:-d|--data\S*) '([^']+)'/.exec(
      readme,
    )?.[1];
  if (body === undefined) throw new Error("README.md has no curl to /webhooks/generic with -d '...'");
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${origin}/webhooks/generic`, { method: "POST", headers, body });
  const text = await answer.text();
  if (answer.status !== 202) throw new Error(`POST /webhooks/generic answered ${answer.status}: ${text}`);
  return JSON.parse(text).run_id;
}

/** The environment without what would set up the server that we try. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(HOST|PORT|DATABASE_URL|WORKFLOWS_DIR|WEBHOOK_.*|ADMIN_TOKEN.*|TRUST_PROXY|ROLE|CONCURRENCY|LOG_.*|NODE_ENV|NODE_OPTIONS|NODE_V8_COVERAGE)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** Runs a command to its end; past its time it is told to stop and counts as failed. */
function run(
  command: string,
  args: readonly string[],
  { cwd = ROOT, timeoutMs }: { cwd?: string; timeoutMs: number },
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        output += text;
      });
    }
    const timeout = setTimeout(() => child.kill("SIGTERM"), timeoutMs);
    const finish = (code: number) => {
      clearTimeout(timeout);
      running.delete(child);
      resolve({ code, output });
    };
    child.on("error", (error) => {
      output += error.message;
      finish(1);
    });
    child.on("close", (code) => finish(code ?? 1));
  });
}

async function waitFor(
  check: () => boolean | Promise<boolean>,
  timeoutMs: number,
  what: string,
): Promise<void> {
  const endAt = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() >= endAt) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A port that nobody listens on. Between here and the program's start another may take it; then the smoke fails. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function printTable(rows: readonly Row[]): void {
  const lines = [
    ["runtime", "version", "suite", "smoke"],
    ...rows.map((row) => [row.runtime, row.version, row.suite, row.smoke]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  console.log("");
  for (const line of lines)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(" | ")
        .trimEnd(),
    );
  console.log("");
}
