/**
 * `npm run bench`: the whole comparison on the machine at hand, in rounds in which the servers take turns. Prints ratios
 * with their spread and writes RESULTS.md and results.svg beside this file.
 *
 * `--quick` short rounds, `--only NAME,...` of measurements or servers, `--rounds N`, `--seconds N`, `--rows N` events
 * in the full file, `--no-write`. The data lies in a new folder under the system's folder for such files (TMPDIR).
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bench } from "./bench.ts";
import { type Contestant, findContestants } from "./contestants.ts";
import { GENERATOR } from "./drive.ts";
import type { Figure } from "./figures.ts";
import { fileSystemOf, loadLine, machineLines } from "./machine.ts";
import { measureBurst } from "./measures/burst.ts";
import { measureFlows } from "./measures/flows.ts";
import { measureFullFile } from "./measures/full-file.ts";
import { measureHalfLoad } from "./measures/half-load.ts";
import { measureLone } from "./measures/lone.ts";
import { measureRates } from "./measures/rates.ts";
import { measureRest } from "./measures/rest.ts";
import { measureShapes } from "./measures/shapes.ts";
import { measureVerify } from "./measures/verify.ts";
import { type Options, parseOptions } from "./options.ts";
import { plotSvg } from "./plot.ts";
import { resultsMarkdown } from "./results.ts";
import { BENCH } from "./root.ts";
import { CONCURRENCY } from "./servers/latchhook.ts";
import { tableText } from "./table.ts";

const MEASURES: Readonly<Record<string, (bench: Bench) => Promise<Figure[]>>> = {
  rates: measureRates,
  lone: measureLone,
  shapes: measureShapes,
  "half-load": measureHalfLoad,
  "full-file": measureFullFile,
  burst: measureBurst,
  rest: measureRest,
  verify: measureVerify,
  flows: measureFlows,
};

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const contestants = findContestants();
  const names = contestants.map(({ name }) => name);
  const options = parseOptions(args, Object.keys(MEASURES), names);
  const folder = mkdtempSync(join(tmpdir(), "latchhook-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

  const bench = new Bench(options, folder, contestants);
  for (const { name, missing } of contestants)
    if (missing !== null) console.log(`skipped ${name}: ${missing}`);
  console.log(`load by ${GENERATOR}; load average at the start ${loadLine()}`);
  const loadAtStart = loadLine();
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(MEASURES)) {
    if (options.measures.length > 0 && !options.measures.includes(name)) continue;
    console.log(name);
    try {
      figures.push(...(await measure(bench)));
    } catch (error) {
      bench.fail(name, error);
    }
  }
  console.log(tableText(figures));
  if (bench.failures.length > 0) console.log(`\nFailed:\n  ${bench.failures.join("\n  ")}`);
  if (options.isWriting) write(bench, figures, contestants, args, loadAtStart);
  process.exitCode = bench.failures.length > 0 ? 1 : 0;
}

function write(
  bench: Bench,
  figures: readonly Figure[],
  contestants: readonly Contestant[],
  args: readonly string[],
  loadAtStart: string,
): void {
  const { rounds, seconds } = bench.options;
  const engines = new Set([...bench.about.values()].map(({ engine }) => engine));
  const facts = {
    date: new Date().toISOString().slice(0, 10),
    command: ["npm run bench", ...(args.length > 0 ? ["--", ...args] : [])].join(" "),
    ...{ rounds, seconds, contestants, failures: bench.failures, generator: GENERATOR },
    machine: [...machineLines(bench.folder), `load average before: ${loadAtStart}; after: ${loadLine()}`],
    versions: [
      `SQLite: ${[...engines].filter((engine) => engine !== undefined).join(", ")}`,
      ...new Set(contestants.map(({ versions }) => versions).filter((text) => text !== "")),
    ],
    notes: notesOf(bench.options, bench.folder),
  };
  writeFileSync(join(BENCH, "RESULTS.md"), resultsMarkdown(figures, facts));
  const [first] = figures;
  if (first === undefined) return;
  const shown = figures.filter(({ section }) => section === first.section);
  writeFileSync(join(BENCH, "results.svg"), plotSvg(`${first.section}, as a ratio to ${first.base}`, shown));
}

function notesOf(options: Options, folder: string): string[] {
  const isVolatile = ["tmpfs", "ramfs", "overlay"].includes(fileSystemOf(folder));
  return [
    ...(options.isQuick ? ["These are quick rounds, too short to mean much."] : []),
    ...(isVolatile ? ["The data's file system may not fsync to a disk: set TMPDIR to a folder on one."] : []),
    `The load comes from ${GENERATOR}, over loopback, on the same machine; a given rate or number of requests comes from bench/load.ts.`,
    "wrk and bench/load.ts send as much as the server answers, so a p99 of such a load is mostly waiting in line, and wrk adds what a stall kept it from sending. The burst comes from one process of bench/load.ts, which may be what bounds the bare server there.",
    "Bodies and signatures are made before the clock starts, each with a random webhook_id of its own. A round fails if an answer has another status than the wanted one, or if the file does not hold as many events as were answered.",
    "Latchhook is the program itself with LOG_LEVEL=warn, so that it does not write a line for each delivery.",
    `Where it runs what it accepts, CONCURRENCY=${CONCURRENCY}; the default is 16. The runs' rate counts all runs of a load, from its start to the end of the last one.`,
    "Peers that store use WAL and synchronous=FULL and one transaction for each request, as Latchhook promises the same. Those on Node use the project's own build of better-sqlite3; plainjob sets synchronous=NORMAL by itself and is set to FULL.",
  ];
}
