import { connect } from "node:net";
import type { SpawnedServer } from "../../support/spawn-server.ts";

/** What came back over a connection of our own. */
export type RawAnswer =
  | { kind: "whole"; status: number; json: Record<string, unknown> }
  /** Closed or refused before a byte of the answer. */
  | { kind: "none" }
  /** Closed within the answer. */
  | { kind: "cut"; received: string };

/** Delivers over a connection of its own, so that a cut answer is told from one that never began. */
export function deliverRaw(
  { origin }: SpawnedServer,
  workflowName: string,
  webhookId: string,
  inputs: unknown,
): Promise<RawAnswer> {
  const { host, port } = new URL(origin);
  const body = JSON.stringify({ workflow_name: workflowName, inputs, webhook_id: webhookId });
  const head = [
    "POST /webhooks/generic HTTP/1.1",
    `Host: ${host}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return new Promise((resolve) => {
    const socket = connect(Number(port), "127.0.0.1");
    let received = "";
    const end = (): void => {
      resolve(parse(received) ?? (received === "" ? { kind: "none" } : { kind: "cut", received }));
      socket.destroy();
    };
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      received += text;
      if (parse(received) !== null) end();
    });
    socket.on("error", () => {}); // a close follows
    socket.on("close", end);
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  });
}

/** The whole answer; null where something of it is missing. Its JSON is ASCII here. */
function parse(received: string): RawAnswer | null {
  const headEnd = received.indexOf("\r\n\r\n");
  const length = /^content-length: (\d+)\r$/im.exec(received)?.[1];
  if (headEnd === -1 || length === undefined) return null;
  const body = received.slice(headEnd + 4);
  if (body.length < Number(length)) return null;
  const json = JSON.parse(body.slice(0, Number(length))) as Record<string, unknown>;
  return { kind: "whole", status: Number(received.split(" ")[1]), json };
}
