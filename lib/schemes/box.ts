import type { Scheme } from "../scheme.ts";

/** Box: two signatures with two keys, of which one must hold. Source: developer.box.com, "Signature verification". */
export const box: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: ["box-signature-primary", "box-signature-secondary"], encoding: "base64" },
  constants: { "box-signature-version": "1", "box-signature-algorithm": "HmacSHA256" },
  timestamp: { from: { header: "box-delivery-timestamp" }, unit: "rfc3339", toleranceMs: 600_000 },
  signed: "{body}{timestamp}",
  id: { body: "id" }, // BOX-DELIVERY-ID is new in each retry
  type: { body: "trigger" },
};
