import { isFatalError, isRetryError } from "../../workflow-errors.ts";
import { show } from "../fault.ts";
import type { Tool } from "../tool.ts";
import { installCommand, type Llm, type LlmProvider, llmText, PROVIDERS } from "./llm.ts";
import { type CallLimits, ModelError, modelFetch } from "./model-fetch.ts";
import { isClosed, type JsonSchema, type OutputFields, toJsonSchema } from "./output-schema.ts";

/** A model that is ready to be asked. */
export interface Model {
  /** Sends the conversation so far and waits for the model's next words. */
  answer(question: Question): Promise<Answer>;
}

/** A message of a conversation, as the AI SDK has it. */
export type Message = Readonly<Record<string, unknown>>;

/** A conversation and what may follow. */
export interface Question {
  readonly system: string | undefined;
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  /** What the answer's JSON has to fit; null for text. */
  readonly outputs: OutputFields | null;
  readonly signal: AbortSignal;
  /** Is told of settings that the model does not know. */
  warn(message: string): void;
}

/** What a model says. */
export interface Answer {
  readonly text: string;
  /** `stop`, `length`, `content-filter`, `tool-calls`, `error` or `other`. */
  readonly finishReason: string;
  readonly toolCalls: readonly ToolCall[];
  /** The answer as messages, for the conversation to go on. */
  readonly messages: readonly Message[];
}

/** A tool that the model wants to be called. */
export interface ToolCall {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
  /** True where there is no such tool or its arguments are not JSON: the messages tell the model already. */
  readonly invalid?: boolean;
}

/** Imports a package; a test gives another. */
export type ImportPackage = (name: string) => Promise<unknown>;

/** The AI SDK with what speaks one provider's protocol. */
export interface LoadedSdk {
  readonly sdk: Sdk;
  readonly create: Create;
}

/**
 * Loads the AI SDK for a provider.
 *
 * @returns what to install, as text, where a package is missing or does not fit
 */
export async function loadSdk(
  provider: LlmProvider,
  importPackage: ImportPackage = (name) => import(name),
): Promise<LoadedSdk | string> {
  const record = PROVIDERS[provider];
  // The names are variables because the packages are optional peers: types and bundlers must not ask for them.
  const packages = await Promise.all([importPackage("ai"), importPackage(record.package)]).catch(() => null);
  const sdk = packages?.[0] as Partial<Sdk> | undefined;
  const exported = packages?.[1] as Record<string, unknown> | undefined;
  const create = exported?.[record.create] as Create | undefined;
  if (isSdk(sdk) && typeof create === "function" && isOfMajor(sdk, create)) return { sdk, create };
  return `Cannot use provider ${provider}: packages ai and ${record.package} are missing or of another major; run ${installCommand(provider)}`;
}

/**
 * A model to ask; nobody is asked yet.
 *
 * @param nodeId for messages
 */
export function createModel(
  nodeId: string,
  llm: Llm,
  { sdk, create }: LoadedSdk,
  limits?: CallLimits,
): Model {
  const provider = create({
    // Both are given, so that the SDK reads neither from the environment. Where there is no key, modelFetch takes the
    // header away again.
    apiKey: llm.key ?? "none",
    baseURL: llm.baseUrl,
    fetch: modelFetch(nodeId, llm, limits),
  });
  const model = provider.chat(llm.model);
  return { answer: (question) => answer(nodeId, llm, sdk, model, question) };
}

/**
 * What the SDK would take for something else: calls of one turn to which a server gives one id would be one call to it,
 * and it finds a tool called toString in every object.
 */
function asCalled(content: readonly SdkContent[], tools: readonly Tool[]): SdkContent[] {
  const taken = new Set<string>();
  const calls = new Map<string, number>();
  const isInherited = (name: string): boolean =>
    name in Object.prototype && !tools.some((tool) => tool.name === name);
  return content.map((part) => {
    if (part.type !== "tool-call") return part;
    const { toolCallId = "", toolName = "" } = part;
    let id = toolCallId;
    while (taken.has(id)) {
      // Counted for each id, since a model may give thousands of calls the same one.
      const call = (calls.get(toolCallId) ?? 1) + 1;
      calls.set(toolCallId, call);
      id = `${toolCallId}-${call}`;
    }
    taken.add(id);
    return { ...part, toolCallId: id, toolName: isInherited(toolName) ? `_${toolName}` : toolName };
  });
}

/** The tools' answers, as the message that follows the calls. */
export function toolMessage(results: readonly { call: ToolCall; text: string }[]): Message {
  const content = results.map(({ call: { toolCallId, toolName }, text }) => {
    return { type: "tool-result", toolCallId, toolName, output: { type: "text", value: text } };
  });
  return { role: "tool", content };
}

async function answer(
  nodeId: string,
  llm: Llm,
  sdk: Sdk,
  model: SdkModel,
  question: Question,
): Promise<Answer> {
  const { outputs, tools } = question;
  const warn = (warnings: readonly SdkWarning[]): void => {
    for (const { feature, details, message } of warnings) {
      question.warn(
        `${llmText(llm)}: ${message ?? `${feature} is not supported; ${details ?? "it is left out"}`}`,
      );
    }
  };
  // The SDK writes warnings to the console; here they come to the run's log.
  const quiet = sdk.wrapLanguageModel({
    model,
    middleware: {
      specificationVersion: SPECIFICATION,
      async wrapGenerate({ doGenerate }) {
        const result = await doGenerate();
        warn(result.warnings);
        return { ...result, warnings: [], content: asCalled(result.content, tools) };
      },
    },
  });
  const format = outputs === null || tools.length > 0 ? null : formatOf(llm, outputs);
  try {
    const result = await sdk.generateText({
      model: quiet,
      ...(question.system === undefined ? {} : { system: question.system }),
      messages: question.messages,
      ...(llm.temperature === undefined ? {} : { temperature: llm.temperature }),
      ...(llm.maxTokens === undefined ? {} : { maxOutputTokens: llm.maxTokens }),
      ...(tools.length === 0 ? {} : { tools: toolSet(sdk, tools) }),
      ...(format === null ? {} : { output: outputOf(sdk, format.schema), providerOptions: format.options }),
      // The runner tries again, also after a crash.
      maxRetries: 0,
      abortSignal: question.signal,
    });
    const { text, finishReason, toolCalls, response } = result;
    return { text, finishReason, toolCalls, messages: response.messages };
  } catch (error) {
    if (question.signal.aborted) throw question.signal.reason;
    if (isFatalError(error) || isRetryError(error) || error instanceof ModelError) throw error;
    // The SDK's own errors quote the prompt and the answer, so that only their names are taken.
    const name = error instanceof Error && /^\w{1,60}$/.test(error.name) ? error.name : "Error";
    throw new ModelError(
      `Cannot run prompt ${show(nodeId)}: what ${llmText(llm)} answered is not of ${llm.provider}'s protocol (${name})`,
    );
  }
}

/**
 * How the provider itself holds the model to the schema, as far as it can: OpenAI is strict where everything is closed,
 * Gemini's schemas and Anthropic's know no open objects. null where only the system text asks for JSON.
 */
function formatOf(llm: Llm, outputs: OutputFields): { schema: JsonSchema; options: object } | null {
  const closed = [...outputs.values()].every(({ type }) => isClosed(type));
  if (llm.provider === "anthropic" && !closed) return null;
  const schema = toJsonSchema(outputs);
  if (llm.provider === "google") return { schema, options: { google: { structuredOutputs: closed } } };
  return { schema, options: { openai: { strictJsonSchema: closed } } };
}

/** The text is read by us, so that what does not fit can be shown to the model. */
function outputOf(sdk: Sdk, schema: JsonSchema): object {
  const output = sdk.Output.object({ schema: sdk.jsonSchema(schema), name: "answer" });
  return { ...output, parseCompleteOutput: async ({ text }: { text: string }) => text };
}

/** Without `execute`: the calls come back to us, who count, remember and bound them. */
function toolSet(sdk: Sdk, tools: readonly Tool[]): Record<string, object> {
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      { description, inputSchema: sdk.jsonSchema(parameters) },
    ]),
  );
}

/** What is used of package `ai`, in types of our own, for it may be missing where this is compiled. */
interface Sdk {
  generateText(options: object): Promise<SdkResult>;
  jsonSchema(schema: object): object;
  wrapLanguageModel(options: { model: SdkModel; middleware: SdkMiddleware }): SdkModel;
  readonly Output: { object(options: { schema: object; name: string }): object };
}

interface SdkResult {
  readonly text: string;
  readonly finishReason: string;
  readonly toolCalls: readonly ToolCall[];
  readonly response: { readonly messages: readonly Message[] };
}

interface SdkModel {
  readonly specificationVersion: string;
}

interface SdkMiddleware {
  readonly specificationVersion: typeof SPECIFICATION;
  wrapGenerate?(given: {
    doGenerate(): PromiseLike<{
      readonly warnings: readonly SdkWarning[];
      readonly content: readonly SdkContent[];
    }>;
  }): PromiseLike<object>;
}

interface SdkContent {
  readonly type: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
}

interface SdkWarning {
  readonly feature?: string;
  readonly details?: string;
  readonly message?: string;
}

/** What a provider's package exports: `createOpenAI` and its like. */
type Create = (options: { apiKey: string; baseURL: string; fetch: typeof fetch }) => {
  chat(model: string): SdkModel;
};

function isSdk(sdk: Partial<Sdk> | undefined): sdk is Sdk {
  const functions = [sdk?.generateText, sdk?.jsonSchema, sdk?.wrapLanguageModel, sdk?.Output?.object];
  return functions.every((part) => typeof part === "function");
}

/** What both packages call the interface between them; another major of either has another. */
const SPECIFICATION = "v3";

function isOfMajor(sdk: Sdk, create: Create): boolean {
  const model = create({ apiKey: "none", baseURL: "http://localhost", fetch }).chat("none");
  const wrapped = sdk.wrapLanguageModel({ model, middleware: { specificationVersion: SPECIFICATION } });
  return model.specificationVersion === SPECIFICATION && wrapped.specificationVersion === SPECIFICATION;
}
