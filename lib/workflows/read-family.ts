import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FlowHost } from "../flows/node-kind.ts";
import type { ParsedFlow } from "../flows/parse.ts";
import type { AnyWorkflow } from "../workflow.ts";
import { type FileFault, faultsOf, noSuchChild, ownParent } from "./file-fault.ts";
import { folderHost } from "./folder-host.ts";
import type { ProviderUse } from "./read-folder.ts";
import { isWorkflowFile, nameOf, readWorkflow } from "./read-workflow.ts";

/** A workflow, and what is to be said of its file and of those of the workflows that it runs. */
export interface Family {
  /** null for a file that cannot be used. */
  readonly workflow: AnyWorkflow | null;
  readonly faults: readonly FileFault[];
  readonly warnings: readonly FileFault[];
  readonly providers: readonly ProviderUse[];
  /** What the files threw. */
  readonly errors: readonly unknown[];
}

/** Reads one file as a workflow, and from the same folder the workflows that it runs. */
export async function readFamily(path: string, env: FlowHost["env"]): Promise<Family> {
  const root = await realpath(dirname(path));
  const family = new Map<string, ParsedFlow>();
  const seen = new Set<string>();
  const faults: FileFault[] = [];
  const warnings: FileFault[] = [];
  const providers: ProviderUse[] = [];
  const errors: unknown[] = [];
  const host = folderHost(root, env, (name) => family.get(name)?.workflow);
  const load = async (from: string, parents: readonly string[]): Promise<ParsedFlow | null> => {
    const file = basename(from);
    const found = await readWorkflow(from, host).catch((error: unknown) => {
      errors.push(error);
      faults.push(...faultsOf(file, error));
      return null;
    });
    if (found === null) return null;
    warnings.push(...found.warnings.map((warning) => ({ file, ...warning })));
    providers.push(...found.providers.map((provider) => ({ file, ...provider })));
    for (const { name, at, faultsWith } of found.children) {
      const childFile = (await readdir(root)).find(
        (other) => isWorkflowFile(other) && nameOf(other) === name,
      );
      if (childFile === undefined) faults.push(noSuchChild(name, { file, ...at }));
      else if (parents.includes(name)) faults.push(ownParent(name, nameOf(file), { file, ...at }));
      else if (!seen.has(name)) {
        seen.add(name);
        const child = await load(join(root, childFile), [...parents, name]);
        if (child !== null) family.set(name, child);
      }
      const fields = family.get(name)?.fields;
      if (fields) faults.push(...faultsWith(fields).map((fault) => ({ file, ...fault })));
    }
    return found;
  };
  const loaded = await load(path, [nameOf(path)]);
  return { workflow: loaded?.workflow ?? null, faults, warnings, providers, errors };
}
