import { createHash } from "node:crypto";

/** What a provider counts as success, and by what its retries are known, as its documents say it. */
export interface Wish {
  readonly status: 200 | 202 | 204;
  /** True where a body of the answer is read, shown or refused. */
  readonly isEmpty?: true;
  /** Where the webhook_id stands; `hash` is the body's, `none` leaves each delivery an event of its own. */
  readonly id: { header: string } | { body: string } | "hash" | "none" | ((value: never) => string);
  /** The header that names the event, where the provider sends one. */
  readonly typeHeader?: string;
  /** Changes the body as the provider changes it in a retry. */
  readonly retry?: (value: never) => void;
  /** Headers that are other ones in a retry. */
  readonly retryHeaders?: Readonly<Record<string, string>>;
}

const standard: Wish = { status: 202, id: { header: "webhook-id" } };
const meta: Wish = { status: 200, id: "hash" };

/** By the name of the provider. */
export const WISHES: Readonly<Record<string, Wish>> = {
  "standard-webhooks": standard,
  svix: standard,
  clerk: standard,
  resend: standard,
  openai: standard,
  supabase: standard,
  github: { status: 202, id: { header: "x-github-delivery" }, typeHeader: "x-github-event" },
  stripe: {
    status: 202,
    id: { body: "id" },
    retry: (value: { pending_webhooks: number }) => {
      value.pending_webhooks -= 1;
    },
  },
  slack: {
    status: 200,
    isEmpty: true,
    id: (value: { event_id?: string; trigger_id?: string }) => String(value.event_id ?? value.trigger_id),
    retryHeaders: { "x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout" },
  },
  shopify: { status: 202, id: { header: "x-shopify-webhook-id" }, typeHeader: "x-shopify-topic" },
  twilio: { status: 204, isEmpty: true, id: { header: "i-twilio-idempotency-token" } },
  discord: {
    status: 204,
    isEmpty: true,
    id: (value: { id?: string }) => value.id ?? "hash",
  },
  gitlab: { status: 202, id: { header: "idempotency-key" }, typeHeader: "x-gitlab-event" },
  "gitlab-signed": { ...standard, typeHeader: "x-gitlab-event" },
  telegram: { status: 200, isEmpty: true, id: { body: "update_id" } },
  meta,
  whatsapp: meta,
  messenger: meta,
  instagram: meta,
  linear: { status: 200, id: { header: "linear-delivery" }, typeHeader: "linear-event" }, // a retry has a time of its own in the body
  paddle: { status: 200, id: { body: "event_id" } },
  square: { status: 202, id: { body: "event_id" } },
  razorpay: { status: 202, id: { header: "x-razorpay-event-id" } },
  "lemon-squeezy": { status: 200, id: "hash", typeHeader: "x-event-name" },
  "coinbase-commerce": {
    status: 200,
    id: { body: "event.id" },
    retry: (value: { attempt_number: number; id: string }) => {
      value.attempt_number += 1;
      value.id = "00000000-0000-0000-0000-000000000002";
    },
  },
  xero: { status: 200, isEmpty: true, id: "hash" },
  zoom: { status: 200, id: "hash" },
  hubspot: {
    status: 202,
    id: (value: { eventId: number; subscriptionId: number; occurredAt: number }[]) => {
      const ids = value.map((one) => `${one.eventId}:${one.subscriptionId}:${one.occurredAt}`);
      return `sha256:${createHash("sha256").update(ids.sort().join("\n")).digest("hex")}`;
    },
    retry: (value: { attemptNumber: number }[]) => {
      for (const one of value) one.attemptNumber += 1;
      value.reverse();
    },
  },
  jira: {
    status: 200,
    id: { header: "x-atlassian-webhook-identifier" },
    retryHeaders: { "x-atlassian-webhook-retry": "1" },
  },
  bitbucket: {
    status: 202,
    id: { header: "x-request-uuid" },
    typeHeader: "x-event-key",
    retryHeaders: { "x-attempt-number": "2" },
  },
  gitea: { status: 202, id: { header: "x-gitea-delivery" }, typeHeader: "x-gitea-event" },
  forgejo: { status: 202, id: { header: "x-forgejo-delivery" }, typeHeader: "x-forgejo-event" },
  gogs: { status: 202, id: { header: "x-gogs-delivery" }, typeHeader: "x-gogs-event" },
  notion: {
    status: 202,
    id: { body: "id" },
    retry: (value: { attempt_number: number }) => {
      value.attempt_number += 1;
    },
  },
  asana: { status: 200, id: "hash" },
  trello: { status: 200, id: { body: "action.id" } },
  sentry: {
    status: 200,
    id: { header: "request-id" },
    typeHeader: "sentry-hook-resource",
    retryHeaders: { "request-id": "another" },
  },
  pagerduty: { status: 202, id: { body: "event.id" } },
  intercom: {
    status: 200,
    id: { body: "id" },
    retry: (value: { delivery_attempts: number; first_sent_at: number }) => {
      value.delivery_attempts += 1;
    },
  },
  typeform: { status: 202, id: { body: "event_id" } },
  calendly: { status: 202, id: "hash" },
  box: { status: 202, id: { body: "id" }, retryHeaders: { "box-delivery-id": "another" } },
  dropbox: { status: 200, id: "none" },
  sendgrid: { status: 202, id: "hash" },
  mailgun: { status: 200, id: { body: "event-data.id" } }, // a retry has a token and a time of its own in the body
  cloudevents: { status: 202, id: { header: "ce-id" }, typeHeader: "ce-type" },
};
