import type { Scheme } from "../scheme.ts";

/**
 * CloudEvents over HTTP: a bearer token, and nothing is signed.
 * Source: the CloudEvents specification, "HTTP 1.1 Web Hooks for Event Delivery".
 */
export const cloudevents: Scheme = {
  algorithm: "token",
  signature: { header: "authorization", prefix: "Bearer ", encoding: "text" },
  id: [
    { join: [{ header: "ce-id" }, { header: "ce-source" }] }, // in this order, because a source alone is no id
    { join: [{ body: "id" }, { body: "source" }] },
  ],
  type: [{ header: "ce-type" }, { body: "type" }],
  handshakes: [{ kind: "permission" }],
  contentTypes: ["application/json", "application/cloudevents+json"],
};
