import { defineTool, FatalError, RetryError } from "latchhook";
import * as v from "valibot";

/** Searches with Google through serper.dev. Source: serper.dev, "Playground", endpoint Search. */
export default defineTool({
  description: "Searches the web with Google. Gives the top results: title, link and a snippet of each page.",
  input: v.object({ query: v.pipe(v.string(), v.nonEmpty(), v.maxLength(2048)) }),
  parameters: {
    type: "object",
    properties: { query: { type: "string", description: "What to search for, as one types it into Google" } },
    required: ["query"],
    additionalProperties: false,
  },
  // The second is for a gateway in between.
  env: ["SERPER_API_KEY", "SERPER_BASE_URL?"],
  async run({ input, env, signal }) {
    const base = (env.SERPER_BASE_URL ?? "https://google.serper.dev").replace(/\/+$/, "");
    const response = await fetch(`${base}/search`, {
      method: "POST",
      headers: { "x-api-key": env.SERPER_API_KEY, "content-type": "application/json" },
      body: JSON.stringify({ q: input.query }),
      redirect: "manual", // the key goes to nobody else
      signal,
    }).catch((cause: unknown) => {
      throw new Error("Serper cannot be reached: look at the network, or at SERPER_BASE_URL", { cause });
    });
    const text = await readText(response);
    if (response.status !== 200) throw refusal(response, text);
    return describe(parse(text), input.query);
  },
});

const ANSWER_BYTES_MAX = 1_048_576;
const RESULTS_MAX = 10;
/** A snippet has some 200 characters; what is longer is no snippet. */
const LINE_CHARACTERS_MAX = 1_000;
/** Where Serper does not say when to come back. */
const RETRY_AFTER_SECONDS = 30;
const RETRY_AFTER_SECONDS_MAX = 3_600;

const line = v.nullish(v.string(), "");
const Answer = v.object({
  answerBox: v.nullish(v.object({ title: line, answer: line, snippet: line, link: line })),
  organic: v.nullish(v.array(v.object({ title: line, link: line, snippet: line })), []),
});

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`Serper answered more than ${ANSWER_BYTES_MAX} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function refusal({ status, headers }: Response, text: string): Error {
  if (status === 401 || status === 403) {
    return new FatalError(
      `Serper refused the key (${status}): set SERPER_API_KEY to the one of serper.dev/api-key`,
    );
  }
  if (status === 429) {
    const asked = Number(headers.get("retry-after") ?? RETRY_AFTER_SECONDS);
    const seconds = Number.isFinite(asked)
      ? Math.min(Math.max(asked, 1), RETRY_AFTER_SECONDS_MAX)
      : RETRY_AFTER_SECONDS;
    return new RetryError("Serper has had too many searches (429)", { after: seconds * 1_000 });
  }
  if (status === 400 && /not enough credits/i.test(text)) {
    return new FatalError("Serper has no credits left for the key (400): buy some at serper.dev");
  }
  return new Error(`Serper answered ${status}`);
}

function parse(text: string): v.InferOutput<typeof Answer> {
  try {
    return v.parse(Answer, JSON.parse(text));
  } catch {
    throw new Error("Serper answered something else than the JSON of a search: look at SERPER_BASE_URL");
  }
}

function describe({ answerBox, organic }: v.InferOutput<typeof Answer>, query: string): string {
  const parts = organic.slice(0, RESULTS_MAX).map(({ title, link, snippet }, index) => {
    return lines(`${index + 1}. ${title}`, link, snippet);
  });
  if (answerBox != null) {
    const { title, answer, snippet, link } = answerBox;
    parts.unshift(lines(`Answer: ${answer || snippet || title}`, answer === "" ? "" : title, link));
  }
  return parts.length === 0 ? `Nothing was found for ${JSON.stringify(query)}` : parts.join("\n\n");
}

function lines(...texts: readonly string[]): string {
  return texts
    .filter((text) => text !== "")
    .map((text) => text.replaceAll(/\s+/g, " ").slice(0, LINE_CHARACTERS_MAX))
    .join("\n");
}
