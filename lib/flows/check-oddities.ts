import type { FlowFault, Place } from "./fault.ts";
import type { FlowConfig } from "./flow-config.ts";
import { writesOf } from "./writes.ts";

/** What a flow without faults says that is hardly what its writer meant. */
export function findOddities(config: FlowConfig): FlowFault[] {
  const fields = new Set(Object.keys(config.state.fields));
  return [
    ...config.nodes.flatMap((node, index) => oddTexts(node, ["nodes", index], fields)),
    ...Object.entries(config.state.fields).flatMap(([name, field]) => oddField(name, field, config)),
    ...oddLoops(config),
  ];
}

/** Double braces around a name, as other templates have them, and lookups in keys, which are taken as they are. */
function oddTexts(value: unknown, place: Place, fields: ReadonlySet<string>): FlowFault[] {
  if (typeof value === "string") {
    const [written, name = ""] =
      /\{\{\s*(?:state\.)?([A-Za-z_][\w-]*)(?:\.[\w.-]*)?\s*\}\}/.exec(value) ?? [];
    if (written === undefined || !fields.has(name)) return [];
    const lookup = written.slice(1, -1).replaceAll(/\s/g, "");
    return [{ place, detail: `${written} is a text in braces; write ${lookup} to look it up` }];
  }
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((part, index) => oddTexts(part, [...place, index], fields));
  return Object.entries(value).flatMap(([key, part]) => {
    const [written, name = ""] = /\{(?:state\.)?([A-Za-z_][\w-]*)(?:\.[\w.-]*)?\}/.exec(key) ?? [];
    const at = [...place, key];
    const detail = `${written} in a key is no lookup: keys are taken as they are`;
    return [...(fields.has(name) ? [{ place: at, detail }] : []), ...oddTexts(part, at, fields)];
  });
}

function oddField(
  name: string,
  field: FlowConfig["state"]["fields"][string],
  config: FlowConfig,
): FlowFault[] {
  const place = ["state", "fields", name];
  const odd: FlowFault[] = [];
  if (field.from !== undefined && config.on === undefined) {
    odd.push({
      place: [...place, "from"],
      detail: "from does nothing here: no delivery starts a flow without on",
    });
  }
  if (typeof field.default === "string" && /^\{[\w.-]+\}$/.test(field.default)) {
    odd.push({
      place: [...place, "default"],
      detail: `${field.default} is no lookup: a default is taken as it is`,
    });
  }
  return odd;
}

/** A loop whose end nobody writes goes all its rounds. */
function oddLoops(config: FlowConfig): FlowFault[] {
  const written = new Set(config.nodes.flatMap(writesOf));
  return config.edges.flatMap(({ loop }, index) => {
    if (loop === undefined || written.has(loop.condition_field)) return [];
    const detail = `no node writes ${loop.condition_field}, so that the loop goes all its rounds`;
    return [{ place: ["edges", index, "loop", "condition_field"], detail }];
  });
}
