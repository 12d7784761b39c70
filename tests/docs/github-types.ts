import type { PullRequestOpenedEvent } from "@octokit/webhooks-types";
import { defineWorkflow, type WebhookEvent } from "latchhook";

export default defineWorkflow({
  on: [{ provider: "github", event: "pull_request.opened" }],
  run({ event }) {
    const { body } = event as WebhookEvent<PullRequestOpenedEvent>;
    return { title: body.pull_request.title, author: body.sender.login };
  },
});
