import type { Scheme } from "../scheme.ts";

/**
 * CloudEvents over HTTP: a bearer token, and nothing is signed.
 * Source: the CloudEvents specification, "HTTP 1.1 Web Hooks for Event Delivery".
 */
export const cloudevents: Scheme = {
  algorithm: "token",
  signature: { header: "authorization", prefix: "Bearer ", encoding: "text" },
  id: [
    { join: [{ header: "ce-source" }, { header: "ce-id" }] },
    { join: [{ body: "source" }, { body: "id" }] },
  ],
  type: [{ header: "ce-type" }, { body: "type" }],
  contentTypes: ["application/json", "application/cloudevents+json"],
};
