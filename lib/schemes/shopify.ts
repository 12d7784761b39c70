import type { Scheme } from "../scheme.ts";

/** Shopify. Source: shopify.dev, "Verify webhook deliveries", "Delivery structure". */
export const shopify: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-shopify-hmac-sha256", encoding: "base64" },
  id: { header: "x-shopify-webhook-id" }, // X-Shopify-Event-Id is shared by every subscription that saw the event
  type: { header: "x-shopify-topic" },
  replayGuard: "body+type", // an order that is created and paid at once comes twice with one body
};
