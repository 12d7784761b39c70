import { compileExpression, type Expression } from "./expression.ts";

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
  const { type, evaluate } = compileExpression(source, { variables: VARIABLES });
  return {
    type,
    evaluate: ({ provider, type, webhookId, headers, body }) =>
      evaluate({ event: { provider, type, webhook_id: webhookId }, headers, body }),
  };
}

const VARIABLES = {
  event: { provider: "string", type: "dyn", webhook_id: "dyn" }, // the last two may be null
  headers: "map<string, string>",
  body: "dyn",
};
