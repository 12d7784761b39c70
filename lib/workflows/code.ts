import { isWorkflow } from "../define-workflow.ts";
import type { AnyWorkflow } from "../workflow.ts";

/**
 * The workflow that a module exports.
 *
 * @param module what `import()` gave
 * @throws {TypeError} a default export that is missing or was not made by `defineWorkflow`
 */
export function workflowOfModule(module: object): AnyWorkflow {
  const exported: unknown = Reflect.get(module, "default");
  if (isWorkflow(exported)) return exported;
  // A module that was turned into CommonJS has its default export one level down.
  const inner: unknown =
    typeof exported === "object" && exported !== null ? Reflect.get(exported, "default") : null;
  if (isWorkflow(inner)) return inner;
  throw new TypeError(
    exported === undefined
      ? "it has no default export; write export default defineWorkflow({ ... }), or begin the file's name with _ if it is no workflow"
      : "its default export is no workflow; write export default defineWorkflow({ ... })",
  );
}
