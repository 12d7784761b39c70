import { defineWorkflow } from "latchhook";

/** Needs three attempts. */
export default defineWorkflow({
  retry: { minDelay: "1s", maxDelay: "2s" },
  run({ attempt }) {
    if (attempt < 3) throw new Error("not yet");
    return "at last";
  },
});
