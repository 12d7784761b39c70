import { defaultExport } from "../../default-export.ts";
import { type DefinedTool, isTool } from "../../define-tool.ts";
import { messageOf } from "../../errors.ts";
import { show } from "../fault.ts";
import type { FlowHost } from "../node-kind.ts";
import { secretHider } from "../secret-hider.ts";
import type { LoadedTool } from "./call-tool.ts";

/**
 * Imports a tool from `tools/` in the workflows folder, and takes its variables from the environment.
 *
 * @param tell is called for each fault
 * @returns null where there was one
 */
export async function loadTool(
  name: string,
  onError: LoadedTool["onError"],
  host: FlowHost,
  tell: (detail: string) => void,
): Promise<LoadedTool | null> {
  if (!TOOL_NAME.test(name)) {
    tell(
      `Cannot use ${show(name)} as a tool: give the name of a file in tools/ without its ending, 1 to 64 letters, digits, "_" and "-" that begin with a letter`,
    );
    return null;
  }
  const defined = await importTool(name, host).catch((error: unknown) => {
    tell(`Cannot load tool ${show(name)}: ${messageOf(error)}`);
    return null;
  });
  if (defined === null) return null;
  const isSet = (variable: string): boolean => (host.env[variable] ?? "") !== "";
  const missing = defined.env.filter((variable) => !variable.isOptional && !isSet(variable.name));
  for (const variable of missing) {
    tell(`Cannot use tool ${show(name)} without ${variable.name}: it is not set in the environment; set it`);
  }
  if (missing.length > 0) return null;
  const given = defined.env.filter((variable) => isSet(variable.name));
  const env = Object.fromEntries(given.map((variable) => [variable.name, host.env[variable.name] ?? ""]));
  return { name, defined, onError, env: Object.freeze(env), hide: secretHider(Object.values(env)) };
}

/** What OpenAI, Anthropic and Google all take as a function's name; a path is none. */
const TOOL_NAME = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/;

async function importTool(name: string, host: FlowHost): Promise<DefinedTool> {
  const module = await host.importModule(`tools/${name}`).catch((error: unknown) => {
    const reason = messageOf(error);
    if (!reason.startsWith("there is no file")) throw error;
    throw new TypeError(
      `${reason}; write it with defineTool, or copy it from workflows/tools of the latchhook package, if it has it`,
    );
  });
  const { found, isThere } = defaultExport(module, isTool);
  if (found !== null) return found;
  const what = isThere ? "its default export is no tool" : "it has no default export";
  throw new TypeError(`${what}; write export default defineTool({ ... })`);
}
