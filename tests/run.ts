/**
 * `npm test`: runs every suite in a process of its own, with the runtime that runs this file, and adds up the counts.
 * uvu alone has no time-out, and a suite that dies before its first test looks to it like one that passed.
 * Arguments pick suites by a part of their path: `npm test -- accept floors`. `--faults`, as `npm run test:faults` says
 * it, takes the suites of `tests/faults/` instead: one at a time, for they flood, freeze and kill, and with more time.
 */
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const TESTS = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Run by hand or by another script (faults, runtimes, vendors), or only read by suites (fixtures). */
const OTHER_FOLDERS = new Set(["faults", "runtimes", "vendors", "fixtures"]);
const HAS_FAULTS = process.argv.includes("--faults");
const FOLDER = HAS_FAULTS ? join(TESTS, "faults") : TESTS;
const SUITES_AT_ONCE = HAS_FAULTS ? 1 : 3;
const SUITE_TIMEOUT_MS = HAS_FAULTS ? 600_000 : 60_000;
/** A process that a suite left behind may hold its output open; after its end we wait no longer than this. */
const OUTPUT_GRACE_MS = 2_000;

interface Outcome {
  name: string;
  passed: number;
  failed: number;
  /** Why the suite failed as a whole, one entry a reason. */
  faults: string[];
  output: string;
  seconds: number;
}

/** Process groups of the suites under way; they do not get the terminal's Ctrl-C themselves. */
const groups = new Set<number>();

await main(process.argv.slice(2).filter((argument) => argument !== "--faults"));

async function main(filters: readonly string[]): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      for (const pid of groups) killGroup(pid);
      process.exit(1);
    });
  }
  const names = (await findSuites(FOLDER)).filter(
    (name) => filters.length === 0 || filters.some((filter) => name.includes(filter)),
  );
  const outcomes: Outcome[] = [];
  const queue = [...names];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const outcome = await runSuite(name);
      outcomes.push(outcome);
      report(outcome);
    }
  };
  await Promise.all(Array.from({ length: SUITES_AT_ONCE }, work));

  if (names.length === 0)
    console.log(`No suite found${filters.length > 0 ? ` for ${filters.join(" ")}` : ""}`);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, names.length === 0 ? 1 : 0);
  for (const outcome of outcomes.filter(({ failed }) => failed > 0)) console.log(`FAIL  ${outcome.name}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** Paths of all suites relative to `tests/`, sorted. */
async function findSuites(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) return entry.name.endsWith(".test.ts") ? [relative(TESTS, path)] : [];
      return folder === TESTS && OTHER_FOLDERS.has(entry.name) ? [] : findSuites(path);
    }),
  );
  return found.flat().sort();
}

/** The command that runs a TypeScript file on the runtime we are on ourselves. */
function commandFor(file: string): [string, ...string[]] {
  if (process.versions.deno !== undefined) return [process.execPath, "run", "-A", "--no-lock", file];
  // Node 20 needs tsx; from 22.18 on, Node strips the types itself, as Bun does.
  const isStripping = process.versions.bun !== undefined || Boolean(process.features.typescript);
  return isStripping ? [process.execPath, file] : [process.execPath, "--import", "tsx", file];
}

async function runSuite(name: string): Promise<Outcome> {
  const startedAt = performance.now();
  const end = await runProcess(join(TESTS, name));
  const faults = [...end.faults];
  const counts = parseSummary(end.output);
  if (counts === null) faults.push("printed no summary");
  else if (counts.passed === 0) faults.push("passed no test");
  if (counts !== null && counts.skipped > 0) faults.push(`skipped ${counts.skipped} tests`);
  // A test that uvu did not get to (a hook threw) is missing from its failures, not from its total.
  const failed = counts === null ? 0 : counts.total - counts.passed;
  return {
    name,
    passed: counts?.passed ?? 0,
    failed: failed === 0 && faults.length > 0 ? 1 : failed,
    faults,
    output: end.output,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

/** Runs a file to its end, or kills it with all that it started. */
function runProcess(file: string): Promise<{ output: string; faults: string[] }> {
  return new Promise((resolve) => {
    const [command, ...args] = commandFor(file);
    // A group of its own, so that servers which a killed suite leaves behind go with it.
    const child = spawn(command, args, { cwd: ROOT, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const pid = child.pid;
    const faults: string[] = [];
    const chunks: Buffer[] = [];
    let isDone = false;
    if (pid !== undefined) groups.add(pid);
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    const timeout = setTimeout(() => {
      faults.push(`not done after ${SUITE_TIMEOUT_MS / 1000} s, killed`);
      if (pid !== undefined) killGroup(pid);
    }, SUITE_TIMEOUT_MS);

    child.on("error", (error) => {
      faults.push(`could not start: ${error.message}`);
      finish();
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timeout);
      if (faults.length === 0 && code !== 0)
        faults.push(signal === null ? `exit code ${code}` : `ended by ${signal}`);
      if (pid !== undefined) killGroup(pid);
      setTimeout(finish, OUTPUT_GRACE_MS).unref();
    });
    child.on("close", finish);

    function finish(): void {
      if (isDone) return;
      isDone = true;
      clearTimeout(timeout);
      if (pid !== undefined) groups.delete(pid);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ output: Buffer.concat(chunks).toString("utf8"), faults });
    }
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left of the group, which is the normal end.
  }
}

/** The counts that uvu prints last; null where it did not get there. */
function parseSummary(output: string): { total: number; passed: number; skipped: number } | null {
  const summaries = stripVTControlCharacters(output).matchAll(
    /^ {2}Total: +(\d+)\r?\n {2}Passed: +(\d+)\r?\n {2}Skipped: +(\d+)\r?$/gm,
  );
  const last = [...summaries].at(-1);
  if (last === undefined) return null;
  return { total: Number(last[1]), passed: Number(last[2]), skipped: Number(last[3]) };
}

function report({ name, passed, failed, faults, output, seconds }: Outcome): void {
  if (failed === 0) {
    console.log(`ok    ${name}  ${passed} passed  ${seconds.toFixed(1)} s`);
    return;
  }
  console.log(`\nFAIL  ${name}  ${[`${passed} passed, ${failed} failed`, ...faults].join("; ")}\n${output}`);
}
