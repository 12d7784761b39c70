import { type Agent, request } from "node:http";

/** What came back; `json` is null where the body was cut off. */
export interface Answer {
  status: number;
  json: Record<string, unknown> | null;
}

/** A server that lives and says nothing for so long has not answered. */
const TIMEOUT_MS = 20_000;

/** A request by hand, because `fetch` does not tell an answer that was cut off from none. @returns null without one */
export function ask(
  agent: Agent,
  origin: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): Promise<Answer | null> {
  return new Promise((resolve) => {
    const asked = request(`${origin}${path}`, {
      method,
      agent,
      headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
      timeout: TIMEOUT_MS,
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(null));
    asked.on("response", (response) => {
      const status = response.statusCode ?? 0;
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", () => resolve({ status, json: null }));
      response.on("close", () => resolve({ status, json: parseOrNull(text) }));
    });
    asked.end(body);
  });
}

function parseOrNull(text: string): Answer["json"] {
  try {
    return JSON.parse(text) as Answer["json"];
  } catch {
    return null;
  }
}
