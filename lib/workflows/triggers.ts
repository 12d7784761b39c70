import { messageOf } from "../errors.ts";
import { compileEventFilter, type EventFilter, type EventView } from "../event-filter.ts";
import { compileEventPattern, type EventPattern } from "../event-pattern.ts";
import { ExpressionFault } from "../expression-scope.ts";
import { typeName } from "../expression-values.ts";
import type { NamedWorkflow, Trigger } from "../workflow.ts";

/** What decides whether an event starts a workflow. */
export type TriggerEvent = EventView;

/** A filter that could not tell, which counts as no match. */
export interface FilterFault {
  readonly workflowName: string;
  /** `absent` is what happens every day: a field that the filter reads is not in this event. */
  readonly kind: ExpressionFault["kind"];
  /** For the operator; nothing of the event's values. */
  readonly detail: string;
}

/** True where an entry of the workflow's `on` matches; faults of those that were tried before are added. */
export type Triggers = (event: TriggerEvent, faults: FilterFault[]) => boolean;

/**
 * A workflow's `on`, ready for events. What has no `on` matches none.
 *
 * @throws {TypeError} an entry that cannot be used, with the workflow and the place
 */
export function compileTriggers({ name, workflow }: NamedWorkflow): Triggers {
  const triggers = (workflow.on ?? []).map((trigger, index) => compileTrigger(trigger, index, name));
  return (event, faults) =>
    triggers.some(({ provider, matchesType, filter }) => {
      if (provider !== event.provider || !matchesType(event.type ?? "")) return false;
      const result = filter(event);
      if (typeof result !== "boolean") faults.push(toFault(result, name));
      return result === true;
    });
}

interface Compiled {
  readonly provider: string;
  readonly matchesType: EventPattern;
  readonly filter: EventFilter;
}

function compileTrigger({ provider, event, if: filter }: Trigger, index: number, name: string): Compiled {
  try {
    return {
      provider,
      matchesType: event === undefined ? () => true : compileEventPattern(event),
      filter: filter === undefined ? () => true : compileEventFilter(filter),
    };
  } catch (error) {
    throw new TypeError(`Cannot use on[${index}] of workflow "${name}": ${messageOf(error)}`);
  }
}

function toFault(result: unknown, workflowName: string): FilterFault {
  if (result instanceof ExpressionFault) return { workflowName, kind: result.kind, detail: result.detail };
  return { workflowName, kind: "type", detail: `it gives ${typeName(result)} in place of true or false` };
}
