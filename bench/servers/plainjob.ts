/**
 * plainjob, a job queue on SQLite: a request verifies and enqueues, a worker in the same process runs a no-op. It has no
 * deduplication, and none is added.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ANSWER, ready } from "./answer.ts";
import { importPeer, openPeerDatabase, type PeerDatabase } from "./peer-database.ts";
import { isSignedBody, parsePeerBody } from "./peer-handler.ts";

interface Queue {
  add(type: string, data: unknown): { id: number };
  close(): void;
}

interface Plainjob {
  better(db: PeerDatabase): unknown;
  defineQueue(options: { connection: unknown; logger: unknown }): Queue;
  defineWorker(
    type: string,
    run: (job: unknown) => Promise<void>,
    options: { queue: Queue; logger: unknown; pollIntervall: number },
  ): { start(): Promise<void>; stop(): Promise<void> };
}

const { better, defineQueue, defineWorker } = await importPeer<Plainjob>("plainjob");
const quiet = { error: console.error, warn: console.error, info: () => {}, debug: () => {} };
const { db, about } = await openPeerDatabase();
const queue = defineQueue({ connection: better(db), logger: quiet });
// It sets NORMAL, which answers before the fsync; the promise that is compared is that of FULL.
db.pragma("synchronous = FULL");
const worker = defineWorker("noop", async () => {}, {
  queue,
  logger: quiet,
  pollIntervall: 10, // its default of a second would be most of what is measured
});
void worker.start();

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => {
    const body = Buffer.concat(chunks);
    const isSigned = isSignedBody(body, String(req.headers["x-signature"]));
    const delivery = isSigned ? parsePeerBody(body) : null;
    if (delivery === null) {
      res.writeHead(isSigned ? 422 : 401).end();
      return;
    }
    queue.add(delivery.workflow, delivery);
    res.writeHead(202, { "content-type": "application/json", "content-length": ANSWER.length });
    res.end(ANSWER);
  });
});
server.listen(0, "127.0.0.1", () => ready((server.address() as AddressInfo).port, about));
process.on("SIGTERM", () => process.exit(0));
