import { messageOf } from "../../errors.ts";
import { type FlowFault, isRecord, type Place, placeText, show } from "../fault.ts";
import { type Field, type Fields, type State, typeFaults, typeText } from "../fields.ts";
import type { NodeForm } from "../form.ts";
import { suggest } from "../suggest.ts";
import { compileTemplates, parseTemplate, type Template } from "../template.ts";

/**
 * The function of a `set` node: the fields that it writes, with templates filled from the state before it, so that
 * two fields can change places.
 */
export function compileSet(node: NodeForm): (state: State) => Record<string, unknown> {
  const fill = Object.entries(node.set).map(([name, value]) => [name, compileTemplates(value)] as const);
  return (state) => {
    const values = { locals: {}, state, env: {} };
    return Object.fromEntries(fill.map(([name, fillField]) => [name, fillField(values)]));
  };
}

/** The faults of what a `set` node writes and reads, as far as the file shows them. */
export function checkSet(set: Readonly<Record<string, unknown>>, place: Place, fields: Fields): FlowFault[] {
  const faults: FlowFault[] = [];
  if (Object.keys(set).length === 0) {
    faults.push({ place, detail: `Cannot use {} as ${placeText(place)}: give at least one field to write` });
  }
  for (const [name, value] of Object.entries(set)) {
    const at = [...place, name];
    const field = fields.get(name);
    if (field === undefined) {
      const way = suggest(name, fields.keys());
      faults.push({
        place: at,
        detail: `Cannot write ${show(name)}: state.fields has no such field; ${way}`,
      });
    }
    const before = faults.length;
    checkTemplates(value, at, fields, faults);
    if (field !== undefined && faults.length === before) faults.push(...checkValue(field, name, value, at));
  }
  return faults;
}

function checkTemplates(value: unknown, place: Place, fields: Fields, faults: FlowFault[]): void {
  if (typeof value === "string") {
    faults.push(...templateFaults(value, fields).map((detail) => ({ place, detail })));
  } else if (Array.isArray(value)) {
    for (const [index, part] of value.entries()) checkTemplates(part, [...place, index], fields, faults);
  } else if (isRecord(value)) {
    for (const [key, part] of Object.entries(value)) checkTemplates(part, [...place, key], fields, faults);
  }
}

function templateFaults(text: string, fields: Fields): string[] {
  const template = tryTemplate(text);
  if (typeof template === "string") return [template];
  return template.flatMap((part) => {
    if (typeof part === "string") return [];
    const [name, key] = part.path;
    const field = fields.get(name);
    if (field === undefined) {
      const way = suggest(name, fields.keys());
      return [`Cannot read ${part.text}: state.fields has no ${show(name)}; ${way}`];
    }
    if (key === undefined || ["any", "list", "dict"].includes(field.type.kind)) return [];
    return [`Cannot read ${part.text}: ${name} is ${field.type.kind} and has no parts`];
  });
}

function tryTemplate(text: string): Template | string {
  try {
    return parseTemplate(text);
  } catch (error) {
    return messageOf(error);
  }
}

/** A value without lookups is written as it is, and text around a lookup stays text; what else comes is seen at run time. */
function checkValue(field: Field, name: string, value: unknown, place: Place): FlowFault[] {
  if (hasLookups(value)) {
    const isText = typeof value === "string" && parseTemplate(value).length > 1;
    if (!isText || field.type.kind === "str" || field.type.kind === "any") return [];
    const detail = `Cannot write ${show(value)} to ${name}: expected ${typeText(field.type)}, and text around a lookup makes str`;
    return [{ place, detail }];
  }
  return typeFaults(field.type, value).map((fault) => ({
    place,
    detail: `Cannot write ${show(value)} to ${name}${fault.pointer}: ${fault.detail.replace("Expected", "expected")}`,
  }));
}

function hasLookups(value: unknown): boolean {
  if (typeof value === "string") return parseTemplate(value).some((part) => typeof part === "object");
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(hasLookups);
}
