import { messageOf } from "../errors.ts";
import { FatalError } from "../workflow-errors.ts";
import { isRecord } from "./fault.ts";
import type { Fields } from "./fields.ts";
import { checkField } from "./outputs.ts";
import type { ReadyNode } from "./ready-flow.ts";

/**
 * What an earlier attempt wrote, which may be of a file that has changed since: what the node does not write any more is
 * left out.
 *
 * @throws {FatalError} what does not fit its field, or a field that the node did not write then
 */
export function remembered(
  { id, writes }: ReadyNode,
  result: unknown,
  fields: Fields,
): Record<string, unknown> {
  const written = ownFields(id, result, fields);
  const lacking = writes.filter((name) => !Object.hasOwn(written, name));
  if (lacking.length === 0) return Object.fromEntries(writes.map((name) => [name, written[name]]));
  throw new FatalError(
    `Cannot go on behind node ${JSON.stringify(id)}: it ended before the file let it write ${lacking.join(", ")}; start the run anew`,
  );
}

/**
 * What follows from the state and the file alone, so that it is the same each time. Fields that the file does not declare
 * any more are left out.
 *
 * @throws {FatalError} what does not fit its field
 */
export function ownFields(nodeId: string, result: unknown, fields: Fields): Record<string, unknown> {
  if (!isRecord(result)) {
    throw new FatalError(
      `Cannot use what node ${JSON.stringify(nodeId)} wrote before: it is none of a flow's; start the run anew`,
    );
  }
  const written = Object.entries(result).filter(([name]) => fields.has(name));
  for (const [name, value] of written) {
    try {
      checkField(nodeId, name, value, fields);
    } catch (error) {
      throw new FatalError(messageOf(error));
    }
  }
  return Object.fromEntries(written);
}
