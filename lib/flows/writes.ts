import { isRecord } from "./fault.ts";

/** The names of the fields that a node writes, as far as its form tells. */
export function writesOf(node: unknown): string[] {
  if (!isRecord(node)) return [];
  if (isRecord(node.set)) return Object.keys(node.set);
  if (Array.isArray(node.outputs)) return node.outputs.filter((name) => typeof name === "string");
  return isRecord(node.outputs) ? Object.keys(node.outputs) : [];
}
