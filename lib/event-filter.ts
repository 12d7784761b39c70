import { compileExpression, type Expression, type ExpressionTree, placeIn } from "./expression.ts";

/** What a filter sees of an event. */
export interface EventView {
  readonly provider: string;
  readonly type: string | null;
  readonly webhookId: string | null;
  /** The kept headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed body. */
  readonly body: unknown;
}

/** Gives `true` where the event matches; anything else, a fault too, is no match. */
export type EventFilter = (event: EventView) => unknown;

/**
 * A filter of a workflow's `on`: CEL over `event` (`provider`, `type`, `webhook_id`), `headers` and `body`.
 *
 * @throws {TypeError} what cannot be used, with the place
 */
export function compileEventFilter(source: string): EventFilter {
  const { type, evaluate } = compileEventExpression(source);
  if (type !== "bool" && type !== "dyn") {
    throw new TypeError(`it gives ${type}, and a filter gives true or false`);
  }
  return evaluate;
}

/** An expression over an event, which gives its value or a fault. */
export interface EventExpression {
  readonly type: Expression["type"];
  readonly evaluate: (event: EventView) => unknown;
}

/**
 * CEL over `event`, `headers` and `body`, of any type.
 *
 * @throws {TypeError} what cannot be used, with the place
 */
export function compileEventExpression(source: string): EventExpression {
  const { type, tree, evaluate } = compileExpression(source, { variables: VARIABLES });
  checkHeaderNames(tree, source);
  return {
    type,
    evaluate: ({ provider, type, webhookId, headers, body }) =>
      evaluate({ event: { provider, type, webhook_id: webhookId }, headers, body }),
  };
}

/** A name with a capital would be absent for ever. */
function checkHeaderNames(node: ExpressionTree, source: string): void {
  // A macro's variable of this name hides them.
  if (node.op === "rcall" && node.args[2][0]?.op === "id" && node.args[2][0].args === "headers") return;
  const [target, key] = node.op === "." || node.op === "[]" ? node.args : [];
  if (target?.op === "id" && target.args === "headers") {
    const name = typeof key === "string" ? key : key?.op === "value" ? key.args : "";
    if (typeof name === "string" && name !== name.toLowerCase()) {
      const way = `write headers[${JSON.stringify(name.toLowerCase())}]`;
      throw new TypeError(`the names of headers are in lower case; ${way}${placeIn(source, node.start)}`);
    }
  }
  for (const part of [node.args].flat(2)) {
    if (typeof part === "object" && part !== null && "op" in part) checkHeaderNames(part, source);
  }
}

const VARIABLES = {
  event: { provider: "string", type: "dyn", webhook_id: "dyn" }, // the last two may be null
  headers: "map<string, string>",
  body: "dyn",
};
