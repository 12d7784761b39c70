import { defineWorkflow } from "latchhook";

export default defineWorkflow({
  async run({ step }) {
    await step.sleep("nap", "20s");
    return "awake";
  },
});
