import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Fields } from "../flows/fields.ts";
import type { FlowHost } from "../flows/node-kind.ts";
import type { ChildUse, ParsedFlow } from "../flows/parse.ts";
import { type AnyWorkflow, type NamedWorkflow, WORKFLOW_NAME } from "../workflow.ts";
import { type FileFault, faultsOf, noSuchChild, ownParent } from "./file-fault.ts";
import { folderHost, isInside } from "./folder-host.ts";
import { isWorkflowFile, nameOf, readWorkflow } from "./read-workflow.ts";

/** A provider that a workflow's `on` names, and where, as far as that is known. */
export interface ProviderUse extends Omit<FileFault, "detail"> {
  readonly name: string;
}

/** What a folder holds. */
export interface Folder {
  /** By name. */
  readonly loaded: readonly NamedWorkflow[];
  readonly faults: readonly FileFault[];
  readonly warnings: readonly FileFault[];
  readonly providers: readonly ProviderUse[];
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
  const providers: ProviderUse[] = [];
  const errors: unknown[] = [];
  const files = new Map<string, string>();
  const fieldsByName = new Map<string, Fields | null>();
  const children: (ChildUse & { file: string; parent: string })[] = [];
  for (const file of (await readdir(root)).filter(isWorkflowFile).sort()) {
    try {
      const found = await loadNamed(root, file, host);
      if (found === null) continue;
      const { name } = found.named;
      const other = files.get(name);
      if (other !== undefined) throw new TypeError(`its name is taken by ${other}; rename one`);
      files.set(name, file);
      byName.set(name, found.named.workflow);
      fieldsByName.set(name, found.fields);
      loaded.push(found.named);
      warnings.push(...found.warnings.map((warning) => ({ file, ...warning })));
      providers.push(...found.providers.map((provider) => ({ file, ...provider })));
      children.push(...found.children.map((child) => ({ file, parent: name, ...child })));
    } catch (error) {
      faults.push(...faultsOf(file, error));
      errors.push(error);
    }
  }
  // A file with faults is there all the same: to say that it is not would send people to the wrong place.
  const isThere = (name: string): boolean =>
    byName.has(name) || faults.some(({ file }) => nameOf(file) === name);
  for (const { name, parent, file, at, faultsWith } of children) {
    const fields = fieldsByName.get(name);
    if (!isThere(name)) faults.push(noSuchChild(name, { file, ...at }));
    else if (leadsTo(name, parent, children)) {
      faults.push(ownParent(name, parent, { file, ...at }));
    } else if (fields) faults.push(...faultsWith(fields).map((fault) => ({ file, ...fault })));
  }
  return { loaded: loaded.sort((a, b) => (a.name < b.name ? -1 : 1)), faults, warnings, providers, errors };
}

function leadsTo(from: string, to: string, children: readonly { parent: string; name: string }[]): boolean {
  const reached = new Set([from]);
  // A Set hands on what is added while it is walked.
  for (const name of reached)
    for (const child of children) if (child.parent === name) reached.add(child.name);
  return reached.has(to);
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
  const { workflow, ...found } = await readWorkflow(path, host);
  const fileHash = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  return { named: { name, fileHash, workflow }, ...found };
}
