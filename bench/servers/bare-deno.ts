/** `Deno.serve` that reads a body and answers 202. */
import process from "node:process";
import { ANSWER, ready } from "./answer.ts";

/** The part of Deno's own API that is used here; its types are not ours to install. */
interface DenoServe {
  serve(
    options: { hostname: string; port: number; onListen: (at: { port: number }) => void },
    handle: (request: Request) => Promise<Response>,
  ): unknown;
}

const deno = Reflect.get(globalThis, "Deno") as DenoServe;
const init = { status: 202, headers: { "content-type": "application/json" } };
deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => ready(port) }, async (request) => {
  await request.arrayBuffer();
  return new Response(ANSWER, init);
});
process.on("SIGTERM", () => process.exit(0));
