import type { Agent } from "node:http";
import { signature } from "../../support/sign.ts";
import type { Entry } from "./ledger.ts";
import { type Answer, ask } from "./post.ts";

/** What signs. Each provider has its own. */
export const SECRETS = {
  generic: "the secret of generic",
  partner: "the secret of partner",
  github: "the secret of github",
} as const;

const JSON_TYPE = { "content-type": "application/json" } as const;

/** Sends a delivery as its provider does, the first time or again. */
export function deliver(agent: Agent, origin: string, entry: Entry): Promise<Answer | null> {
  const { id, provider, journey } = entry.delivery;
  entry.sent++;
  const post = (body: string, headers: Readonly<Record<string, string>>): Promise<Answer | null> =>
    ask(agent, origin, "POST", `/webhooks/${provider}`, { ...JSON_TYPE, ...headers }, body);
  switch (provider) {
    case "generic": {
      const body = JSON.stringify({ workflow_name: "journey", webhook_id: id, inputs: journey });
      return post(body, { "x-signature": signature(body, SECRETS.generic) });
    }
    // As Stripe does, it signs anew for each delivery and counts down in the body how many are still to come.
    case "partner": {
      const body = JSON.stringify({ webhook_id: id, pending_webhooks: 1_000 - entry.sent, journey });
      return post(body, { "x-signature": `sha256=${signature(body, SECRETS.partner)}` });
    }
    case "github": {
      // Its own bytes for each event, as GitHub's are: a body that was seen is a copy, whatever its id.
      const body = JSON.stringify({ action: "opened", issue: { node_id: id }, journey });
      return post(body, {
        "x-hub-signature-256": `sha256=${signature(body, SECRETS.github)}`,
        "x-github-delivery": id,
        "x-github-event": "issues",
      });
    }
  }
}
