import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Lemon Squeezy. Source: docs.lemonsqueezy.com, "Signing requests". */
export const lemonSqueezy: Scheme = {
  ...hexHmac("x-signature"),
  id: { hash: "body" },
  type: { body: "meta.event_name" }, // X-Event-Name says the same, and is not signed
  answer: { status: 200 },
};
