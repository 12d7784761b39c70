import { realpath, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { messageOf, WebhookError } from "../errors.ts";
import type { FlowHost } from "../flows/node-kind.ts";
import type { Log } from "../log.ts";
import type { AnyWorkflow, NamedWorkflow } from "../workflow.ts";
import { lineOf } from "./file-fault.ts";
import { readFamily } from "./read-family.ts";
import { type LoadOptions, readFolder } from "./read-folder.ts";

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
 * The workflow of one file, wherever it lies. Workflows that it names, its functions and its tools are looked for beside
 * it.
 *
 * @param file a path or a `file:` URL that ends in `.ts`, `.js`, `.yaml`, `.yml` or `.json`
 * @throws {TypeError} another ending, or a module without a workflow
 * @throws {WebhookError} `flow_invalid`, with every fault of the file
 */
export async function loadWorkflowFile(file: string | URL, env: FlowHost["env"]): Promise<AnyWorkflow> {
  const path = typeof file === "string" && !file.startsWith("file:") ? file : fileURLToPath(file);
  const { workflow, faults, errors } = await readFamily(path, env);
  if (errors.length > 0) throw errors[0];
  if (workflow !== null && faults.length === 0) return workflow;
  throw new WebhookError("flow_invalid", faults.map(lineOf).join("\n"));
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
