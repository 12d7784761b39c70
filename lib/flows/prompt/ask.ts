import type { RunContext } from "../../workflow.ts";
import { FatalError } from "../../workflow-errors.ts";
import { inSentence, show } from "../fault.ts";
import type { Tool } from "../tool.ts";
import { type Answer, type Message, type Model, type ToolCall, toolMessage } from "./model.ts";
import { type OutputFields, toJsonSchema } from "./output-schema.ts";
import { type AnswerFault, readAnswer } from "./read-answer.ts";

/** A prompt's most characters: some 100,000 tokens, half of what the usual models read, and a bill to think about. */
export const PROMPT_CHARS_MAX = 400_000;

/** How often one run of a node asks the model: its tools' answers and corrections included. */
export const TURNS_MAX = 10;

/** How often an answer that does not fit is handed back to the model in one attempt. */
const REPAIRS_MAX = 2;

/** How many faults of an answer the model is shown; one that is wrong everywhere needs no hundred. */
const FAULTS_SHOWN_MAX = 10;

/** What a node asks its model for. */
export interface Conversation {
  readonly nodeId: string;
  readonly model: Model;
  readonly prompt: string;
  readonly tools: readonly Tool[];
  readonly outputs: OutputFields;
  /** True where the answer's text is the one output. */
  readonly isText: boolean;
  readonly stepName: string;
  readonly signal: AbortSignal;
  readonly run: RunContext<unknown>;
}

/**
 * Asks until the answer fits: calls the tools that the model asks for, and shows it what does not fit.
 *
 * @returns the outputs and nothing else of what the model said
 * @throws {FatalError} a prompt that is too long; what `modelFetch` throws
 * @throws {Error} an answer that never fits, is cut or refused; never with what the model or the prompt says
 */
export async function ask(conversation: Conversation): Promise<Record<string, unknown>> {
  const { nodeId, model, prompt, tools, outputs, isText, signal, run } = conversation;
  if (prompt.length > PROMPT_CHARS_MAX) {
    throw new FatalError(
      `Cannot run prompt ${show(nodeId)} of ${prompt.length} characters: at most ${PROMPT_CHARS_MAX}`,
    );
  }
  const messages: Message[] = [{ role: "user", content: prompt }];
  const question = {
    system: isText ? undefined : systemText(outputs),
    tools,
    outputs: isText ? null : outputs,
    signal,
    warn: (message: string) =>
      run.log.warn("a model does without a setting", { node: nodeId, detail: message }),
  };
  let repairs = 0;
  for (let turn = 1; turn <= TURNS_MAX; turn++) {
    const answer = await model.answer({ ...question, messages });
    checkEnd(nodeId, answer);
    if (answer.toolCalls.length > 0) {
      const results = await callTools(conversation, answer.toolCalls);
      messages.push(...answer.messages, ...(results === null ? [] : [results]));
      continue;
    }
    const read = readAnswer(answer.text, outputs, isText);
    if ("value" in read) return read.value;
    if (repairs === REPAIRS_MAX) throw new Error(unfitText(nodeId, read.faults));
    repairs++;
    // An empty message is refused by some providers.
    if (answer.text !== "") messages.push({ role: "assistant", content: answer.text });
    messages.push({ role: "user", content: repairText(read.faults, isText) });
  }
  throw new Error(
    `Cannot run prompt ${show(nodeId)}: its model gave no answer in ${TURNS_MAX} turns; say in the prompt when to stop calling tools`,
  );
}

/** One after the other, so that the steps that remember them come in one order in every attempt. */
async function callTools(
  { tools, run, stepName, signal }: Conversation,
  calls: readonly ToolCall[],
): Promise<Message | null> {
  const results: { call: ToolCall; text: string }[] = [];
  for (const call of calls) {
    const tool = tools.find(({ name }) => name === call.toolName);
    if (tool === undefined || call.invalid === true) continue;
    results.push({ call, text: await tool.call(call.input, { run, stepName, signal }) });
  }
  return results.length === 0 ? null : toolMessage(results);
}

/** An answer that is none: asking again at once would give the same. */
function checkEnd(nodeId: string, { finishReason }: Answer): void {
  const cannot = `Cannot use the answer to prompt ${show(nodeId)}`;
  if (finishReason === "content-filter") {
    throw new Error(`${cannot}: the model refused, or its provider's filter held the answer back`);
  }
  if (finishReason === "length") {
    throw new Error(`${cannot}: it was cut at the most tokens; set llm.max_tokens higher, or ask for less`);
  }
  if (finishReason === "error") {
    throw new Error(`${cannot}: the model broke off with an error`);
  }
}

/** Also where the provider is given the schema: some compatible servers do not look at it, and models read descriptions. */
function systemText(outputs: OutputFields): string {
  return [
    "Your final answer is one JSON object and nothing else: no words around it and no code fence.",
    "It fits this JSON Schema:",
    JSON.stringify(toJsonSchema(outputs)),
  ].join("\n");
}

function repairText(faults: readonly AnswerFault[], isText: boolean): string {
  const lines = faults
    .slice(0, FAULTS_SHOWN_MAX)
    .map(({ pointer, detail }) => `- ${pointer === "" ? "" : `${pointer}: `}${detail}`);
  const again = isText ? "Answer with text." : "Answer again with the whole JSON object and nothing else.";
  return ["Your answer does not fit:", ...lines, again].join("\n");
}

function unfitText(nodeId: string, faults: readonly AnswerFault[]): string {
  const [{ pointer, detail } = { pointer: "", detail: "" }] = faults;
  const what = pointer === "" ? "the answer" : `field ${show(pointer.slice(1))}`;
  return `Cannot take ${what} of prompt ${show(nodeId)}: ${inSentence({ detail })}; its model was told ${REPAIRS_MAX} times`;
}
