/** `node:http` that reads a body and answers 202: what any server on Node pays before it does anything. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ANSWER, ready } from "./answer.ts";

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => {
    Buffer.concat(chunks);
    res.writeHead(202, { "content-type": "application/json", "content-length": ANSWER.length });
    res.end(ANSWER);
  });
});
server.listen(0, "127.0.0.1", () => ready((server.address() as AddressInfo).port));
process.on("SIGTERM", () => process.exit(0));
