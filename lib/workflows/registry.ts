import { type NamedWorkflow, WORKFLOW_NAME } from "../workflow.ts";
import { compileTriggers, type FilterFault, type TriggerEvent, type Triggers } from "./triggers.ts";

/** What an event starts, and the filters that could not tell. */
export interface Started {
  readonly workflows: readonly NamedWorkflow[];
  readonly faults: readonly FilterFault[];
}

/** The workflows that this process knows. A workflow_name is looked up here and is never part of a path. */
export class WorkflowRegistry {
  readonly #byName: ReadonlyMap<string, NamedWorkflow>;
  readonly #sorted: readonly NamedWorkflow[];
  readonly #byProvider: ReadonlyMap<string, readonly NamedWorkflow[]>;
  readonly #triggers: ReadonlyMap<NamedWorkflow, Triggers>;

  /**
   * @throws {TypeError} a name that is used twice or is not lower-case letters, digits, "-" and "_"; an `on` that cannot
   * be used
   */
  constructor(named: readonly NamedWorkflow[]) {
    const byName = new Map<string, NamedWorkflow>();
    for (const workflow of named) {
      checkName(workflow.name, byName);
      byName.set(workflow.name, workflow);
    }
    this.#byName = byName;
    this.#sorted = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#byProvider = groupByProvider(this.#sorted);
    this.#triggers = new Map(this.#sorted.map((workflow) => [workflow, compileTriggers(workflow)]));
  }

  get(name: string): NamedWorkflow | undefined {
    return this.#byName.get(name);
  }

  /** All of them, by name. */
  list(): readonly NamedWorkflow[] {
    return this.#sorted;
  }

  /** Those that an event of any provider but `generic` starts, by name. */
  startedBy(event: TriggerEvent): Started {
    const faults: FilterFault[] = [];
    const candidates = this.#byProvider.get(event.provider) ?? [];
    const workflows = candidates.filter((named) => this.#matches(named, event, faults));
    return { workflows, faults };
  }

  /** The one that `POST /webhooks/generic` names: it has no `on`, or one that matches the event; else there is none. */
  startedByGeneric(name: string, event: TriggerEvent): Started {
    const faults: FilterFault[] = [];
    const named = this.#byName.get(name);
    const isStarted =
      named !== undefined && (named.workflow.on === null || this.#matches(named, event, faults));
    return { workflows: isStarted ? [named] : [], faults };
  }

  #matches(named: NamedWorkflow, event: TriggerEvent, faults: FilterFault[]): boolean {
    return this.#triggers.get(named)?.(event, faults) === true;
  }

  /** The providers that any `on` names, sorted. */
  providers(): readonly string[] {
    return [...this.#byProvider.keys()].sort();
  }
}

function checkName(name: string, taken: ReadonlyMap<string, unknown>): void {
  if (!WORKFLOW_NAME.test(name)) {
    throw new TypeError(
      `Cannot register workflow ${JSON.stringify(name)}: a name has 1 to 64 lower-case letters, digits, "-" and "_", and begins with a letter or digit`,
    );
  }
  if (taken.has(name)) {
    throw new TypeError(
      `Cannot register workflow ${JSON.stringify(name)} twice: rename one, in the folder or in the options`,
    );
  }
}

function groupByProvider(workflows: readonly NamedWorkflow[]): ReadonlyMap<string, readonly NamedWorkflow[]> {
  const groups = new Map<string, NamedWorkflow[]>();
  for (const named of workflows) {
    // A provider that stands twice in one `on` still starts the workflow once.
    for (const provider of new Set(named.workflow.on?.map((trigger) => trigger.provider))) {
      groups.set(provider, [...(groups.get(provider) ?? []), named]);
    }
  }
  return groups;
}
