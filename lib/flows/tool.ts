import { type Place, show } from "./fault.ts";
import type { FlowHost } from "./node-kind.ts";
import { type CallContext, callTool } from "./tools/call-tool.ts";
import { loadTool } from "./tools/load-tool.ts";
import { nodeCalls } from "./tools/node-calls.ts";

/** A function that a node's model may call. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments: of type object. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /**
   * Calls it as a step of the run, once for the same arguments in all attempts of a node's run.
   *
   * @param args what the model gave; arguments that do not fit are told to it in the answer
   * @returns text for the model, bounded and without the values of the tool's variables
   * @throws what the tool threw, named after it and of the same kind, unless `on_error` is `continue`
   * @throws {Error} more than `CALLS_MAX` calls in one run of the node
   */
  call(args: unknown, context: CallContext): Promise<string>;
}

/** A tool as a node names it. */
export type ToolEntry = string | { readonly name: string; readonly on_error?: "fail" | "continue" };

/**
 * Loads the tools that a node names, from `tools/` in the workflows folder.
 *
 * @param place of the list, from the node on
 * @returns null where it told of a fault
 */
export async function prepareTools(
  entries: readonly ToolEntry[],
  { host, fault }: { host: FlowHost; fault(place: Place, detail: string): void },
  place: Place = ["tools"],
): Promise<readonly Tool[] | null> {
  const names = entries.map((entry) => (typeof entry === "string" ? entry : entry.name));
  const loading = entries.map((entry, index) => {
    const own = typeof entry === "string" ? [...place, index] : [...place, index, "name"];
    const name = names[index] ?? "";
    if (names.indexOf(name) < index) {
      fault(own, `Cannot use tool ${show(name)} twice in one node: leave one out`);
      return null;
    }
    const onError = typeof entry === "string" ? "fail" : (entry.on_error ?? "fail");
    return loadTool(name, onError, host, (detail) => fault(own, detail));
  });
  const loaded = await Promise.all(loading);
  const tools = loaded.filter((tool) => tool !== null);
  if (tools.length < loaded.length) return null;
  const callsOf = nodeCalls();
  return tools.map((tool) => ({
    name: tool.name,
    description: tool.defined.description,
    parameters: tool.defined.parameters,
    call: (args, context) => callTool(tool, args, context, callsOf(context)),
  }));
}
