import { workflowJson } from "../lib/http/answer.ts";
import { jsonAnswer } from "../lib/http/headers.ts";
import type { Route } from "./context.ts";

/** GET /workflows: what can run here. Errors: 401 403 429. */
export const listWorkflows: Route = (_call, context) =>
  jsonAnswer(200, { items: context.registry.list().map(workflowJson) });
