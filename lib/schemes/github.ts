import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** GitHub: the `sha1=` header that it sends besides is not looked at. Source: docs.github.com, "Validating webhook deliveries". */
export const github: Scheme = {
  ...hexHmac("x-hub-signature-256", "sha256="),
  id: { header: "x-github-delivery" }, // the same in a redelivery, but not signed
  type: { join: [{ header: "x-github-event" }, { body: "action" }] },
  replayGuard: "body",
  contentTypes: ["application/json", "application/x-www-form-urlencoded"],
  bodyBytesMax: 26_214_400, // GitHub sends up to 25 MiB
};
