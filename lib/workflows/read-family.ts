import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FlowHost } from "../flows/node-kind.ts";
import type { AnyWorkflow } from "../workflow.ts";
import { type FileFault, faultsOf } from "./file-fault.ts";
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
  const family = new Map<string, AnyWorkflow>();
  const seen = new Set<string>();
  const faults: FileFault[] = [];
  const warnings: FileFault[] = [];
  const providers: ProviderUse[] = [];
  const errors: unknown[] = [];
  const host = folderHost(root, env, (name) => family.get(name));
  const load = async (from: string, parents: readonly string[]): Promise<AnyWorkflow | null> => {
    const file = basename(from);
    const found = await readWorkflow(from, host).catch((error: unknown) => {
      errors.push(error);
      faults.push(...faultsOf(file, error));
      return null;
    });
    if (found === null) return null;
    warnings.push(...found.warnings.map((warning) => ({ file, ...warning })));
    providers.push(...found.providers.map((provider) => ({ file, ...provider })));
    for (const { name, ...child } of found.children) {
      const childFile = (await readdir(root)).find(
        (other) => isWorkflowFile(other) && nameOf(other) === name,
      );
      if (childFile === undefined) faults.push({ file, ...child });
      else if (parents.includes(name)) {
        const detail = `Cannot run workflow ${JSON.stringify(name)} here: it runs this one itself`;
        faults.push({ file, ...child, detail });
      } else if (!seen.has(name)) {
        seen.add(name);
        const workflow = await load(join(root, childFile), [...parents, name]);
        if (workflow !== null) family.set(name, workflow);
      }
    }
    return found.workflow;
  };
  return { workflow: await load(path, [nameOf(path)]), faults, warnings, providers, errors };
}
