import { encodeText } from "../../json.ts";
import { parseJson } from "../../parse-json.ts";
import { isRecord } from "../fault.ts";
import { typeFaults, typeOf } from "../field-type.ts";
import type { OutputFields } from "./output-schema.ts";

/** What does not fit in an answer, without the value: the pointer of the part, and what was expected and found. */
export interface AnswerFault {
  readonly pointer: string;
  readonly detail: string;
}

/**
 * The outputs in a model's answer. What is not declared is left out; nothing is coerced.
 *
 * @param text a JSON object, alone or in a code fence; where `isText`, the one output itself
 * @returns the outputs, or what does not fit: at least one fault
 */
export function readAnswer(
  text: string,
  outputs: OutputFields,
  isText: boolean,
): { value: Record<string, unknown> } | { faults: readonly AnswerFault[] } {
  if (isText) {
    if (text.trim() === "") return { faults: [{ pointer: "", detail: "Expected text, found nothing" }] };
    return { value: Object.fromEntries([...outputs.keys()].map((name) => [name, text])) };
  }
  const answer = parseAnswer(text);
  if (!isRecord(answer)) {
    const found = answer === undefined ? "text that is not JSON" : typeOf(answer);
    return { faults: [{ pointer: "", detail: `Expected a JSON object, found ${found}` }] };
  }
  // Only own properties: an output may be called "constructor", which every object has.
  const taken = new Map(
    [...outputs.keys()].map((name) => [name, Object.hasOwn(answer, name) ? answer[name] : undefined]),
  );
  const faults = [...outputs].flatMap(([name, { type }]) => typeFaults(type, taken.get(name), [name]));
  return faults.length > 0 ? { faults } : { value: Object.fromEntries(taken) };
}

/** undefined where there is no JSON. */
function parseAnswer(text: string): unknown {
  const [, fenced] = /```[A-Za-z]*\s*\n([\s\S]*?)```/.exec(text) ?? [];
  for (const candidate of [text, fenced]) {
    if (candidate === undefined) continue;
    try {
      return parseJson(encodeText(candidate.trim()));
    } catch {
      // The next candidate may be JSON.
    }
  }
  return undefined;
}
