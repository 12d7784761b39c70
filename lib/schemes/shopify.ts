import type { Scheme } from "../scheme.ts";
import { base64Hmac } from "./hmac.ts";

/** Shopify. Source: shopify.dev, "Verify webhook deliveries", "Delivery structure". */
export const shopify: Scheme = {
  ...base64Hmac("x-shopify-hmac-sha256"),
  id: { header: "x-shopify-webhook-id" }, // X-Shopify-Event-Id is shared by every subscription that saw the event
  type: { header: "x-shopify-topic" },
  replayGuard: "body+type", // an order that is created and paid at once comes twice with one body
};
