import { idKeyOf } from "../../event.ts";
import { newId } from "../../ids.ts";
import type { NewEvent, NewRun } from "../../repositories.ts";

/**
 * A delivery that nobody sent, with a run that begins at once: to accept it and to roll that back touches every table
 * and index that a real one needs, and so finds a damaged page that a write elsewhere does not.
 */
export function rehearsedDelivery(now: number): { event: NewEvent; run: NewRun } {
  const id = newId("evt");
  const event: NewEvent = {
    id,
    provider: "generic",
    idSource: "body",
    webhookId: id,
    idKey: idKeyOf("generic", "body", id),
    guardKey: null,
    bodyHash: new Uint8Array(32),
    type: null,
    contentType: "application/json",
    headers: {},
    body: new Uint8Array(),
    notes: [],
    acceptedAt: now,
  };
  const process = { id: newId("prc"), host: "", bootId: null, pidNamespace: null, pid: 0 };
  const claim = { process, fileHash: null };
  return { event, run: { id: newId("run"), workflowName: "rehearsal", error: null, claim } };
}
