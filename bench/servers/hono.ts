/** The accept path on Hono, its Node server, and better-sqlite3. */
import { ready } from "./answer.ts";
import { importPeer, openPeerDatabase } from "./peer-database.ts";
import { isSignedBody, parsePeerBody } from "./peer-handler.ts";
import { PeerStore } from "./peer-store.ts";

interface HonoContext {
  req: { header(name: string): string | undefined; arrayBuffer(): Promise<ArrayBuffer> };
  json(value: unknown, status: number): Response;
}

interface Hono {
  post(path: string, handle: (c: HonoContext) => Promise<Response>): void;
  fetch: unknown;
}

interface HonoNode {
  serve(
    options: { fetch: unknown; hostname: string; port: number },
    onListen: (at: { port: number }) => void,
  ): unknown;
}

const { Hono } = await importPeer<{ Hono: new () => Hono }>("hono");
const { serve } = await importPeer<HonoNode>("@hono/node-server");
const { db, about } = await openPeerDatabase();
const store = new PeerStore(db);
const app = new Hono();

app.post("/webhooks/generic", async (c) => {
  const body = Buffer.from(await c.req.arrayBuffer());
  if (!isSignedBody(body, c.req.header("x-signature"))) return c.json({ error: "signature" }, 401);
  const delivery = parsePeerBody(body);
  if (delivery === null) return c.json({ error: "body" }, 422);
  const runId = store.store(delivery.webhookId, delivery.workflow, body);
  if (runId === null) return c.json({ status: "duplicate" }, 200);
  return c.json({ status: "accepted", run_id: runId }, 202);
});

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => ready(port, about));
process.on("SIGTERM", () => {
  db.close();
  process.exit(0);
});
