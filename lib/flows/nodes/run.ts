import * as v from "valibot";
import { messageOf } from "../../errors.ts";
import { asJson } from "../../stored-result.ts";
import { withTold } from "../../stray.ts";
import { show } from "../fault.ts";
import { inNode } from "../in-node.ts";
import type { NodeKind } from "../node-kind.ts";
import { WHOLE } from "../outputs.ts";
import { secretHider } from "../secret-hider.ts";
import { compileTemplates } from "../template.ts";

/** `FILE#NAME`: a function that a module in the workflows folder exports; without `#NAME` its default export. */
const FUNCTION =
  /^(?<file>[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*\.(?:ts|js))(?:#(?<name>[A-Za-z_$][\w$]*))?$/;

/** Calls a function of the user's own with the node's inputs: `run: _prices.ts#total`. */
export const run: NodeKind<string> = {
  form: v.pipe(
    v.string("give a file of the workflows folder and a function that it exports, such as _prices.ts#total"),
    v.regex(
      FUNCTION,
      "give a file of the workflows folder and a function that it exports, such as _prices.ts#total",
    ),
    v.description(
      "A function of a module in the workflows folder, such as _prices.ts#total; it is called with the node's inputs",
    ),
  ),
  options: {},
  isGroup: false,
  partsOf: () => WHOLE,
  check() {},
  async prepare(form, node, { host, fault }) {
    const { file = "", name = "default" } = FUNCTION.exec(form)?.groups ?? {};
    const module = await host.importModule(file).catch((error: unknown) => {
      fault(["run"], `Cannot load ${show(file)}: ${messageOf(error)}`);
      return null;
    });
    if (module === null) return null;
    const called: unknown = Reflect.get(module, name);
    if (typeof called !== "function") {
      const exported = Object.keys(module).filter((key) => typeof Reflect.get(module, key) === "function");
      const way =
        exported.length === 0
          ? "it exports none; write export function"
          : `it exports ${exported.join(", ")}`;
      fault(["run"], `Cannot find function ${show(name)} in ${file}: ${way}`);
      return null;
    }
    const fill = compileTemplates(node.inputs ?? {});
    const what = `run ${form} in node ${show(node.id)}`;
    return async ({ values, signal, idempotencyKey, run: { log, event } }) => {
      const hide = secretHider(Object.values(values.env));
      // An error that it leaves to nobody has to be told like one that it throws.
      const result = await withTold(
        (error) => inNode(error, what, signal, hide),
        // A copy: what the function does to its argument must not reach the state, which is remembered without it.
        async () => called(structuredClone(fill(values)), { signal, idempotencyKey, log, event }),
      ).catch((error: unknown) => {
        throw inNode(error, what, signal, hide);
      });
      return { result: asJson(result) };
    };
  },
};
