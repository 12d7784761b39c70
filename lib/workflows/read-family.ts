import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FlowHost } from "../flows/node-kind.ts";
import type { AnyWorkflow } from "../workflow.ts";
import type { FileFault } from "./file-fault.ts";
import { folderHost } from "./folder-host.ts";
import { isWorkflowFile, nameOf, readWorkflow } from "./read-workflow.ts";

/** A workflow, and what its file and those of the workflows that it runs say besides. */
export interface Family {
  readonly workflow: AnyWorkflow;
  readonly warnings: readonly FileFault[];
}

/**
 * Reads one file as a workflow, and from the same folder the workflows that it runs.
 *
 * @throws what `readWorkflow` throws; a `FlowError` for one that is not there or runs itself
 */
export async function readFamily(path: string, env: FlowHost["env"]): Promise<Family> {
  const root = await realpath(dirname(path));
  const family = new Map<string, AnyWorkflow>();
  const warnings: FileFault[] = [];
  const host = folderHost(root, env, (name) => family.get(name));
  const load = async (from: string, parents: readonly string[]): Promise<AnyWorkflow> => {
    const { workflow, children, ...found } = await readWorkflow(from, host);
    warnings.push(...found.warnings.map((warning) => ({ file: basename(from), ...warning })));
    for (const { name, ...child } of children) {
      const childFile = (await readdir(root)).find(
        (other) => isWorkflowFile(other) && nameOf(other) === name,
      );
      if (parents.includes(name) || childFile === undefined) {
        const itself = `Cannot run workflow ${JSON.stringify(name)} here: it runs this one itself`;
        const { FlowError } = await import("../flows/parse.ts");
        throw new FlowError(basename(from), [childFile === undefined ? child : { ...child, detail: itself }]);
      }
      if (!family.has(name)) family.set(name, await load(join(root, childFile), [...parents, name]));
    }
    return workflow;
  };
  return { workflow: await load(path, [nameOf(path)]), warnings };
}
