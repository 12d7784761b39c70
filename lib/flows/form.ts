import * as v from "valibot";
import { parseTriggers } from "../define-workflow.ts";
import { messageOf } from "../errors.ts";
import type { Trigger } from "../workflow.ts";
import { type FlowFault, isRecord, type Place, placeText, show } from "./fault.ts";
import { suggest } from "./suggest.ts";

/** A flow as its file says it, or as an object for `runWorkflowFromConfig`. */
export interface FlowConfig {
  schema_version: "1.0";
  flow: { name: string; description?: string; version?: string };
  /** Providers whose deliveries start it; the inputs are then the event's parsed body. */
  on?: readonly Trigger[];
  state: { fields: Readonly<Record<string, FieldForm>> };
  nodes: readonly NodeForm[];
  edges: readonly EdgeForm[];
  config?: { execution?: { timeout?: number; max_retries?: number } };
}

/** A field of the state: inputs fill it, nodes write it, templates read it. */
export interface FieldForm {
  /** `str int float bool list list[T] dict dict[K,V]`. */
  type: string;
  required?: boolean;
  default?: unknown;
  description?: string;
}

/** Writes literal values and templates into the state. */
export interface NodeForm {
  id: string;
  set: Readonly<Record<string, unknown>>;
}

/** From one node, or `START`, to the next, or `END`. */
export interface EdgeForm {
  from: string;
  to: string;
}

const text = v.string("give text, in quotes where it looks like a number");
const values = v.record(v.string(), v.unknown(), "give a mapping of field names to values");

const flowForm = v.strictObject({
  schema_version: v.literal("1.0", 'give "1.0", in quotes'),
  flow: v.strictObject({
    name: v.pipe(text, v.nonEmpty("give a name")),
    description: v.exactOptional(text),
    version: v.exactOptional(text),
  }),
  on: v.exactOptional(v.custom<readonly Trigger[]>((on) => triggerFault(on) === null)),
  state: v.strictObject({
    fields: v.record(
      v.string(),
      v.strictObject({
        type: text,
        required: v.exactOptional(v.boolean("give true or false")),
        default: v.exactOptional(v.unknown()),
        description: v.exactOptional(text),
      }),
      "give a mapping of field names to { type: ... }",
    ),
  }),
  nodes: v.pipe(
    v.array(v.strictObject({ id: text, set: values }), "give a list of nodes"),
    v.nonEmpty("give at least one node"),
  ),
  edges: v.array(v.strictObject({ from: text, to: text }), "give a list of { from, to }"),
  config: v.exactOptional(
    v.strictObject({
      execution: v.exactOptional(
        v.strictObject({
          timeout: v.exactOptional(
            v.custom<number>(isTimeout, "give seconds, above 0 and at most 315360000"),
          ),
          max_retries: v.exactOptional(v.custom<number>(isRetries, "give a whole number from 0 to 1000")),
        }),
      ),
    }),
  ),
});

/** The faults of a flow's form: keys that are missing or unknown, values of another type. */
export function checkForm(config: unknown): FlowFault[] {
  const result = v.safeParse(flowForm, config);
  const faults = (result.issues ?? [])
    // valibot reports the first unknown key of an object only; `unknownKeys` finds them all.
    .filter((issue) => issue.expected !== "never")
    .map(toFault);
  return [...faults, ...unknownKeys(flowForm, config, [])];
}

function toFault(issue: v.BaseIssue<unknown>): FlowFault {
  const place = (issue.path ?? []).map((part) => part.key as string | number);
  const key = place.at(-1);
  if (issue.type === "strict_object" && issue.path?.at(-1)?.origin === "key" && typeof key === "string") {
    const parent = place.slice(0, -1);
    return { place: parent, detail: `Cannot load ${placeText(parent)} without ${JSON.stringify(key)}` };
  }
  if (key === "on") return { place, detail: triggerFault(issue.input) ?? issue.message };
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

function* unknownKeys(shape: Shape, value: unknown, place: Place): Generator<FlowFault> {
  const { entries, item, value: each } = shape.wrapped ?? shape;
  if (Array.isArray(value) && item !== undefined) {
    for (const [index, part] of value.entries()) yield* unknownKeys(item, part, [...place, index]);
  }
  if (!isRecord(value)) return;
  for (const [key, part] of Object.entries(value)) {
    const at = [...place, key];
    const known = entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : each;
    if (known !== undefined) yield* unknownKeys(known, part, at);
    else if (entries !== undefined) {
      const way = suggest(key, Object.keys(entries));
      yield { place: at, detail: `Cannot use ${show(key)} in ${placeText(place)}: ${way}` };
    }
  }
}

function triggerFault(on: unknown): string | null {
  try {
    parseTriggers(on);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function isTimeout(value: unknown): boolean {
  return typeof value === "number" && value > 0 && value <= 315_360_000;
}

function isRetries(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= 1_000;
}
