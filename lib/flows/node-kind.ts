import type { GenericSchema } from "valibot";
import type { AnyWorkflow, RunContext } from "../workflow.ts";
import type { Place } from "./fault.ts";
import type { FieldType } from "./field-type.ts";
import type { Fields } from "./fields.ts";
import type { Values } from "./template.ts";

/**
 * A kind of node: one record a file in `nodes/`, and one line in `kinds.ts`. A flow's file is checked by `form` and
 * `check`, its nodes are made ready by `prepare` when it is loaded, and run as often as the edges lead to them.
 */
export interface NodeKind<Form = unknown> {
  /** The form of the value under the key that names the kind; what the JSON Schema for editors says, too. */
  readonly form: GenericSchema<unknown, Form>;
  /** Forms of keys beside it that this kind alone has, such as `llm`. All are optional. */
  readonly options: Readonly<Record<string, GenericSchema>>;
  /** True where it runs steps of its own that may sleep. */
  readonly isGroup: boolean;
  /** What `outputs` can take of a result, with types; null for a kind that writes its fields by name. */
  partsOf(node: NodeForm): Parts | null;
  /** Tells of what is wrong beyond the form. It is called where the node's form holds. */
  check(form: Form, node: NodeForm, check: NodeCheck): void;
  /**
   * Makes the node ready: compiles templates, imports modules, looks for keys.
   *
   * @returns null where it told of a fault
   */
  prepare(form: Form, node: NodeForm, givens: NodeGivens): Promise<RunNode | null> | RunNode | null;
}

/** A node as it stands in the file, with what all kinds share. The value of the kind's own key is handed over beside it. */
export interface NodeForm {
  readonly id: string;
  readonly description?: string;
  /** Local names for templates; for `run` and `workflow` the argument. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Fields of the state, or which part of the result each of them takes. */
  readonly outputs?: readonly string[] | Readonly<Record<string, string>>;
  readonly [option: string]: unknown;
}

/** The parts of a result by their first key, and the type of each; `any` where it is not known. */
export type Parts = ReadonlyMap<string, FieldType>;

/** What `check` may ask and tell. Places are keys from the node on, such as `["http", "url"]`. */
export interface NodeCheck {
  readonly fields: Fields;
  fault(place: Place, detail: string): void;
  /**
   * Tells of templates that cannot be read or that read what is not there, in a text or in any part of a JSON value.
   *
   * @param mayReadEnv true where what is filled in is neither stored nor shown
   * @returns true where there was nothing to tell
   */
  templates(value: unknown, place: Place, options?: { mayReadEnv: boolean }): boolean;
  /** The type of what a text without such faults gives once it is filled, `any` where the file does not tell. */
  typeOf(text: string): FieldType;
}

/** What `prepare` is given. */
export interface NodeGivens {
  readonly host: FlowHost;
  /** `config.llm` of the flow. */
  readonly llm: Readonly<Record<string, unknown>>;
  readonly fields: Fields;
  fault(place: Place, detail: string): void;
}

/** Runs the node once. @returns its result: a record of the parts that `partsOf` names */
export type RunNode = (context: NodeContext) => unknown;

/** What a node is given when it runs. */
export interface NodeContext {
  /** What its templates are filled from. */
  readonly values: Values;
  /** The name of its step: the node's id, in loops and parallel with `#n`. */
  readonly stepName: string;
  /** The same in every attempt, for APIs that take one. */
  readonly idempotencyKey: string;
  /** Aborts on time-out, cancel, lost lease and shutdown. */
  readonly signal: AbortSignal;
  /** The run's own: its `step` is for parts of the node that are remembered one by one. */
  readonly run: RunContext<unknown>;
}

/** What a flow gets from where it is loaded. */
export interface FlowHost {
  /** The environment: keys of language models, PATH for commands. Templates see what the flow declares, and no more. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Imports a module of the workflows folder.
   *
   * @param path relative to the folder, such as `tools/search.ts`, or without an ending
   * @throws {TypeError} none there, or outside of the folder
   */
  importModule(path: string): Promise<object>;
  /** Another workflow, at run time; undefined where there is none of this name. */
  findWorkflow(name: string): AnyWorkflow | undefined;
}
