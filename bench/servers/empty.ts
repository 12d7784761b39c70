/** Nothing but the line that says it is up: what starting the runtime and the TypeScript loader takes. */
import { ready } from "./answer.ts";

ready(0);
setInterval(() => {}, 60_000);
process.on("SIGTERM", () => process.exit(0));
