import { realpath } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { FlowHost } from "../flows/node-kind.ts";
import { importModule } from "./import-module.ts";
import { CODE } from "./read-workflow.ts";

/** What flows get from the folder that they lie in. */
export function folderHost(
  root: string,
  env: FlowHost["env"],
  findWorkflow: FlowHost["findWorkflow"],
): FlowHost {
  return {
    env,
    findWorkflow,
    async importModule(path) {
      const paths = CODE.includes(extname(path)) ? [path] : CODE.map((ending) => path + ending);
      for (const candidate of paths) {
        const file = await realpath(join(root, candidate)).catch(() => null);
        if (file !== null && isInside(file, root)) return await importModule(pathToFileURL(file).href);
      }
      throw new TypeError(`there is no file ${paths.join(" or ")} in ${root}`);
    },
  };
}

/** True for a real path within a folder. */
export function isInside(path: string, root: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep);
}
