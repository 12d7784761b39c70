import { defineWorkflow } from "latchhook";

export default defineWorkflow({
  async run({ step }) {
    let count = 0;
    for (let index = 1; index <= 10; index++) count = await step(`s${index}`, () => count + 1);
    return { count };
  },
});
