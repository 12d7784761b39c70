import { rejectionJson } from "../lib/http/answer.ts";
import { jsonAnswer } from "../lib/http/headers.ts";
import { parseFilters } from "../lib/http/query.ts";
import type { Route } from "./context.ts";

/** GET /rejections: why signatures were refused, the newest first, all that this process knows. Errors: 401 403 422 429. */
export const listRejections: Route = ({ query }, context) => {
  const { provider } = parseFilters(new URLSearchParams(query), ["provider"]);
  const all = context.doctor.rejections();
  const items = all.filter((one) => provider === null || one.provider === provider).map(rejectionJson);
  return jsonAnswer(200, { items, next_cursor: null });
};
