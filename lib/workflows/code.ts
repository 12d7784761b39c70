import { defaultExport } from "../default-export.ts";
import { isWorkflow } from "../define-workflow.ts";
import type { AnyWorkflow } from "../workflow.ts";

/**
 * The workflow that a module exports.
 *
 * @param module what `import()` gave
 * @throws {TypeError} a default export that is missing or was not made by `defineWorkflow`
 */
export function workflowOfModule(module: object): AnyWorkflow {
  const { found, isThere } = defaultExport(module, isWorkflow);
  if (found !== null) return found;
  throw new TypeError(
    isThere
      ? "its default export is no workflow; write export default defineWorkflow({ ... })"
      : "it has no default export; write export default defineWorkflow({ ... }), or begin the file's name with _ if it is no workflow",
  );
}
