import * as v from "valibot";
import { KINDS } from "./kinds.ts";
import { mapping } from "./mapping.ts";
import { llmForm } from "./prompt/llm.ts";
import { partsForm, typeText } from "./type-form.ts";

/** Keys of the original form that do nothing here: said once, in a warning, so that its files run unchanged. */
export const IDLE: Readonly<Record<"flow" | "config" | "node", readonly string[]>> = {
  flow: ["optimization", "observability", "storage", "memory", "sandbox", "mlflow", "metadata"],
  config: ["observability", "storage", "memory", "sandbox", "optimization", "chat", "deployment"],
  node: ["optimize", "log_prompts", "log_artifacts", "memory", "sandbox"],
};

/** A flow with more is several workflows; what may run at the same time is looked for among all of them. */
export const NODES_MAX = 1_000;

/** How many times a loop goes round at most, and its default. */
export const ITERATIONS_MAX = 100;
export const ITERATIONS_DEFAULT = 10;
/** Items of a parallel edge at once at most, and the default: each may be a request to the same server. */
export const CONCURRENCY_MAX = 50;
export const CONCURRENCY_DEFAULT = 5;

const text = v.string("give text, in quotes where it looks like a number");
const describe = <T>(schema: v.GenericSchema<T>, description: string): v.GenericSchema<T> =>
  v.pipe(schema, v.description(description)) as v.GenericSchema<T>;
const wholeFrom = (least: number, most: number): v.GenericSchema => {
  const message = `give a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};
const idle = (names: readonly string[]): Record<string, v.GenericSchema> =>
  Object.fromEntries(
    names.map((name) => [name, v.exactOptional(describe(v.unknown(), "Does nothing here"))]),
  );

const fieldForm = v.strictObject({
  type: typeText,
  required: v.exactOptional(describe(v.boolean("give true or false"), "The inputs must give it")),
  default: v.exactOptional(
    describe(v.unknown(), "Its value where the inputs give none; null for a field that may be null"),
  ),
  description: v.exactOptional(describe(text, "For people")),
  schema: v.exactOptional(describe(partsForm, "The parts of an object and their types")),
  from: v.exactOptional(
    describe(text, "Where a delivery's value stands: CEL over event, headers and body, such as body.ref"),
  ),
});

const nodeForm = v.strictObject({
  id: describe(text, "The name of the node's step"),
  name: v.exactOptional(describe(text, "For people")),
  description: v.exactOptional(describe(text, "For people")),
  inputs: v.exactOptional(
    describe(
      mapping(v.unknown(), "give a mapping of local names to values and templates"),
      "Local names for the node's templates; what a run or workflow node is called with",
    ),
  ),
  outputs: v.exactOptional(
    describe(
      v.union(
        [
          v.pipe(v.array(text), v.nonEmpty("give at least one field, or leave it out")),
          mapping(text, "give a mapping of fields to parts"),
        ],
        "give a list of fields, or a mapping of fields to parts of the result such as { title: body.title }",
      ),
      "Fields of the state that take the parts of the result: a list of names, or a mapping of fields to parts",
    ),
  ),
  ...Object.fromEntries([...KINDS].map(([kind, { form }]) => [kind, v.exactOptional(form)])),
  ...Object.assign({}, ...[...KINDS.values()].map(({ options }) => optional(options))),
  ...idle(IDLE.node),
});

function optional(options: Readonly<Record<string, v.GenericSchema>>): Record<string, v.GenericSchema> {
  return Object.fromEntries(Object.entries(options).map(([key, form]) => [key, v.exactOptional(form)]));
}

const node = describe(text, "The id of a node");
const field = describe(text, "The name of a field of the state");

const edgeForm = v.strictObject({
  from: describe(text, "The id of a node, or START"),
  to: v.exactOptional(
    describe(
      v.union(
        [text, v.pipe(v.array(text), v.nonEmpty())],
        "give the id of a node, or a list of ids to run at the same time",
      ),
      "The id of a node, or END; a list runs its nodes at the same time, and where their ways meet all are waited for",
    ),
  ),
  routes: v.exactOptional(
    describe(
      v.pipe(
        v.array(
          v.strictObject({
            condition: describe(
              v.strictObject({
                logic: describe(text, "CEL over state, such as state.score > 0.8 and state.ok; or default"),
              }),
              "When it is taken",
            ),
            to: node,
          }),
          "give a list of { condition: { logic }, to }",
        ),
        v.nonEmpty("give at least one route"),
      ),
      "The first route whose condition holds is taken; one is the default",
    ),
  ),
  loop: v.exactOptional(
    describe(
      v.strictObject({
        to: v.exactOptional(
          describe(text, "The node to go back to; by default the one that the edge comes from"),
        ),
        max_iterations: v.exactOptional(
          describe(wholeFrom(1, ITERATIONS_MAX), `Rounds at most, default ${ITERATIONS_DEFAULT}`),
        ),
        condition_field: describe(text, "A bool field that ends the loop when it is true"),
        exit_to: describe(text, "The node that comes after the loop, or END"),
      }),
      "Goes back until a field is true or the rounds are used up",
    ),
  ),
  parallel: v.exactOptional(
    describe(
      v.strictObject({
        items_field: field,
        target_node: describe(text, "The node that runs once for each item, with {item} and {index}"),
        collect_field: describe(text, "The list field that takes what each run of the node writes, in order"),
        max_concurrency: v.exactOptional(
          describe(wholeFrom(1, CONCURRENCY_MAX), `Items at once, default ${CONCURRENCY_DEFAULT}`),
        ),
      }),
      "Runs one node for each item of a list",
    ),
  ),
});

const seconds = "give seconds, above 0 and at most 315360000";

/** The form of a flow's file; the JSON Schema for editors is made of it. */
export const flowForm: v.GenericSchema = v.strictObject({
  schema_version: describe(
    v.literal("1.0", 'give "1.0", in quotes') as v.GenericSchema,
    "The version of this form",
  ),
  flow: describe(
    v.strictObject({
      name: describe(v.pipe(text, v.nonEmpty("give a name")), "For people"),
      description: v.exactOptional(describe(text, "For people")),
      version: v.exactOptional(describe(text, "For people: the flow's own, in quotes")),
    }),
    "What it is, for people; the workflow's name is its file's",
  ),
  on: v.exactOptional(
    describe(
      v.pipe(
        v.array(
          v.strictObject({
            provider: describe(text, "Such as github"),
            event: v.exactOptional(describe(text, "A pattern for the event's type, such as pull_request.*")),
            if: v.exactOptional(
              describe(text, 'CEL over event, headers and body, such as body.action == "opened"'),
            ),
          }),
          "give a list such as [{ provider: github }]",
        ),
        v.nonEmpty("give at least one provider, or leave it out"),
      ),
      "The deliveries that start it",
    ),
  ),
  env: v.exactOptional(
    describe(
      v.array(text, "give a list of names"),
      "Variables of the environment that templates may read, as {env.NAME}",
    ),
  ),
  state: describe(
    v.strictObject({
      fields: describe(
        mapping(fieldForm, "give a mapping of field names to { type: ... }"),
        "What inputs fill, nodes write and templates read",
      ),
    }),
    "What a run works on; it is the result in the end",
  ),
  nodes: describe(
    v.pipe(
      v.array(nodeForm, "give a list of nodes"),
      v.nonEmpty("give at least one node"),
      v.maxLength(NODES_MAX, `give at most ${NODES_MAX} nodes: make it several workflows`),
    ),
    "The steps: each has an id and exactly one kind",
  ),
  edges: describe(
    v.array(edgeForm, "give a list of { from, to }"),
    "The ways from START through the nodes to END",
  ),
  config: v.exactOptional(
    describe(
      v.strictObject({
        llm: v.exactOptional(describe(llmForm, "For every prompt node that does not say otherwise")),
        execution: v.exactOptional(
          describe(
            v.strictObject({
              timeout: v.exactOptional(
                describe(
                  v.pipe(v.number(seconds), v.gtValue(0, seconds), v.maxValue(315_360_000, seconds)),
                  "Seconds that one attempt may take, default 300",
                ),
              ),
              max_retries: v.exactOptional(
                describe(wholeFrom(0, 1_000), "Attempts after the first, default 9"),
              ),
            }),
            "How long and how often it is tried",
          ),
        ),
        ...idle(IDLE.config),
      }),
      "Which model, and how it is run",
    ),
  ),
  ...idle(IDLE.flow),
});
