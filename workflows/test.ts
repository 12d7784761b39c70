import { defineWorkflow } from "latchhook";
import * as v from "valibot";

export default defineWorkflow({
  description: "The first one to try: what it is sent about decides what it returns",
  input: v.object({ topic: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1000)) }),
  async run({ input, step }) {
    const title = await step("title", () => `About ${input.topic}`);
    const words = await step("words", () => title.split(/\s+/).length);
    return { topic: input.topic, title, words };
  },
});
