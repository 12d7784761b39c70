import type { State } from "../../lib/flows/fields.ts";
import type { Values } from "../../lib/flows/template.ts";

/** What templates are filled from where a node has no local names and the flow declares no environment. */
export function valuesOf(state: State, locals: Values["locals"] = {}, env: Values["env"] = {}): Values {
  return { locals, state, env };
}
