import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isAlive } from "../support/is-alive.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const test = suite("runner/watchdog");

const WATCHDOG = new URL("../../lib/runner/watchdog.ts", import.meta.url).href;
const GROUPS = new URL("../../lib/process-groups.ts", import.meta.url).href;

test("an event loop that stands still ends the process with one line that names the runs awake", async () => {
  const end = await run(`
    let names = [];
    startWatchdog({ standstillMs: 200, tickMs: 20, runsAwake: () => names });
    names = ["run_1 spin", "run_2 test"];
    setTimeout(() => { for (;;); }, 100);`);
  assert.equal([end.code, end.signal], [null, "SIGKILL"]);
  assert.is(
    end.stderr,
    "The event loop stood still for 0.2 s, so this process ends; runs awake at its last tick: run_1 spin, run_2 test\n",
  );
});

test("an event loop that comes back in time is left alone, again and again", async () => {
  const end = await run(`
    startWatchdog({ standstillMs: 600, tickMs: 20, runsAwake: () => [] });
    let rounds = 0;
    const timer = setInterval(() => {
      const until = performance.now() + 200;
      while (performance.now() < until);
      if (++rounds === 5) clearInterval(timer);
    }, 50);`);
  assert.equal(end, { code: 0, signal: null, stderr: "" });
});

test("a process that was suspended for longer goes on", async () => {
  const end = await run(
    `startWatchdog({ standstillMs: 200, tickMs: 20, runsAwake: () => [] });
    setTimeout(() => {}, 400);
    console.error("ready");`,
    async (pid) => {
      process.kill(pid, "SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 600));
      process.kill(pid, "SIGCONT");
    },
  );
  assert.equal(end, { code: 0, signal: null, stderr: "ready\n" });
});

test("the commands that the process has started end with it, and one that has ended before is left alone", async () => {
  const end = await run(`
    const { spawn } = await import("node:child_process");
    const { forgetGroup, keepGroup } = await import(${JSON.stringify(GROUPS)});
    startWatchdog({ standstillMs: 200, tickMs: 20, runsAwake: () => [] });
    const pids = [1, 2].map(() => spawn("sleep", ["60"], { detached: true, stdio: "ignore" }).pid);
    for (const pid of pids) keepGroup(pid);
    forgetGroup(pids[1]);
    console.error("pids", ...pids);
    setTimeout(() => { for (;;); }, 100);`);
  assert.is(end.signal, "SIGKILL");
  const [kept = 0, forgotten = 0] = (/pids (\d+) (\d+)/.exec(end.stderr) ?? []).slice(1).map(Number);
  await until(() => !isAlive(kept), "the command to end");
  assert.ok(isAlive(forgotten));
  process.kill(forgotten, "SIGKILL");
});

test("it keeps no process alive", async () => {
  const end = await run(`startWatchdog({ runsAwake: () => [] });`);
  assert.equal(end, { code: 0, signal: null, stderr: "" });
});

test("once stopped it ends nothing", async () => {
  const end = await run(`
    const watchdog = startWatchdog({ standstillMs: 100, tickMs: 20, runsAwake: () => [] });
    setTimeout(async () => {
      await watchdog.stop();
      const until = performance.now() + 400;
      while (performance.now() < until);
    }, 50);`);
  assert.equal(end, { code: 0, signal: null, stderr: "" });
});

test.run();

interface End {
  code: number | null;
  signal: string | null;
  stderr: string;
}

/** Runs a program with the runtime that runs this suite. A spinning one cannot be ended from inside, so we kill it after 20 s. */
async function run(code: string, onOutput: (pid: number) => void = () => {}): Promise<End> {
  const file = join(await tempFolder(), "program.mts");
  await writeFile(file, `import { startWatchdog } from ${JSON.stringify(WATCHDOG)};\n${code}`);
  const child = spawn(process.execPath, [...runtimeArgs(), file], { stdio: ["ignore", "ignore", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  let stderr = "";
  child.stderr.once("data", () => child.pid !== undefined && onOutput(child.pid));
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return await new Promise((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stderr });
    });
  });
}

function runtimeArgs(): string[] {
  if (process.versions.deno !== undefined) return ["run", "-A", "--no-lock", "--quiet"];
  const isStripping = process.versions.bun !== undefined || Boolean(process.features.typescript);
  return isStripping ? [] : ["--import", import.meta.resolve("tsx")];
}
