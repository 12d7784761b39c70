import { jsonAnswer } from "../lib/http/headers.ts";
import type { Route } from "./context.ts";

/** GET /health: this process answers. A status and nothing else, for anybody. */
export const getHealth: Route = () => jsonAnswer(200, { status: "ok" });

/** GET /ready: it can store, too. 503 while it cannot, or stops. */
export const getReady: Route = async (_call, context) => {
  if (context.isStopping()) return jsonAnswer(503, { status: "stopping" }, { "retry-after": "5" });
  try {
    await context.storage.checkReady();
  } catch {
    return jsonAnswer(503, { status: "unavailable" }, { "retry-after": "5" });
  }
  return jsonAnswer(200, { status: "ok" });
};
