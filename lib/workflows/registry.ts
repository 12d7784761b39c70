import { type NamedWorkflow, WORKFLOW_NAME } from "../workflow.ts";

/** The workflows that this process knows. A workflow_name is looked up here and is never part of a path. */
export class WorkflowRegistry {
  readonly #byName: ReadonlyMap<string, NamedWorkflow>;
  readonly #sorted: readonly NamedWorkflow[];
  readonly #byProvider: ReadonlyMap<string, readonly NamedWorkflow[]>;

  /** @throws {TypeError} a name that is used twice or is not lower-case letters, digits, "-" and "_" */
  constructor(named: readonly NamedWorkflow[]) {
    const byName = new Map<string, NamedWorkflow>();
    for (const workflow of named) {
      checkName(workflow.name, byName);
      byName.set(workflow.name, workflow);
    }
    this.#byName = byName;
    this.#sorted = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#byProvider = groupByProvider(this.#sorted);
  }

  get(name: string): NamedWorkflow | undefined {
    return this.#byName.get(name);
  }

  /** All of them, by name. */
  list(): readonly NamedWorkflow[] {
    return this.#sorted;
  }

  /** Those that a delivery of the provider starts, by name. */
  startedBy(provider: string): readonly NamedWorkflow[] {
    return this.#byProvider.get(provider) ?? [];
  }

  /** True where `POST /webhooks/generic` may name it: it has no `on`, or `on` names `generic` too. */
  isStartedByGeneric(named: NamedWorkflow): boolean {
    const { on } = named.workflow;
    return on === null || on.some((trigger) => trigger.provider === "generic");
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
