import type { Fault } from "../../lib/errors.ts";
import type { Answer } from "./open-server.ts";

/** The problem that an answer is; fails where it is none or where a member is missing. */
export function problemOf(answer: Answer): { name: string; errors: Fault[] } {
  const { type, title, status, detail, request_id: requestId, errors = [] } = answer.json;
  const isWhole =
    answer.headers.get("content-type") === "application/problem+json" &&
    /^urn:latchhook:[a-z_]+$/.test(String(type)) &&
    [title, detail].every((text) => typeof text === "string" && text !== "" && !text.endsWith(".")) &&
    status === answer.status &&
    /^req_[\w-]{24}$/.test(String(requestId)) &&
    Array.isArray(errors);
  if (!isWhole) throw new Error(`This is no whole problem: ${answer.status} ${answer.text}`);
  const faults = errors as Fault[];
  for (const fault of faults) {
    const keys = Object.keys(fault).sort().join();
    if (keys !== "detail,pointer" || fault.detail === "" || !/^(?:\/|$)/.test(fault.pointer)) {
      throw new Error(`This is no fault: ${JSON.stringify(fault)}`);
    }
  }
  return { name: String(type).slice("urn:latchhook:".length), errors: faults };
}
