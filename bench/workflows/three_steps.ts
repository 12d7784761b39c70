import { defineWorkflow } from "latchhook";

export default defineWorkflow({
  async run({ step }) {
    const one = await step("one", () => 1);
    const two = await step("two", () => one + 1);
    const three = await step("three", () => two + 1);
    return { three };
  },
});
