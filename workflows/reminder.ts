import { defineWorkflow } from "latchhook";
import * as v from "valibot";

export default defineWorkflow({
  description: "Says something later: the sleep holds no slot and outlives a restart",
  input: v.object({
    text: v.string(),
    minutes: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(525_600)), 10),
  }),
  async run({ input, step, log }) {
    await step.sleep("wait", input.minutes * 60_000);
    return await step("remind", () => {
      log.info("reminder", { text: input.text });
      return { reminded: input.text, at: new Date() };
    });
  },
});
