import * as v from "valibot";
import type { NodeGivens, NodeKind, NodeOf } from "../node-kind.ts";
import { ask } from "../prompt/ask.ts";
import { type LlmForm, llmForm, mergeLlm, resolveLlm } from "../prompt/llm.ts";
import { loadModel, type Model } from "../prompt/model.ts";
import { checkOutputSchema, isPlainText, outputFields, outputSchemaForm } from "../prompt/output-schema.ts";
import { asText, fillTemplate, parseTemplate } from "../template.ts";

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
  },
  isGroup: false,
  partsOf: (node) => new Map([...outputFields(node)].map(([name, { type }]) => [name, type])),
  check(form, node, check) {
    check.templates(form, ["prompt"]);
    checkOutputSchema(node, (place, detail) => check.fault(place, detail));
  },
  async prepare(form, node, givens) {
    const model = await prepareModel(node, givens);
    if (model === null) return null;
    const outputs = outputFields(node, givens.fields);
    const isText = isPlainText(node, outputs);
    const template = parseTemplate(form);
    return ({ values, stepName, signal, run }) =>
      ask({
        nodeId: node.id,
        model,
        prompt: asText(fillTemplate(template, values)),
        tools: [],
        outputs,
        isText,
        stepName,
        signal,
        run,
      });
  },
};

async function prepareModel(node: NodeOf<string>, { llm, host, fault }: NodeGivens): Promise<Model | null> {
  // Where the node says nothing of its model, the fault is the flow's and stands at the prompt.
  const place = node.llm === undefined ? ["prompt"] : ["llm"];
  const resolved = resolveLlm(mergeLlm(llm as LlmForm, (node.llm ?? {}) as LlmForm), host.env);
  const model = typeof resolved === "string" ? resolved : await loadModel(node.id, resolved);
  if (typeof model !== "string") return model;
  fault(place, model);
  return null;
}
