import { realpath, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { withoutReserved } from "../environment-names.ts";
import { suggest } from "../flows/suggest.ts";
import { builtInSchemeNames } from "../schemes/mod.ts";
import { readSchemes, variablePart } from "../settings-named.ts";
import { type FileFault, lineOf } from "../workflows/file-fault.ts";
import { readFamily } from "../workflows/read-family.ts";
import { type ProviderUse, readFolder } from "../workflows/read-folder.ts";
import { nameOf } from "../workflows/read-workflow.ts";
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
    const env = withoutReserved(terminal.env);
    const known = [...builtInSchemeNames(), ...Object.keys(readSchemes({ env: terminal.env, faults: [] }))];
    const found: Found[] = [];
    for (const path of new Set(paths))
      found.push(await untilEnd(path, terminal, () => look(path, env, known)));
    const names = found.flatMap((each) => each.names);
    const faults = once(found.flatMap((each) => each.faults));
    const warnings = once(found.flatMap((each) => each.warnings));
    const ok = faults.length === 0;
    if (!given.has("json")) print({ names, faults, warnings }, terminal);
    else {
      const json = JSON.stringify({ ok, workflows: names, faults, warnings });
      // What JSON leaves as it is, among it the C1 controls of terminals, stands in strings only.
      terminal.stdout.write(`${escapeControls(json)}\n`);
    }
    return ok ? 0 : 1;
  },
};

/** What a path holds; files as they are seen from the working folder. */
interface Found {
  /** Of workflows without faults. */
  readonly names: readonly string[];
  readonly faults: readonly FileFault[];
  readonly warnings: readonly FileFault[];
}

/** A module that ends the process while it is loaded must not pass for one without faults. */
async function untilEnd<T>(path: string, { stderr }: Terminal, work: () => Promise<T>): Promise<T> {
  const onExit = (): void => {
    stderr.write(escapeControls(`Cannot check ${path}: a module in it ends the process, or waits for ever`));
    stderr.write("\n");
    process.exitCode = 1;
  };
  process.once("exit", onExit);
  try {
    return await work();
  } finally {
    process.off("exit", onExit);
  }
}

/** A workflow that two others run is looked at with each of them. */
function once(faults: readonly FileFault[]): FileFault[] {
  return [...new Map(faults.map((fault) => [lineOf(fault), fault])).values()];
}

async function look(path: string, env: Terminal["env"], known: readonly string[]): Promise<Found> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => null,
  );
  if (isFolder === null) {
    const detail = "there is no such file or folder; name one, or set WORKFLOWS_DIR";
    return { names: [], faults: [{ file: path, detail }], warnings: [] };
  }
  const { names, providers, ...found } = isFolder ? await lookInto(path, env) : await lookAt(path, env);
  const faults = [...found.faults, ...strangers(providers, known)];
  const folder = isFolder ? path : dirname(path);
  const seen = ({ file, ...fault }: FileFault): FileFault => ({
    file: fromHere(join(folder, file)),
    ...fault,
  });
  const wrong = new Set(faults.map(({ file }) => nameOf(file)));
  return {
    names: names.filter((name) => !wrong.has(name)),
    faults: faults.map(seen),
    warnings: found.warnings.map(seen),
  };
}

/** A start is refused for them, too. */
function strangers(providers: readonly ProviderUse[], known: readonly string[]): FileFault[] {
  return providers
    .filter(({ name }) => !known.includes(name))
    .map(({ name, ...place }) => {
      const own = `WEBHOOK_SCHEME_${variablePart(name)}`;
      const detail = `Cannot take deliveries of provider ${JSON.stringify(name)} without ${own}: ${suggest(name, known)}`;
      return { ...place, detail };
    });
}

/** As terminals open it: from the working folder where it lies in it. */
function fromHere(path: string): string {
  const seen = relative(process.cwd(), path);
  return seen.startsWith("..") ? path : seen;
}

interface Looked extends Found {
  readonly providers: readonly ProviderUse[];
}

async function lookInto(folder: string, env: Terminal["env"]): Promise<Looked> {
  const { loaded, ...found } = await readFolder(await realpath(folder), { env });
  return { names: loaded.map(({ name }) => name), ...found };
}

async function lookAt(file: string, env: Terminal["env"]): Promise<Looked> {
  const { workflow, ...found } = await readFamily(file, env);
  return { names: workflow === null ? [] : [nameOf(file)], ...found };
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
