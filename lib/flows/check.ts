import { nearest } from "../nearest.ts";
import { checkEdges } from "./edges.ts";
import { type FlowFault, isRecord, type Place, show } from "./fault.ts";
import { ANY_TYPE, type Fields, parseFieldType, TYPE_NAMES, typeFaults } from "./fields.ts";
import { checkForm } from "./form.ts";
import { checkSet } from "./nodes/set.ts";

/** What the form has elsewhere and this version does not run: refused by name, never skipped. */
const OTHER_KINDS = ["prompt", "http", "exec", "run", "workflow"];
const OTHER_EDGES = ["routes", "loop", "parallel"];

const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
// `state` would make {state.x} mean two things; the others mean something to JavaScript.
const RESERVED_FIELDS = ["state", "__proto__", "constructor", "prototype"];

/** What other languages call the types. */
const OTHER_TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  ["string", "str"],
  ["integer", "int"],
  ["number", "float"],
  ["boolean", "bool"],
  ["array", "list"],
  ["object", "dict"],
]);

/** A fault that stands for all that the form finds in one part. */
interface Refusal extends FlowFault {
  part: Place;
}

/**
 * Everything that is wrong with a flow, at once.
 *
 * @param config the file's content as JSON has it, of any form
 * @returns empty for a `FlowConfig` that can run
 */
export function checkFlow(config: unknown): FlowFault[] {
  const nodes = listOf(config, "nodes");
  const edges = listOf(config, "edges");
  const fields = isRecord(config) && isRecord(config.state) ? config.state.fields : null;
  const entries = isRecord(fields) ? Object.entries(fields) : [];
  const refusals = [...refuseKinds(nodes), ...refuseEdges(edges), ...refuseSources(entries)];
  const form = checkForm(config).filter(
    (fault) => !refusals.some(({ part }) => part.every((key, depth) => fault.place[depth] === key)),
  );
  return [
    ...form,
    ...refusals.map(({ place, detail }) => ({ place, detail })),
    ...checkFields(entries),
    ...checkNodes(nodes, knownFields(entries)),
    ...checkEdges(isRecord(config) ? config.edges : null, nodes.map(idOf)),
  ];
}

function refuseKinds(nodes: readonly unknown[]): Refusal[] {
  return nodes.flatMap((node, index) => {
    const kinds = isRecord(node) ? OTHER_KINDS.filter((kind) => Object.hasOwn(node, kind)) : [];
    return kinds.map((kind) => ({
      part: ["nodes", index],
      place: ["nodes", index, kind],
      detail: `Cannot run node ${show(idOf(node))} of kind ${kind}: this version runs set nodes only`,
    }));
  });
}

function refuseEdges(edges: readonly unknown[]): Refusal[] {
  return edges.flatMap((edge, index) => {
    if (!isRecord(edge)) return [];
    const forms = OTHER_EDGES.filter((form) => Object.hasOwn(edge, form));
    const refusals = forms.map((form) => ({ key: form, what: form }));
    if (Array.isArray(edge.to)) refusals.push({ key: "to", what: "a list of nodes" });
    return refusals.map(({ key, what }) => ({
      part: ["edges", index],
      place: ["edges", index, key],
      detail: `Cannot follow the edge from ${show(edge.from)} to ${what}: this version follows edges to one node only`,
    }));
  });
}

function refuseSources(fields: readonly [string, unknown][]): Refusal[] {
  return fields.flatMap(([name, field]) => {
    if (!isRecord(field) || !Object.hasOwn(field, "from")) return [];
    const place = ["state", "fields", name, "from"];
    const detail = `Cannot fill field ${show(name)} by "from": this version takes a delivery's whole body as the inputs; leave "from" out`;
    return [{ part: place, place, detail }];
  });
}

function checkFields(fields: readonly [string, unknown][]): FlowFault[] {
  return fields.flatMap(([name, field]) => {
    const place = ["state", "fields", name];
    const faults: FlowFault[] = [];
    if (!FIELD_NAME.test(name) || RESERVED_FIELDS.includes(name)) {
      const detail = `Cannot name a field ${show(name)}: give letters, digits, "_" and "-", at most 64, and not ${RESERVED_FIELDS.join(", ")}`;
      faults.push({ place, detail });
    }
    if (!isRecord(field) || typeof field.type !== "string") return faults;
    const type = parseFieldType(field.type);
    if (type === null) {
      const near = OTHER_TYPE_NAMES.get(field.type) ?? nearest(field.type, TYPE_NAMES);
      const hint = near === null ? "" : `did you mean ${near}? `;
      const detail = `Cannot use ${show(field.type)} as type of field ${show(name)}: ${hint}Types are ${TYPE_NAMES.join(", ")}, list[str], dict[str,int]`;
      return [...faults, { place: [...place, "type"], detail }];
    }
    if (field.default === undefined) return faults;
    const wrong = typeFaults(type, field.default).map((fault) => ({
      place: [...place, "default"],
      detail: `Cannot use ${show(field.default)} as default of field ${show(name)}${fault.pointer}: ${fault.detail.replace("Expected", "expected")}`,
    }));
    return [...faults, ...wrong];
  });
}

/** The fields by name; one whose type is not known takes anything, so that it is refused once and not at each use. */
function knownFields(fields: readonly [string, unknown][]): Fields {
  return new Map(
    fields.map(([name, field]) => {
      const text = isRecord(field) ? field.type : null;
      const type = (typeof text === "string" ? parseFieldType(text) : null) ?? ANY_TYPE;
      return [name, { type, isRequired: false, default: undefined }];
    }),
  );
}

function checkNodes(nodes: readonly unknown[], fields: Fields): FlowFault[] {
  const faults: FlowFault[] = [];
  const taken = new Set<string>();
  for (const [index, node] of nodes.entries()) {
    const id = idOf(node);
    const place = ["nodes", index, "id"];
    if (id !== null && taken.has(id)) {
      faults.push({ place, detail: `Cannot use id ${show(id)} twice: each node is a step of its own name` });
    } else if (id !== null && (!NODE_ID.test(id) || id === "START" || id === "END")) {
      const detail = `Cannot use ${show(id)} as id: give letters, digits, "_" and "-", at most 64, and not START or END`;
      faults.push({ place, detail });
    }
    if (id !== null) taken.add(id);
    if (isRecord(node) && isRecord(node.set)) {
      faults.push(...checkSet(node.set, ["nodes", index, "set"], fields));
    }
  }
  return faults;
}

function idOf(node: unknown): string | null {
  return isRecord(node) && typeof node.id === "string" ? node.id : null;
}

function listOf(config: unknown, key: string): readonly unknown[] {
  const list = isRecord(config) ? config[key] : null;
  return Array.isArray(list) ? list : [];
}
