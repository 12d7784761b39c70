import { defineWorkflow } from "latchhook";

export default defineWorkflow({ run: () => ({ ok: true }) });
