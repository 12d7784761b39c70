import { createHmac, timingSafeEqual } from "node:crypto";

const SECRET = process.env.BENCH_SECRET ?? "";

/** What a delivery says, verified and parsed. */
export interface PeerDelivery {
  webhookId: string;
  workflow: string;
  inputs: unknown;
}

/** True where the hex HMAC-SHA256 of the body is the signature. */
export function isSignedBody(body: Buffer, signature: string | undefined): boolean {
  const expected = createHmac("sha256", SECRET).update(body).digest();
  const given = Buffer.from(signature ?? "", "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** @returns null where it is not what was agreed */
export function parsePeerBody(body: Buffer): PeerDelivery | null {
  try {
    const value = JSON.parse(body.toString()) as Record<string, unknown>;
    const { webhook_id: webhookId, workflow_name: workflow, inputs } = value;
    if (typeof webhookId !== "string" || typeof workflow !== "string") return null;
    return { webhookId, workflow, inputs };
  } catch {
    return null;
  }
}
