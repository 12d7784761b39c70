import * as v from "valibot";
import type { NodeForm, NodeGivens, NodeKind } from "../node-kind.ts";
import { ask } from "../prompt/ask.ts";
import { type LlmForm, llmForm, mergeLlm, providerOf, resolveLlm } from "../prompt/llm.ts";
import { createModel, loadSdk, type Model } from "../prompt/model.ts";
import { checkOutputSchema, isPlainText, outputFields, outputSchemaForm } from "../prompt/output-schema.ts";
import { asText, fillTemplate, parseTemplate } from "../template.ts";
import { prepareTools, type ToolEntry } from "../tool.ts";

/** The most tools of a node; models choose badly among many. */
const TOOLS_MAX = 20;

const toolName = v.pipe(
  v.string("give a tool's name"),
  v.nonEmpty("give a tool's name"),
  v.description("The name of a file in tools/, without its ending"),
);

/** Asks a language model, and takes what fits the node's outputs and nothing else. */
export const prompt: NodeKind<string> = {
  form: v.pipe(
    v.string("give the text for the model, in quotes where it looks like a number"),
    v.nonEmpty("give the text for the model"),
    v.description("What the model is asked, with templates such as {state.topic}"),
  ),
  options: {
    output_schema: v.pipe(
      outputSchemaForm,
      v.description("What the model is to give; where it is left out, the types of the fields under outputs"),
    ),
    llm: v.pipe(llmForm, v.description("Which model, where it is another than config.llm says")),
    tools: v.pipe(
      v.array(
        v.union(
          [
            toolName,
            v.strictObject({
              name: toolName,
              on_error: v.exactOptional(
                v.pipe(
                  v.picklist(["fail", "continue"], "give fail or continue"),
                  v.description(
                    "fail ends the attempt, which is the default; continue tells the model of the error",
                  ),
                ),
              ),
            }),
          ],
          "give a tool's name, or { name, on_error: continue }",
        ),
        "give a list of tools",
      ),
      v.maxLength(TOOLS_MAX, `give at most ${TOOLS_MAX} tools`),
      v.description("Functions of workflows/tools/ that the model may call"),
    ),
  },
  isGroup: false,
  partsOf: (node) => new Map([...outputFields(node)].map(([name, { type }]) => [name, type])),
  check(form, node, check) {
    check.templates(form, ["prompt"]);
    checkOutputSchema(node, (place, detail) => check.fault(place, detail));
  },
  async prepare(form, node, givens) {
    const entries = (node.tools ?? []) as readonly ToolEntry[];
    const [model, tools] = await Promise.all([prepareModel(node, givens), prepareTools(entries, givens)]);
    if (model === null || tools === null) return null;
    const outputs = outputFields(node, givens.fields);
    const isText = isPlainText(node, outputs);
    const template = parseTemplate(form);
    return ({ values, stepName, signal, run }) =>
      ask({
        nodeId: node.id,
        model,
        prompt: asText(fillTemplate(template, values)),
        tools,
        outputs,
        isText,
        stepName,
        signal,
        run,
      });
  },
};

async function prepareModel(node: NodeForm, { llm, host, fault }: NodeGivens): Promise<Model | null> {
  // Where the node says nothing of its model, the fault is the flow's and stands at the prompt.
  const place = node.llm === undefined ? ["prompt"] : ["llm"];
  const form = mergeLlm(llm as LlmForm, (node.llm ?? {}) as LlmForm);
  const resolved = resolveLlm(form, host.env);
  const loaded = await loadSdk(providerOf(form));
  for (const part of [resolved, loaded]) if (typeof part === "string") fault(place, part);
  return typeof resolved === "string" || typeof loaded === "string"
    ? null
    : createModel(node.id, resolved, loaded);
}
