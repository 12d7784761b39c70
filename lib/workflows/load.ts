import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, extname, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { messageOf, WebhookError } from "../errors.ts";
import type { FlowHost } from "../flows/node-kind.ts";
import type { ParsedFlow } from "../flows/parse.ts";
import type { Log } from "../log.ts";
import { type AnyWorkflow, type NamedWorkflow, WORKFLOW_NAME } from "../workflow.ts";
import { workflowOfModule } from "./code.ts";
import { importModule } from "./import-module.ts";

const CODE = [".ts", ".js"];
const FLOWS = [".yaml", ".yml", ".json"];

/** A folder of modules may have these of its own, such as a package.json that says `"type": "module"`. */
const TOOLS_FILES = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "jsconfig.json",
  "deno.json",
  "biome.json",
];

/** What is wrong or odd in a file, and where, as far as that is known. */
export interface FileFault {
  /** As it stands in the folder. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly detail: string;
}

/** What a folder holds. */
export interface Folder {
  /** By name. */
  readonly loaded: readonly NamedWorkflow[];
  readonly faults: readonly FileFault[];
  readonly warnings: readonly FileFault[];
  /** What the files threw, where it was no fault of a flow. */
  readonly errors: readonly unknown[];
}

/** What the workflows of a folder are loaded with. */
export interface LoadOptions {
  /** What flows may see of the environment. */
  readonly env: FlowHost["env"];
  /** Workflows that are no files, for flows that name them. */
  readonly given?: Readonly<Record<string, AnyWorkflow>>;
}

/**
 * The workflows of a folder: each `.ts`, `.js`, `.yaml`, `.yml` and `.json` directly in it, named after its file.
 * `_*`, `.*`, `*.test.*`, `*.d.ts`, subfolders and what tools keep there (`package.json`, `tsconfig.json`) are left alone.
 *
 * @param dir a path, or a `file:` URL
 * @param options `isNamed`: somebody asked for this folder, so a missing one is an error and not a warning
 * @returns by name
 * @throws {WebhookError} `workflows_not_loaded`, with a line for each fault of each file
 */
export async function loadWorkflows(
  dir: string | URL,
  { isNamed, log, ...options }: LoadOptions & { isNamed: boolean; log: Log },
): Promise<readonly NamedWorkflow[]> {
  const folder = typeof dir === "string" ? dir : fileURLToPath(dir);
  const root = await findFolder(folder, { isNamed, log });
  if (root === null) return [];
  const { loaded, faults, warnings, errors } = await readFolder(root, options);
  for (const { detail, ...place } of warnings) log.warn(detail, place);
  if (faults.length === 0) return loaded;
  const lines = faults.map(lineOf).join("\n");
  throw new WebhookError("workflows_not_loaded", `Cannot load workflows of ${folder}\n${lines}`, {
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}

/**
 * Everything that a folder holds, right and wrong.
 *
 * @param root its real path
 */
export async function readFolder(root: string, { env, given = {} }: LoadOptions): Promise<Folder> {
  const byName = new Map(Object.entries(given));
  const host = folderHost(root, env, (name) => byName.get(name));
  const loaded: NamedWorkflow[] = [];
  const faults: FileFault[] = [];
  const warnings: FileFault[] = [];
  const errors: unknown[] = [];
  const files = new Map<string, string>();
  const children: (ParsedFlow["children"][number] & { file: string; parent: string })[] = [];
  for (const file of (await readdir(root)).filter(isWorkflowFile).sort()) {
    try {
      const found = await loadNamed(root, file, host);
      if (found === null) continue;
      const { name } = found.named;
      const other = files.get(name);
      if (other !== undefined) throw new TypeError(`its name is taken by ${other}; rename one`);
      files.set(name, file);
      byName.set(name, found.named.workflow);
      loaded.push(found.named);
      warnings.push(...found.warnings.map((warning) => ({ file, ...warning })));
      children.push(...found.children.map((child) => ({ file, parent: name, ...child })));
    } catch (error) {
      faults.push(...faultsOf(file, error));
      errors.push(error);
    }
  }
  // A file with faults is there all the same: to say that it is not would send people to the wrong place.
  const isThere = (name: string): boolean =>
    byName.has(name) || faults.some(({ file }) => nameOf(file) === name);
  for (const { name, parent, ...child } of children) {
    if (!isThere(name)) faults.push({ ...child, detail: child.detail });
    else if (leadsTo(name, parent, children)) {
      faults.push({
        ...child,
        detail: `Cannot run workflow ${JSON.stringify(name)} here: it runs ${JSON.stringify(parent)} itself`,
      });
    }
  }
  return { loaded: loaded.sort((a, b) => (a.name < b.name ? -1 : 1)), faults, warnings, errors };
}

function leadsTo(from: string, to: string, children: readonly { parent: string; name: string }[]): boolean {
  const reached = new Set([from]);
  // A Set hands on what is added while it is walked.
  for (const name of reached)
    for (const child of children) if (child.parent === name) reached.add(child.name);
  return reached.has(to);
}

/** A fault as a line that editors and terminals can open. */
export function lineOf({ file, line, column, detail }: FileFault): string {
  return line === undefined ? `${file}: ${detail}` : `${file}:${line}:${column}: ${detail}`;
}

/**
 * The workflow of one file, wherever it lies. Workflows that it names, its functions and its tools are looked for beside
 * it.
 *
 * @param file a path or a `file:` URL that ends in `.ts`, `.js`, `.yaml`, `.yml` or `.json`
 * @throws {TypeError} another ending, or a module without a workflow
 * @throws {WebhookError} `flow_invalid`, with every fault of the file
 */
export async function loadWorkflowFile(file: string | URL, env: FlowHost["env"]): Promise<AnyWorkflow> {
  const path = typeof file === "string" ? file : fileURLToPath(file);
  const root = await realpath(dirname(path));
  const family = new Map<string, AnyWorkflow>();
  const host = folderHost(root, env, (name) => family.get(name));
  const load = async (from: string, parents: readonly string[]): Promise<AnyWorkflow> => {
    const { workflow, children } = await readWorkflow(from, host);
    for (const { name, ...child } of children) {
      const childFile = (await readdir(root)).find(
        (other) => isWorkflowFile(other) && nameOf(other) === name,
      );
      const isLoop = parents.includes(name);
      if (isLoop || childFile === undefined) {
        const detail = isLoop
          ? `Cannot run workflow ${JSON.stringify(name)} here: it runs this one itself`
          : child.detail;
        const { FlowError } = await import("../flows/parse.ts");
        throw new FlowError(basename(from), [{ ...child, detail }]);
      }
      if (!family.has(name)) family.set(name, await load(join(root, childFile), [...parents, name]));
    }
    return workflow;
  };
  return await load(path, [nameOf(path)]);
}

/** What flows get from the folder that they lie in. */
export function folderHost(
  root: string,
  env: FlowHost["env"],
  findWorkflow: FlowHost["findWorkflow"],
): FlowHost {
  return {
    env,
    findWorkflow,
    async importModule(path) {
      const paths = CODE.includes(extname(path)) ? [path] : CODE.map((ending) => path + ending);
      for (const candidate of paths) {
        const file = await realpath(join(root, candidate)).catch(() => null);
        if (file !== null && isInside(file, root)) return await importModule(pathToFileURL(file).href);
      }
      throw new TypeError(`there is no file ${paths.join(" or ")} in ${root}`);
    },
  };
}

async function readWorkflow(path: string, host: FlowHost): Promise<ParsedFlow> {
  const ending = extname(path);
  if (FLOWS.includes(ending)) {
    // With its YAML parser this is a sixth of all that a start reads, and many folders have no flow.
    const { parseFlow } = await import("../flows/parse.ts");
    return await parseFlow(await readFile(path, "utf8"), basename(path), host);
  }
  if (CODE.includes(ending)) {
    const workflow = workflowOfModule(await importModule(pathToFileURL(path).href));
    return { workflow, warnings: [], children: [] };
  }
  throw new TypeError(
    `Cannot load ${basename(path)} as a workflow: give a file that ends in ${[...CODE, ...FLOWS].join(", ")}`,
  );
}

/** The folder's real path, or null for a missing one that nobody asked for. */
async function findFolder(folder: string, options: { isNamed: boolean; log: Log }): Promise<string | null> {
  const root = await realpath(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw notLoaded(folder, messageOf(error), error);
  });
  if (root === null && options.isNamed)
    throw notLoaded(folder, "there is no such folder; make it or name another");
  if (root === null) {
    options.log.warn("no workflows folder", { folder });
  } else if (!(await stat(root)).isDirectory()) {
    throw notLoaded(folder, "it is no folder; name the folder that the files are in");
  }
  return root;
}

function notLoaded(folder: string, reason: string, cause?: unknown): WebhookError {
  return new WebhookError("workflows_not_loaded", `Cannot load workflows of ${folder}: ${reason}`, { cause });
}

function isWorkflowFile(fileName: string): boolean {
  if (TOOLS_FILES.includes(fileName)) return false;
  if (/^[._]|\.test\.[^.]+$|\.d\.ts$/.test(fileName)) return false;
  return [...CODE, ...FLOWS].includes(extname(fileName));
}

interface Found extends Omit<ParsedFlow, "workflow"> {
  readonly named: NamedWorkflow;
}

async function loadNamed(root: string, fileName: string, host: FlowHost): Promise<Found | null> {
  const path = await realpath(join(root, fileName));
  if (!isInside(path, root)) {
    throw new TypeError("it is a link that leads out of the folder; copy the file here");
  }
  if (!(await stat(path)).isFile()) return null;
  const name = nameOf(fileName);
  if (!WORKFLOW_NAME.test(name)) {
    throw new TypeError(
      'its name is no workflow\'s: rename it to 1 to 64 lower-case letters, digits, "-" and "_" that begin with a letter or digit, or begin it with _ to leave it out',
    );
  }
  const fileHash = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  const { workflow, warnings, children } = await readWorkflow(path, host);
  return { named: { name, fileHash, workflow }, warnings, children };
}

function nameOf(path: string): string {
  return basename(path, extname(path));
}

function isInside(path: string, root: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** A flow's faults have their places. */
function faultsOf(file: string, error: unknown): FileFault[] {
  const { places } = error as { places?: readonly Omit<FileFault, "file">[] };
  if (error instanceof WebhookError && places !== undefined)
    return places.map((place) => ({ file, ...place }));
  return messageOf(error)
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((detail) => ({ file, detail }));
}
