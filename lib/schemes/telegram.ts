import type { Scheme } from "../scheme.ts";

/**
 * Telegram's bots: the header holds the `secret_token` of setWebhook, and nothing is signed.
 * Source: core.telegram.org/bots/api, "setWebhook".
 */
export const telegram: Scheme = {
  algorithm: "token",
  signature: { header: "x-telegram-bot-api-secret-token", encoding: "text" },
  id: { body: "update_id" },
  type: { bodyKeyBut: ["update_id"] },
  answer: { status: 200, body: "empty" }, // a body may be run as a call of the bot
};
