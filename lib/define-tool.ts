import { validateWith } from "./define-workflow.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { isReservedVariable, VARIABLE_NAME } from "./environment-names.ts";
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import type { InferOutput, StandardSchemaV1 } from "./standard-schema.ts";
import type { Validation } from "./workflow.ts";

const TOOL = Symbol.for("latchhook.tool");

/** What a tool is made of. `description`, `input` and `run` must be there. */
export interface ToolOptions<S extends StandardSchemaV1 = StandardSchemaV1, E extends string = string> {
  /** What it does and when to use it, for the model, which knows nothing else of it. */
  description: string;
  /** Any Standard Schema of the arguments. The model is shown its JSON Schema, where it can be written as one. */
  input: S;
  /** The JSON Schema of the arguments, an object, where `input` has none of its own: it goes before that. */
  parameters?: Readonly<Record<string, unknown>>;
  /** Variables of the environment that `run` gets; a name with `?` at its end may be unset. */
  env?: readonly E[];
  /** Time of one call; default 30 s, at most 300 s. */
  timeout?: Duration;
  /** @returns text for the model; anything else becomes JSON */
  run(context: ToolContext<InferOutput<S>, E>): unknown;
}

/** What a tool's `run` is given. */
export interface ToolContext<I = unknown, E extends string = string> {
  /** The schema's output. */
  readonly input: I;
  /** The variables that the tool declares, and no other. */
  readonly env: ToolEnv<E>;
  /** Aborts when the call's time is over or the attempt ends. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** The same whenever the run calls the tool with these arguments, for APIs that take one. */
  readonly idempotencyKey: string;
}

/** Declared variables with their values; those whose name ends in `?` may be missing. */
export type ToolEnv<E extends string> = {
  readonly [K in E as K extends `${string}?` ? never : K]: string;
} & { readonly [K in E as K extends `${infer N}?` ? N : never]?: string };

/** A tool as `defineTool` made it. */
export interface DefinedTool {
  readonly description: string;
  /** JSON Schema of the arguments, for the model. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly env: readonly { readonly name: string; readonly isOptional: boolean }[];
  readonly timeoutMs: number;
  /** Checks the arguments and gives the schema's output, or the faults. */
  validate(args: unknown): Validation<unknown> | Promise<Validation<unknown>>;
  run(context: ToolContext): unknown;
}

/**
 * A function that a flow's language model may call, from a file of its own: `workflows/tools/NAME.ts`.
 *
 * @throws {TypeError} a part that is wrong or missing, with what to give
 * @example
 * ```ts
 * export default defineTool({
 *   description: "Says how many of an article are in stock",
 *   input: z.object({ article: z.string() }),
 *   env: ["SHOP_TOKEN"],
 *   async run({ input, env, signal }) {
 *     const headers = { authorization: `Bearer ${env.SHOP_TOKEN}` };
 *     const url = `https://shop.example/stock/${encodeURIComponent(input.article)}`;
 *     return (await fetch(url, { headers, signal })).json();
 *   },
 * });
 * ```
 */
export function defineTool<S extends StandardSchemaV1, E extends string = never>(
  options: ToolOptions<S, E>,
): DefinedTool {
  if (typeof options?.run !== "function") throw new TypeError("Cannot define a tool without run(context)");
  const known = ["description", "input", "parameters", "env", "timeout", "run"];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot define a tool with ${JSON.stringify(unknown)}: it takes ${known.join(", ")}`);
  }
  if (typeof options.description !== "string" || options.description.trim() === "") {
    throw new TypeError("Cannot define a tool without description: say what it does, for the model");
  }
  const { description, input } = options;
  if (typeof input?.["~standard"]?.validate !== "function") {
    throw new TypeError("Cannot define a tool without input: give a Standard Schema of its arguments");
  }
  const tool: DefinedTool = {
    description,
    parameters: readParameters(options.parameters ?? schemaOf(input)),
    env: parseEnv(options.env),
    timeoutMs: parseTimeout(options.timeout ?? "30s"),
    validate: (args) => validateWith(input, args),
    run: (context) => options.run(context as ToolContext<InferOutput<S>, E>),
  };
  return Object.freeze(Object.assign(tool, { [TOOL]: true }));
}

/** True for what `defineTool` of any loaded copy of the library made. */
export function isTool(value: unknown): value is DefinedTool {
  return typeof value === "object" && value !== null && TOOL in value;
}

/** Longer than that a model's provider does not hold its connection open, nor should an attempt its slot. */
const TIMEOUT_MAX_MS = 300_000;

function parseTimeout(timeout: Duration): number {
  const ms = parseDuration(timeout, "timeout");
  if (ms > 0 && ms <= TIMEOUT_MAX_MS) return ms;
  throw new TypeError(`Cannot use ${JSON.stringify(timeout)} as timeout of a tool: above 0, at most "300s"`);
}

function parseEnv(env: unknown = []): DefinedTool["env"] {
  if (!Array.isArray(env)) {
    throw new TypeError('Cannot use "env" of a tool: give a list of names, such as ["API_KEY", "API_URL?"]');
  }
  return env.map((entry: unknown) => {
    const isOptional = typeof entry === "string" && entry.endsWith("?");
    const name = typeof entry === "string" && isOptional ? entry.slice(0, -1) : entry;
    if (typeof name !== "string" || !VARIABLE_NAME.test(name)) {
      throw new TypeError(
        `Cannot use ${JSON.stringify(entry)} in "env" of a tool: give a variable's name, such as "API_KEY"`,
      );
    }
    if (isReservedVariable(name)) {
      throw new TypeError(
        `Cannot use ${name} in "env" of a tool: it is for this server alone; keep the tool's key in a variable of its own`,
      );
    }
    return { name, isOptional };
  });
}

/** The oldest of the dialects that Standard JSON Schema recommends, and the one that every model's provider reads. */
const DIALECT = "draft-07";

/**
 * The JSON Schema that a schema gives of itself.
 *
 * @see https://standardschema.dev/json-schema "Standard JSON Schema", version 1
 */
function schemaOf(input: StandardSchemaV1): unknown {
  const { jsonSchema } = input["~standard"] as {
    jsonSchema?: { input?: (options: { target: string }) => unknown };
  };
  const way =
    'give "parameters", a JSON Schema of its arguments (or an input that can say it: zod from 4.2 on, valibot in toStandardJsonSchema of @valibot/to-json-schema)';
  if (typeof jsonSchema?.input !== "function") {
    throw new TypeError(
      `Cannot define a tool whose input has no JSON Schema, which the model must be shown: ${way}`,
    );
  }
  try {
    return jsonSchema.input({ target: DIALECT });
  } catch (error) {
    throw new TypeError(
      `Cannot define a tool whose input cannot be written as JSON Schema (${messageOf(error)}): ${way}`,
    );
  }
}

/** A copy of its own that is plain JSON, without the dialect's name, which some providers do not take. */
function readParameters(schema: unknown): DefinedTool["parameters"] {
  const { $schema: _, ...parameters } = (plainCopy(schema) ?? {}) as Record<string, unknown>;
  if (parameters.type === "object") return Object.freeze(parameters);
  throw new TypeError(
    'Cannot define a tool whose arguments are no object: give a JSON Schema with type "object", for models call by name',
  );
}

function plainCopy(schema: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(schema));
  } catch {
    return null;
  }
}
