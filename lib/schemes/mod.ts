import type { Scheme } from "../scheme.ts";
import { asana } from "./asana.ts";
import { bitbucket } from "./bitbucket.ts";
import { box } from "./box.ts";
import { calendly } from "./calendly.ts";
import { cloudevents } from "./cloudevents.ts";
import { coinbaseCommerce } from "./coinbase-commerce.ts";
import { discord } from "./discord.ts";
import { dropbox } from "./dropbox.ts";
import { generic } from "./generic.ts";
import { forgejo, gitea, gogs } from "./gitea.ts";
import { github } from "./github.ts";
import { gitlab } from "./gitlab.ts";
import { hubspot } from "./hubspot.ts";
import { intercom } from "./intercom.ts";
import { jira } from "./jira.ts";
import { lemonSqueezy } from "./lemon-squeezy.ts";
import { linear } from "./linear.ts";
import { mailgun } from "./mailgun.ts";
import { meta } from "./meta.ts";
import { notion } from "./notion.ts";
import { paddle } from "./paddle.ts";
import { pagerduty } from "./pagerduty.ts";
import { razorpay } from "./razorpay.ts";
import { sendgrid } from "./sendgrid.ts";
import { sentry } from "./sentry.ts";
import { shopify } from "./shopify.ts";
import { slack } from "./slack.ts";
import { square } from "./square.ts";
import { standardWebhooks } from "./standard-webhooks.ts";
import { stripe } from "./stripe.ts";
import { telegram } from "./telegram.ts";
import { trello } from "./trello.ts";
import { twilio } from "./twilio.ts";
import { typeform } from "./typeform.ts";
import { xero } from "./xero.ts";
import { zoom } from "./zoom.ts";

// A Map, so that a name from outside never meets an object's inherited properties. Several names share a record where a
// provider builds on another's way to sign.
const BUILT_IN: ReadonlyMap<string, Scheme> = new Map(
  Object.entries({
    generic,
    "standard-webhooks": standardWebhooks,
    svix: standardWebhooks,
    clerk: standardWebhooks,
    resend: standardWebhooks,
    openai: standardWebhooks,
    supabase: standardWebhooks,
    github,
    stripe,
    slack,
    shopify,
    twilio,
    discord,
    gitlab,
    telegram,
    meta,
    whatsapp: meta,
    messenger: meta,
    instagram: meta,
    linear,
    paddle,
    square,
    razorpay,
    "lemon-squeezy": lemonSqueezy,
    "coinbase-commerce": coinbaseCommerce,
    xero,
    zoom,
    hubspot,
    jira,
    bitbucket,
    gitea,
    forgejo,
    gogs,
    notion,
    asana,
    trello,
    sentry,
    pagerduty,
    intercom,
    typeform,
    calendly,
    box,
    dropbox,
    sendgrid,
    mailgun,
    cloudevents,
  }),
);

/** The scheme that comes with Latchhook under this name. */
export function builtInScheme(name: string): Scheme | undefined {
  return BUILT_IN.get(name);
}

/** The names of all schemes that come with Latchhook. */
export function builtInSchemeNames(): readonly string[] {
  return [...BUILT_IN.keys()];
}
