import { defineWorkflow } from "latchhook";

export default defineWorkflow({
  async run({ step }) {
    let sum = 0;
    for (let index = 0; index < 3; index++) sum += await step(`step ${index}`, async () => index);
    return { sum };
  },
});
