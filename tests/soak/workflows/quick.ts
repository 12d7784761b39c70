import { defineWorkflow } from "latchhook";

export default defineWorkflow({ run: () => "done" });
