/**
 * `npm run schema`: writes flow.schema.json, by which editors complete and check flow files. It is made of the form that
 * the files are checked by, so that the two say the same; a test fails where it was not written anew.
 */
import { writeFile } from "node:fs/promises";
import { toJsonSchema } from "@valibot/to-json-schema";
import { flowForm, IDLE } from "../lib/flows/form.ts";
import { KINDS } from "../lib/flows/kinds.ts";

type Json = Record<string, unknown>;

const FILE = new URL("flow.schema.json", import.meta.url);

/** The JSON Schema of a flow's file, draft-07, as the file has it. */
export function flowSchema(): string {
  const { $schema: _, ...schema } = toJsonSchema(flowForm, { target: "draft-07" }) as Json;
  const { properties } = schema as { properties: Record<string, Json> };
  for (const name of IDLE.flow) warnOf(properties[name]);
  for (const name of IDLE.node) warnOf(propertiesOf(itemsOf(properties.nodes))[name]);
  for (const name of IDLE.config) warnOf(propertiesOf(properties.config)[name]);
  // What no form of a single key can say.
  Object.assign(itemsOf(properties.nodes), oneOf([...KINDS.keys()]));
  Object.assign(itemsOf(properties.edges), oneOf(["to", "routes", "loop", "parallel"]));
  const named = {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "urn:latchhook:flow",
    title: "A flow of Latchhook",
    ...schema,
  };
  return `${JSON.stringify(inDraft7(named), null, 2)}\n`;
}

/** Exactly one of these keys. */
function oneOf(keys: readonly string[]): Json {
  return { oneOf: keys.map((key) => ({ required: [key] })) };
}

/** Editors warn of such a key, as the check of a file does, and do not offer it. */
function warnOf(property: Json | undefined): void {
  if (property !== undefined) property.deprecationMessage = property.description;
}

function propertiesOf(object: Json | undefined): Record<string, Json> {
  return object?.properties as Record<string, Json>;
}

function itemsOf(list: Json | undefined): Json {
  return list?.items as Json;
}

/** Definitions have another name in draft-07, and a key of a mapping is a text there anyway. */
function inDraft7(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(inDraft7);
  if (typeof part === "string") return part.replace(/^#\/\$defs\//, "#/definitions/");
  if (typeof part !== "object" || part === null) return part;
  const entries = Object.entries(part).flatMap(([key, value]) => {
    if (key === "propertyNames") return [];
    return [[key === "$defs" ? "definitions" : key, inDraft7(value)] as const];
  });
  return Object.fromEntries(entries);
}

if (import.meta.url === new URL(process.argv[1] ?? "", "file:").href) await writeFile(FILE, flowSchema());
