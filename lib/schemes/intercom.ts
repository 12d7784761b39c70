import type { Scheme } from "../scheme.ts";

/** Intercom still signs with SHA-1. Source: developers.intercom.com, "Signed notifications". */
export const intercom: Scheme = {
  algorithm: "hmac-sha1",
  signature: { header: "x-hub-signature", prefix: "sha1=", encoding: "hex" },
  id: { body: "id" },
  type: { body: "topic" },
  answer: { status: 200 },
  handshakes: [{ kind: "head" }],
};
