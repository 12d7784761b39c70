import { createReadStream } from "node:fs";
import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import type { FlowHost } from "../flows/node-kind.ts";
import type { ParsedFlow } from "../flows/parse.ts";
import { workflowOfModule } from "./code.ts";
import { importModule } from "./import-module.ts";

/** The endings of modules. */
export const CODE: readonly string[] = [".ts", ".js"];
const FLOWS: readonly string[] = [".yaml", ".yml", ".json"];

/** A folder of modules may have these of its own, such as a package.json that says `"type": "module"`. */
const TOOLS_FILES = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "jsconfig.json",
  "deno.json",
  "biome.json",
];

/**
 * Reads a file as a workflow: a module's default export, or a flow.
 *
 * @throws {TypeError} another ending, or a module without a workflow
 * @throws {FlowError} with every fault of a flow
 */
export async function readWorkflow(path: string, host: FlowHost): Promise<ParsedFlow> {
  const ending = extname(path);
  if (FLOWS.includes(ending)) {
    // With its YAML parser this is a sixth of all that a start reads, and many folders have no flow.
    const [{ parseFlow }, { FLOW_BYTES_MAX }] = await Promise.all([
      import("../flows/parse.ts"),
      import("../flows/source.ts"),
    ]);
    return await parseFlow(await readBytes(path, FLOW_BYTES_MAX + 1), basename(path), host);
  }
  if (CODE.includes(ending)) {
    const workflow = workflowOfModule(await importModule(pathToFileURL(path).href));
    const providers = (workflow.on ?? []).map(({ provider }) => ({ name: provider }));
    return { workflow, fields: null, warnings: [], children: [], providers };
  }
  throw new TypeError(
    `Cannot load ${basename(path)} as a workflow: give a file that ends in ${[...CODE, ...FLOWS].join(", ")}`,
  );
}

/** The first bytes: one more than a flow may have is enough to refuse it, and of a dump of 10 GB no more is read. */
async function readBytes(path: string, count: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path, { end: count - 1 })) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** True for what a folder's workflows may be called. */
export function isWorkflowFile(fileName: string): boolean {
  if (TOOLS_FILES.includes(fileName)) return false;
  if (/^[._]|\.test\.[^.]+$|\.d\.ts$/.test(fileName)) return false;
  return [...CODE, ...FLOWS].includes(extname(fileName));
}

/** A file's name without its ending. */
export function nameOf(path: string): string {
  return basename(path, extname(path));
}
