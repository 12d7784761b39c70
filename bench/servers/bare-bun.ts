/** `Bun.serve` that reads a body and answers 202. */
import { ANSWER, ready } from "./answer.ts";

/** The part of Bun's own API that is used here; its types are not ours to install. */
interface BunServe {
  serve(options: { hostname: string; port: number; fetch: (request: Request) => Promise<Response> }): {
    port: number;
  };
}

const bun = Reflect.get(globalThis, "Bun") as BunServe;
const init = { status: 202, headers: { "content-type": "application/json" } };
const server = bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request) => {
    await request.arrayBuffer();
    return new Response(ANSWER, init);
  },
});
ready(server.port);
process.on("SIGTERM", () => process.exit(0));
