import * as v from "valibot";
import { type FlowFault, isRecord, type Place, placeText, show } from "./fault.ts";
import { flowForm, IDLE } from "./form.ts";
import { suggest } from "./suggest.ts";

/** The faults of a flow's form: keys that are missing or unknown, values of another type. */
export function checkForm(config: unknown): FlowFault[] {
  const result = v.safeParse(flowForm, config);
  const faults = (result.issues ?? [])
    // valibot reports the first unknown key of an object only; `wrongKeys` finds them all.
    .filter((issue) => issue.expected !== "never")
    .map(toFault);
  const wrong = [...wrongKeys(flowForm as Shape, config, [])];
  const lists = new Set(wrong.filter(({ isList }) => isList).map(({ place }) => JSON.stringify(place)));
  // What a list lacks of a mapping is no news.
  const others = faults.filter(
    ({ place }) =>
      lists.size === 0 ||
      ![...place.keys(), place.length].some((depth) => lists.has(JSON.stringify(place.slice(0, depth)))),
  );
  return [...others, ...wrong.map(({ place, detail }) => ({ place, detail }))];
}

/** The keys of the original form that stand in a flow and do nothing here. */
export function findIdle(config: unknown): FlowFault[] {
  if (!isRecord(config)) return [];
  const nodes = Array.isArray(config.nodes) ? config.nodes : [];
  return [
    ...idleIn(config, IDLE.flow, []),
    ...idleIn(config.config, IDLE.config, ["config"]),
    ...nodes.flatMap((node: unknown, index) => idleIn(node, IDLE.node, ["nodes", index])),
  ];
}

function idleIn(part: unknown, names: readonly string[], place: Place): FlowFault[] {
  if (!isRecord(part)) return [];
  return names
    .filter((name) => Object.hasOwn(part, name))
    .map((name) => ({ place: [...place, name], detail: `${placeText([...place, name])} does nothing here` }));
}

function toFault(issue: v.BaseIssue<unknown>): FlowFault {
  const place = (issue.path ?? []).map((part) => part.key as string | number);
  const key = place.at(-1);
  if (issue.type === "strict_object" && issue.path?.at(-1)?.origin === "key" && typeof key === "string") {
    const parent = place.slice(0, -1);
    return { place: parent, detail: `Cannot load ${placeText(parent)} without ${JSON.stringify(key)}` };
  }
  const way = issue.type === "strict_object" ? "give a mapping" : issue.message;
  return { place, detail: `Cannot use ${show(issue.input)} as ${placeText(place)}: ${way}` };
}

/** The parts of a valibot schema that lead to the objects in it. */
interface Shape {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly item?: Shape;
  readonly value?: Shape;
  readonly wrapped?: Shape;
}

function* wrongKeys(shape: Shape, value: unknown, place: Place): Generator<FlowFault & { isList: boolean }> {
  const { entries, item, value: each } = shape.wrapped ?? shape;
  if (Array.isArray(value) && item !== undefined) {
    for (const [index, part] of value.entries()) yield* wrongKeys(item, part, [...place, index]);
  }
  if (Array.isArray(value) && entries !== undefined) {
    // valibot takes a list for an object whose keys may all be left out.
    const detail = `Cannot use ${show(value)} as ${placeText(place)}: give a mapping`;
    yield { place, detail, isList: true };
  }
  if (!isRecord(value)) return;
  for (const [key, part] of Object.entries(value)) {
    const at = [...place, key];
    const known = entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : each;
    if (known !== undefined) yield* wrongKeys(known, part, at);
    else if (entries !== undefined) {
      const way = suggest(
        key,
        Object.keys(entries).filter((name) => !isIdle(name)),
      );
      yield { place: at, detail: `Cannot use ${show(key)} in ${placeText(place)}: ${way}`, isList: false };
    }
  }
}

function isIdle(name: string): boolean {
  return Object.values(IDLE).some((names) => names.includes(name));
}
