import type { Trigger } from "../workflow.ts";
import type { FieldForm } from "./fields.ts";
import type { NodeForm } from "./node-kind.ts";

/** A flow as its file says it, or as an object for `runWorkflowFromConfig`. */
export interface FlowConfig {
  schema_version: "1.0";
  flow: { name: string; description?: string; version?: string };
  /** Providers whose deliveries start it. */
  on?: readonly Trigger[];
  /** The variables of the environment that its templates may read. */
  env?: readonly string[];
  state: { fields: Readonly<Record<string, FieldForm>> };
  nodes: readonly NodeForm[];
  edges: readonly EdgeForm[];
  config?: {
    /** For all `prompt` nodes. */
    llm?: Readonly<Record<string, unknown>>;
    /** `timeout` in seconds; `max_retries` more attempts after the first. */
    execution?: { timeout?: number; max_retries?: number };
  };
}

/** From one node, or `START`, to the next, or `END`: by exactly one of `to`, `routes`, `loop` and `parallel`. */
export interface EdgeForm {
  from: string;
  /** One node, or several that run at the same time. */
  to?: string | readonly string[];
  /** The first whose condition holds; one says `default`. */
  routes?: readonly { condition: { logic: string }; to: string }[];
  loop?: LoopForm;
  parallel?: ParallelForm;
}

/** Back to a node, until a field is true or the iterations are used up. */
export interface LoopForm {
  /** Where it goes back to; by default to the node that the edge comes from. */
  to?: string;
  /** Default 10. */
  max_iterations?: number;
  condition_field: string;
  exit_to: string;
}

/** One node once for each item of a list. */
export interface ParallelForm {
  items_field: string;
  target_node: string;
  collect_field: string;
  /** Items at once, default 5. */
  max_concurrency?: number;
}
