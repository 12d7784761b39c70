import type { FlowHost } from "../../lib/flows/node-kind.ts";

/** What a flow gets that lies in no folder: no module, no other workflow, and this environment. */
export function flowHost(parts: Partial<FlowHost> = {}): FlowHost {
  return {
    env: {},
    importModule: (path) => Promise.reject(new TypeError(`there is no file ${path}`)),
    findWorkflow: () => undefined,
    ...parts,
  };
}
