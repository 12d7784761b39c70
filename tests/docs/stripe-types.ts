import { defineWorkflow, type WebhookEvent } from "latchhook";
import type Stripe from "stripe";

export default defineWorkflow({
  on: [{ provider: "stripe", event: "invoice.paid" }],
  run({ event }) {
    const { body } = event as WebhookEvent<Stripe.InvoicePaidEvent>;
    return { invoice: body.data.object.id, paid: body.data.object.amount_paid };
  },
});
