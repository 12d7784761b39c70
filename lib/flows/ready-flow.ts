import type { Condition } from "./condition.ts";
import type { Fields, State } from "./fields.ts";
import type { Graph } from "./graph.ts";
import type { RunNode } from "./node-kind.ts";
import type { Output } from "./outputs.ts";

/** A flow that was read and checked. */
export interface Flow {
  readonly fields: Fields;
  readonly nodes: ReadonlyMap<string, ReadyNode>;
  /** By the id that they come from; at most one each. */
  readonly edges: ReadonlyMap<string, ReadyEdge>;
  readonly graph: Graph;
  /** The declared variables of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A node that is ready to run. */
export interface ReadyNode {
  readonly id: string;
  readonly run: RunNode;
  /** null for one that writes its result by name. */
  readonly outputs: readonly Output[] | null;
  /** The fields that each run of it writes. */
  readonly writes: readonly string[];
  /** Fills its local names. */
  readonly inputs: (values: { locals: Locals; state: State; env: Record<string, never> }) => unknown;
  /** True where its steps are `id#n`, because it may run more than once. */
  readonly isNumbered: boolean;
  /** True where it has steps of its own that may sleep. */
  readonly isGroup: boolean;
  /** Given where it runs for each item of a parallel edge. */
  readonly items: Items | null;
}

/** What a parallel edge says of its target. */
export interface Items {
  readonly field: string;
  readonly collectField: string;
  readonly concurrencyMax: number;
}

/** Where it goes on after a node. */
export type ReadyEdge =
  | { readonly kind: "to"; readonly to: readonly string[] }
  | {
      readonly kind: "routes";
      readonly routes: readonly { readonly holds: Condition; readonly to: string }[];
      readonly fallback: string;
    }
  | {
      readonly kind: "loop";
      readonly to: string;
      readonly until: string;
      readonly roundsMax: number;
      readonly exitTo: string;
    };

/** The names that a node's templates read before fields of the same name. */
export type Locals = Readonly<Record<string, unknown>>;
