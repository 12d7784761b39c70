import type { Scheme } from "../scheme.ts";

/** Trello: SHA-1 over the body and the callback URL as it was registered. Source: developer.atlassian.com, "Trello webhooks". */
export const trello: Scheme = {
  algorithm: "hmac-sha1",
  signature: { header: "x-trello-webhook", encoding: "base64" },
  signed: "{body}{url}",
  id: { body: "action.id" },
  type: { body: "action.type" },
  answer: { status: 200 },
  handshakes: [{ kind: "head" }],
};
