import * as v from "valibot";
import { show } from "../fault.ts";

/** Whose protocol is spoken. `ollama` is OpenAI's protocol at an address of its own. */
export type LlmProvider = "openai" | "anthropic" | "google" | "ollama";

/** Which model a node asks and how, as a file says it: under `config.llm` for all nodes, under `llm` for one. */
export interface LlmForm {
  provider?: LlmProvider | undefined;
  model?: string | undefined;
  temperature?: number | undefined;
  max_tokens?: number | undefined;
  api_base?: string | undefined;
}

/** What is known of a provider before anything is loaded. */
interface ProviderRecord {
  /** The model where a flow names none: each provider's small and cheap one, for a typo should not cost a fortune. */
  readonly model: string;
  /** The package of the AI SDK that speaks its protocol, and the function that it exports for that. */
  readonly package: string;
  readonly create: string;
  /** The provider's usual variables, the first that is set counts. */
  readonly keyNames: readonly string[];
  readonly baseUrlName: string;
  readonly baseUrl: string;
}

/** The major versions that belong together. */
export const AI_MAJOR = 6;
export const PROVIDER_MAJOR = 3;

export const PROVIDERS: Readonly<Record<LlmProvider, ProviderRecord>> = {
  openai: {
    model: "gpt-5-mini",
    package: "@ai-sdk/openai",
    create: "createOpenAI",
    keyNames: ["OPENAI_API_KEY"],
    baseUrlName: "OPENAI_BASE_URL",
    baseUrl: "https://api.openai.com/v1",
  },
  anthropic: {
    model: "claude-haiku-4-5",
    package: "@ai-sdk/anthropic",
    create: "createAnthropic",
    keyNames: ["ANTHROPIC_API_KEY"],
    baseUrlName: "ANTHROPIC_BASE_URL",
    baseUrl: "https://api.anthropic.com/v1",
  },
  google: {
    model: "gemini-2.5-flash-lite",
    package: "@ai-sdk/google",
    create: "createGoogleGenerativeAI",
    keyNames: ["GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"],
    baseUrlName: "GOOGLE_BASE_URL",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
  },
  ollama: {
    model: "llama3.2",
    package: "@ai-sdk/openai",
    create: "createOpenAI",
    keyNames: [],
    baseUrlName: "OLLAMA_HOST",
    baseUrl: "http://localhost:11434/v1",
  },
};

const DEFAULT_PROVIDER: LlmProvider = "google";

/** The provider of a form. */
export function providerOf({ provider }: LlmForm): LlmProvider {
  return provider ?? DEFAULT_PROVIDER;
}

const providerNames = ["openai", "anthropic", "google", "ollama"] as const;
const tokens = "give a whole number of tokens, from 1 to 1000000";
/** Braces are those of templates, which are not filled here. */
const ADDRESS = /^https?:\/\/[^\s/?#@{}]+(\/[^\s?#@{}]*)?$/;
const apiBase = "give an http or https address without a user name, such as http://localhost:11434/v1";

/** The form of `llm` and of `config.llm`. */
export const llmForm: v.GenericSchema<unknown, LlmForm> = v.strictObject({
  provider: v.exactOptional(
    v.pipe(
      v.picklist(providerNames, `give ${providerNames.join(", ")}`),
      v.description(
        "Who runs the model; google where nothing is said. With api_base, openai is every compatible server",
      ),
    ),
  ),
  model: v.exactOptional(
    v.pipe(
      v.string("give a model's name"),
      v.regex(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$/, "give a model's name, such as gemini-2.5-flash-lite"),
      v.description("The model's name as its provider writes it"),
    ),
  ),
  temperature: v.exactOptional(
    v.pipe(
      v.number("give a number from 0 to 2"),
      v.minValue(0, "give a number from 0 to 2"),
      v.maxValue(2, "give a number from 0 to 2"),
      v.description("0 for the likeliest answer, up to 2 for the most surprising one"),
    ),
  ),
  max_tokens: v.exactOptional(
    v.pipe(
      v.number(tokens),
      v.integer(tokens),
      v.minValue(1, tokens),
      v.maxValue(1_000_000, tokens),
      v.description("The most tokens of one answer; an answer that is cut there fails the attempt"),
    ),
  ),
  api_base: v.exactOptional(
    v.pipe(
      v.string(apiBase),
      v.regex(ADDRESS, apiBase),
      v.description("The address of a compatible server: Ollama, vLLM, a gateway"),
    ),
  ),
});

/** A model with all that it takes to ask it. */
export interface Llm {
  readonly provider: LlmProvider;
  readonly model: string;
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  readonly baseUrl: string;
  /** null for a server that asks for none. */
  readonly key: string | null;
  /** The variable that the key comes from, for messages. */
  readonly keyName: string | null;
}

/**
 * The node's `llm` over the flow's. A node that names another provider than the flow takes neither the flow's model nor
 * its address, which belong to that provider.
 */
export function mergeLlm(flow: LlmForm, node: LlmForm): LlmForm {
  const isOther = node.provider !== undefined && node.provider !== providerOf(flow);
  const { model, api_base, ...rest } = flow;
  return isOther ? { ...rest, ...node } : { ...flow, ...node };
}

/**
 * Finds address and key of a model.
 *
 * @param env the server's environment
 * @returns what is missing as text where it cannot be asked; never with a value of the environment
 */
export function resolveLlm(form: LlmForm, env: Readonly<Record<string, string | undefined>>): Llm | string {
  const provider = providerOf(form);
  const record = PROVIDERS[provider];
  const baseUrl = form.api_base ?? envBaseUrl(provider, env[record.baseUrlName]?.trim() ?? "");
  if (baseUrl === null || !URL.canParse(baseUrl)) {
    const what = form.api_base === undefined ? record.baseUrlName : "api_base";
    return `Cannot use ${what} as the address of ${provider}: ${apiBase}`;
  }
  const keyName = record.keyNames.find((name) => (env[name]?.trim() ?? "") !== "") ?? null;
  const key = keyName === null ? null : (env[keyName]?.trim() ?? null);
  const needsKey = provider !== "ollama" && !(provider === "openai" && form.api_base !== undefined);
  if (key === null && needsKey) {
    return `Cannot use provider ${provider} without a key: set ${record.keyNames.join(" or ")}, or name another provider under llm`;
  }
  // A header cannot carry it, and the error that says so would show it.
  if (key !== null && !/^[\x21-\x7e]+$/.test(key)) {
    return `Cannot use ${keyName} as the key of ${provider}: it holds blanks or letters that no key has`;
  }
  return {
    provider,
    model: form.model ?? record.model,
    temperature: form.temperature,
    maxTokens: form.max_tokens,
    baseUrl: baseUrl.replace(/\/+$/, ""),
    key,
    keyName,
  };
}

/** For messages: `model "gpt-5-mini" of openai`. */
export function llmText({ provider, model }: Pick<Llm, "provider" | "model">): string {
  return `model ${show(model)} of ${provider}`;
}

/** What to run where the packages of a provider are missing. */
export function installCommand(provider: LlmProvider): string {
  return `npm install ai@${AI_MAJOR} ${PROVIDERS[provider].package}@${PROVIDER_MAJOR}`;
}

/** The address that a variable names, the provider's own where it is empty, null where it names none. */
function envBaseUrl(provider: LlmProvider, value: string): string | null {
  if (value === "") return PROVIDERS[provider].baseUrl;
  const url = provider === "ollama" ? ollamaUrl(value) : value;
  return ADDRESS.test(url) ? url : null;
}

/**
 * OLLAMA_HOST as Ollama itself reads it: a host, with or without scheme and port. `0.0.0.0` is where its server listens
 * on this machine, and no address to call.
 */
function ollamaUrl(host: string): string {
  const hasScheme = /^https?:\/\//.test(host);
  const bare = host.replace(/\/+$/, "").replace(/^(https?:\/\/)?0\.0\.0\.0(?=$|[:/])/, "$1127.0.0.1");
  if (hasScheme) return /^https?:\/\/[^/]+$/.test(bare) ? `${bare}/v1` : bare;
  return `http://${/:\d+$/.test(bare) ? bare : `${bare}:11434`}/v1`;
}
