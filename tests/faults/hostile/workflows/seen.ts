/** Says what its input and every other object looks like to code that trusts prototypes. */
import { defineWorkflow } from "latchhook";

export default defineWorkflow({
  run({ input }) {
    const inherited: string[] = [];
    for (const key in {}) inherited.push(key);
    return {
      inherited,
      keys: Object.keys(input as object).sort(),
      isPlain: Object.getPrototypeOf(input) === Object.prototype,
      isAdmin: (input as { isAdmin?: unknown }).isAdmin ?? null,
    };
  },
});
