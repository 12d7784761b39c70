import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Slack: events, slash commands and interactions. Source: docs.slack.dev, "Verifying requests from Slack". */
export const slack: Scheme = {
  ...hexHmac("x-slack-signature", "v0="),
  timestamp: { from: { header: "x-slack-request-timestamp" }, unit: "s" },
  signed: "v0:{timestamp}:{body}",
  id: [{ body: "event_id" }, { body: "trigger_id" }], // a form has no event; its trigger is made for one request
  type: [{ body: "event.type" }, { body: "command" }, { body: "type" }],
  answer: { status: 200, body: "empty" }, // the person who typed a slash command is shown the body
  handshakes: [{ kind: "echo-body", when: { type: "url_verification" }, challenge: "challenge" }],
  contentTypes: ["application/json", "application/x-www-form-urlencoded"],
};
