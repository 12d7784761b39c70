import { createHmac, randomBytes } from "node:crypto";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The secret that every server of the bench knows. */
export const SECRET = "a-secret-of-the-bench";

/** Requests in a file, made and signed before any clock starts. */
export interface Deliveries {
  /** Records of one length, each a request up to the last byte that differs from the next one's. */
  file: string;
  recordBytes: number;
  /** What all requests end with. */
  tailFile: string;
  count: number;
}

/** What deliveries are made of. */
export interface DeliveriesOptions {
  count: number;
  /** Of each body, exactly. */
  bodyBytes: number;
  workflow?: string;
  /** False: signed with another secret. */
  isSigned?: boolean;
}

/** Records that are written at once. */
const CHUNK = 2_000;

/**
 * Makes signed requests with bodies of one size and a webhook_id each. The ids are random, as senders' are, because
 * ids in order would spare an index half of its work. Padding stands at the end, so that a file of large bodies stays
 * small.
 */
export function makeDeliveries(folder: string, options: DeliveriesOptions): Deliveries {
  const { count, bodyBytes, workflow = "noop", isSigned = true } = options;
  const name = `deliveries-${randomBytes(6).toString("hex")}`;
  const [file, tailFile] = [join(folder, name), join(folder, `${name}.tail`)];
  const secret = isSigned ? SECRET : "not the secret";
  const empty = bodyStart(workflow, "0".repeat(32)).length + END.length;
  const tail = Buffer.from(`${"x".repeat(Math.max(0, bodyBytes - empty))}${END}`);
  writeFileSync(tailFile, tail);
  const handle = openSync(file, "w");
  let recordBytes = 0;
  for (let made = 0; made < count; made += CHUNK) {
    const ids = randomBytes(16 * Math.min(CHUNK, count - made)).toString("hex");
    const records: string[] = [];
    for (let at = 0; at < ids.length; at += 32) {
      const start = bodyStart(workflow, ids.slice(at, at + 32));
      const signature = createHmac("sha256", secret).update(start).update(tail).digest("hex");
      records.push(`${headOf(start.length + tail.length, signature)}${start}`);
    }
    recordBytes = records[0]?.length ?? 0;
    writeSync(handle, records.join(""));
  }
  closeSync(handle);
  return { file, recordBytes, tailFile, count };
}

const END = '"}}';

function bodyStart(workflow: string, id: string): string {
  return `{"workflow_name":"${workflow}","webhook_id":"${id}","inputs":{"padding":"`;
}

function headOf(bodyBytes: number, signature: string): string {
  return [
    "POST /webhooks/generic HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    `Content-Length: ${bodyBytes}`,
    `X-Signature: ${signature}`,
    "",
    "",
  ].join("\r\n");
}
