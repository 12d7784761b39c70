import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The protocols that models are asked in; Ollama and vLLM speak OpenAI's. */
export type Protocol = "openai" | "anthropic" | "google";

export const PROTOCOLS: readonly Protocol[] = ["openai", "anthropic", "google"];

/** What a model answers, in words that all protocols have. */
export type Reply =
  | { readonly text: string; readonly end?: "stop" | "length" | "filter" }
  | { readonly calls: readonly { readonly name: string; readonly args: unknown; readonly id?: string }[] }
  | { readonly refusal: string }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | { readonly send: (response: ServerResponse) => void };

/** A request as it arrived. */
export interface ModelRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  /** The body's JSON, to look for words in. */
  readonly text: string;
}

/** A server on loopback that speaks a provider's protocol. */
export interface ModelServer {
  readonly protocol: Protocol;
  /** What stands before the protocol's own path. */
  readonly url: string;
  readonly requests: readonly ModelRequest[];
  /** The environment in which flows find it, with a key. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** The key that each server is given, to look for where it must not be. */
export const MODEL_KEY = "sk-local-4f0c2a7e9b1d";

const KEY_NAMES: Readonly<Record<Protocol, string>> = {
  openai: "OPENAI_API_KEY",
  anthropic: "ANTHROPIC_API_KEY",
  google: "GOOGLE_API_KEY",
};

/**
 * Opens one that gives the replies in turn, or what a function makes of a request. A request too many gets 400, which
 * no attempt repeats.
 */
export async function openModelServer(
  protocol: Protocol,
  replies: readonly Reply[] | ((request: ModelRequest) => Reply),
): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const request = {
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: JSON.parse(text) as Record<string, unknown>,
      text,
    };
    requests.push(request);
    const reply = typeof replies === "function" ? replies(request) : replies[requests.length - 1];
    sendReply(protocol, reply ?? { status: 400, body: { error: { code: "no_reply_left" } } }, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    protocol,
    url,
    requests,
    env: { [KEY_NAMES[protocol]]: MODEL_KEY, [`${protocol.toUpperCase()}_BASE_URL`]: url },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sendReply(protocol: Protocol, reply: Reply, response: ServerResponse): void {
  if ("send" in reply) {
    reply.send(response);
    return;
  }
  const { status, headers, body } =
    "status" in reply
      ? { headers: {}, body: { error: { message: "no" } }, ...reply }
      : { status: 200, headers: {}, body: bodyOf(protocol, reply) };
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

type Answer = Exclude<Reply, { status: number } | { send: unknown }>;

/** The answer's body, with what each protocol requires of it. */
export function bodyOf(protocol: Protocol, reply: Answer): unknown {
  switch (protocol) {
    case "openai":
      return openaiBody(reply);
    case "anthropic":
      return anthropicBody(reply);
    case "google":
      return googleBody(reply);
  }
}

/** platform.openai.com, "The chat completion object". */
function openaiBody(reply: Answer): unknown {
  const ends = { stop: "stop", length: "length", filter: "content_filter" };
  const message =
    "text" in reply
      ? { content: reply.text }
      : "refusal" in reply
        ? { content: null, refusal: reply.refusal }
        : {
            content: null,
            tool_calls: reply.calls.map(({ name, args, id }, index) => ({
              id: id ?? `call_${index}`,
              type: "function",
              function: { name, arguments: typeof args === "string" ? args : JSON.stringify(args) },
            })),
          };
  const finish = "text" in reply ? ends[reply.end ?? "stop"] : "calls" in reply ? "tool_calls" : "stop";
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_700_000_000,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finish }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
}

/** docs.claude.com, "Create a message". */
function anthropicBody(reply: Answer): unknown {
  const ends = { stop: "end_turn", length: "max_tokens", filter: "refusal" };
  const content =
    "text" in reply
      ? [{ type: "text", text: reply.text }]
      : "refusal" in reply
        ? []
        : reply.calls.map(({ name, args }, index) => ({
            type: "tool_use",
            id: `toolu_${index}`,
            name,
            input: args,
          }));
  const reason = "text" in reply ? ends[reply.end ?? "stop"] : "calls" in reply ? "tool_use" : "refusal";
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content,
    stop_reason: reason,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
}

/** ai.google.dev, "GenerateContentResponse". */
function googleBody(reply: Answer): unknown {
  const ends = { stop: "STOP", length: "MAX_TOKENS", filter: "SAFETY" };
  const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 };
  if ("refusal" in reply) return { promptFeedback: { blockReason: "SAFETY" }, usageMetadata };
  const parts =
    "text" in reply
      ? [{ text: reply.text }]
      : reply.calls.map(({ name, args }) => ({ functionCall: { name, args } }));
  const finishReason = "text" in reply ? ends[reply.end ?? "stop"] : "STOP";
  return {
    candidates: [{ content: { role: "model", parts }, finishReason, index: 0 }],
    usageMetadata,
  };
}
