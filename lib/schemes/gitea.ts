import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/**
 * Gitea, and its relatives Forgejo and Gogs, which differ in the headers' names. Of a form they sign the text inside, so
 * only JSON is taken. Source: services/webhook/deliver.go in github.com/go-gitea/gitea; forgejo.org, "Webhooks".
 */
function forge(name: string): Scheme {
  return {
    ...hexHmac(`x-${name}-signature`),
    id: { header: `x-${name}-delivery` },
    type: { join: [{ header: `x-${name}-event` }, { body: "action" }] },
    replayGuard: "body",
    secretKeys: ["secret"],
  };
}

export const gitea: Scheme = forge("gitea");
export const forgejo: Scheme = forge("forgejo");
export const gogs: Scheme = forge("gogs");
