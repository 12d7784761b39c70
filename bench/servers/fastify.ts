/** The accept path on Fastify and better-sqlite3. */
import type { AddressInfo, Server } from "node:net";
import { ready } from "./answer.ts";
import { importPeer, openPeerDatabase } from "./peer-database.ts";
import { isSignedBody, parsePeerBody } from "./peer-handler.ts";
import { PeerStore } from "./peer-store.ts";

interface FastifyReply {
  code(status: number): FastifyReply;
  send(value: unknown): FastifyReply;
}

interface FastifyRequest {
  headers: Record<string, string | undefined>;
  body: Buffer;
}

interface Fastify {
  server: Server;
  addContentTypeParser(
    type: string,
    options: { parseAs: "buffer" },
    parse: (request: FastifyRequest, body: Buffer, done: (error: null, body: Buffer) => void) => void,
  ): void;
  post(path: string, handle: (request: FastifyRequest, reply: FastifyReply) => FastifyReply): void;
  listen(options: { host: string; port: number }): Promise<string>;
  close(): Promise<void>;
}

const { default: fastify } = await importPeer<{ default: () => Fastify }>("fastify");
const { db, about } = await openPeerDatabase();
const store = new PeerStore(db);
const app = fastify();

// The signature covers the bytes, so they are wanted as they came.
app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_, body, done) => done(null, body));
app.post("/webhooks/generic", (request, reply) => {
  const { body, headers } = request;
  if (!isSignedBody(body, headers["x-signature"])) return reply.code(401).send({ error: "signature" });
  const delivery = parsePeerBody(body);
  if (delivery === null) return reply.code(422).send({ error: "body" });
  const runId = store.store(delivery.webhookId, delivery.workflow, body);
  if (runId === null) return reply.code(200).send({ status: "duplicate" });
  return reply.code(202).send({ status: "accepted", run_id: runId });
});

await app.listen({ host: "127.0.0.1", port: 0 });
ready((app.server.address() as AddressInfo).port, about);
process.on("SIGTERM", () => {
  void app.close();
  db.close();
  process.exit(0);
});
