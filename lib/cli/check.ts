import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { isReservedVariable } from "../environment-names.ts";
import { type FileFault, faultsOf, lineOf } from "../workflows/file-fault.ts";
import { readFamily } from "../workflows/read-family.ts";
import { readFolder } from "../workflows/read-folder.ts";
import { readArguments } from "./arguments.ts";
import type { Command, Terminal } from "./command.ts";
import { escapeControls } from "./program-log.ts";

/** More folders and files than anybody types. */
const PATHS_MAX = 1_000;

/** Names every fault of the workflows, as a start would, and starts nothing. */
export const check: Command = {
  summary: "name every fault of the workflows, with line and column",
  usage: `check [PATH...] [options]

  --json  one JSON object: ok, workflows, faults and warnings, each with file, line, column and detail

A path is a folder of workflows or a file; without one it is the folder that the server loads, WORKFLOWS_DIR or workflows.
What the workflows need of the environment is looked for as at a start. Nothing is started, and no database opened. The
exit code is 1 where there is a fault.`,
  async run(args, terminal) {
    const given = readArguments(args, { json: "boolean" }, PATHS_MAX);
    const paths = given.words.length > 0 ? given.words : [terminal.env.WORKFLOWS_DIR || "workflows"];
    const env = Object.fromEntries(
      Object.entries(terminal.env).filter(([name]) => !isReservedVariable(name)),
    );
    const found: Found[] = [];
    for (const path of paths) found.push(await look(path, env));
    const names = found.flatMap((each) => each.names);
    const faults = found.flatMap((each) => each.faults);
    const warnings = found.flatMap((each) => each.warnings);
    const ok = faults.length === 0;
    if (!given.has("json")) print({ names, faults, warnings }, terminal);
    else terminal.stdout.write(`${JSON.stringify({ ok, workflows: names, faults, warnings })}\n`);
    return ok ? 0 : 1;
  },
};

/** What a path holds; files as they are seen from the working folder. */
interface Found {
  readonly names: readonly string[];
  readonly faults: readonly FileFault[];
  readonly warnings: readonly FileFault[];
}

async function look(path: string, env: Terminal["env"]): Promise<Found> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => null,
  );
  if (isFolder === null) {
    const detail = "there is no such file or folder; name one, or set WORKFLOWS_DIR";
    return { names: [], faults: [{ file: path, detail }], warnings: [] };
  }
  const { names, faults, warnings } = isFolder ? await lookInto(path, env) : await lookAt(path, env);
  const folder = isFolder ? path : dirname(path);
  const seen = ({ file, ...fault }: FileFault): FileFault => ({
    file: fromHere(join(folder, file)),
    ...fault,
  });
  return { names, faults: faults.map(seen), warnings: warnings.map(seen) };
}

/** As terminals open it: from the working folder where it lies in it. */
function fromHere(path: string): string {
  const seen = relative(process.cwd(), path);
  return seen.startsWith("..") ? path : seen;
}

async function lookInto(folder: string, env: Terminal["env"]): Promise<Found> {
  const { loaded, faults, warnings } = await readFolder(await realpath(folder), { env });
  return { names: loaded.map(({ name }) => name), faults, warnings };
}

async function lookAt(file: string, env: Terminal["env"]): Promise<Found> {
  const name = basename(file);
  try {
    const { warnings } = await readFamily(file, env);
    return { names: [name.replace(/\.[^.]+$/, "")], faults: [], warnings };
  } catch (error) {
    return { names: [], faults: faultsOf(name, error), warnings: [] };
  }
}

/** A hostile file must not write to the terminal what it likes. */
function print({ names, faults, warnings }: Found, { stdout }: Terminal): void {
  for (const fault of faults) stdout.write(`${escapeControls(lineOf(fault))}\n`);
  for (const warning of warnings) stdout.write(`${escapeControls(lineOf(warning))} (a warning)\n`);
  stdout.write(
    `${count(names, "workflow")} without faults, ${count(faults, "fault")}, ${count(warnings, "warning")}\n`,
  );
}

function count(all: readonly unknown[], what: string): string {
  return `${all.length} ${what}${all.length === 1 ? "" : "s"}`;
}
