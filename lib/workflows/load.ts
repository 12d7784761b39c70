import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, extname, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { messageOf, WebhookError } from "../errors.ts";
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
  options: { isNamed: boolean; log: Log },
): Promise<NamedWorkflow[]> {
  const folder = typeof dir === "string" ? dir : fileURLToPath(dir);
  const root = await findFolder(folder, options);
  if (root === null) return [];
  const names = (await readdir(root)).filter(isWorkflowFile).sort();
  const loaded: NamedWorkflow[] = [];
  const faults: string[] = [];
  const errors: unknown[] = [];
  const files = new Map<string, string>();
  for (const fileName of names) {
    try {
      const named = await loadNamed(root, fileName);
      if (named === null) continue;
      const other = files.get(named.name);
      if (other !== undefined) throw new TypeError(`its name is taken by ${other}; rename one`);
      files.set(named.name, fileName);
      loaded.push(named);
    } catch (error) {
      faults.push(...linesOf(fileName, error));
      errors.push(error);
    }
  }
  if (errors.length === 0) return loaded.sort((a, b) => (a.name < b.name ? -1 : 1));
  throw new WebhookError("workflows_not_loaded", `Cannot load workflows of ${folder}\n${faults.join("\n")}`, {
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}

/**
 * The workflow of one file, wherever it lies.
 *
 * @param file a path or a `file:` URL that ends in `.ts`, `.js`, `.yaml`, `.yml` or `.json`
 * @throws {TypeError} another ending, or a module without a workflow
 * @throws {WebhookError} `flow_invalid`, with every fault of the file
 */
export async function loadWorkflowFile(file: string | URL): Promise<AnyWorkflow> {
  const path = typeof file === "string" ? file : fileURLToPath(file);
  const ending = extname(path);
  if (FLOWS.includes(ending)) {
    // With its YAML parser this is a sixth of all that a start reads, and many folders have no flow.
    const { parseFlow } = await import("../flows/parse.ts");
    return parseFlow(await readFile(path, "utf8"), basename(path));
  }
  if (CODE.includes(ending)) return workflowOfModule(await importModule(pathToFileURL(path).href));
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

async function loadNamed(root: string, fileName: string): Promise<NamedWorkflow | null> {
  const path = await realpath(join(root, fileName));
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new TypeError("it is a link that leads out of the folder; copy the file here");
  }
  if (!(await stat(path)).isFile()) return null;
  const name = basename(fileName, extname(fileName));
  if (!WORKFLOW_NAME.test(name)) {
    throw new TypeError(
      'its name is no workflow\'s: rename it to 1 to 64 lower-case letters, digits, "-" and "_" that begin with a letter or digit, or begin it with _ to leave it out',
    );
  }
  const fileHash = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  return { name, fileHash, workflow: await loadWorkflowFile(path) };
}

/** A flow's faults name their file already. */
function linesOf(fileName: string, error: unknown): string[] {
  const lines = messageOf(error)
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines.map((line) => (line.startsWith(`${fileName}:`) ? line : `${fileName}: ${line}`));
}
