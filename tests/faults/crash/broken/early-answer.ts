/** A server that answers before the commit, which comes a little later. */
import { serveCrash, withStorage } from "../serve-crash.ts";

const LATE_MS = 20;

serveCrash((options) =>
  withStorage(options, (inner) => ({
    accept: async (event, runs, otherBody) => {
      setTimeout(() => {
        const queued = runs.map((run) => ({ ...run, claim: null }));
        inner.accept(event, queued, otherBody).catch(() => {});
      }, LATE_MS);
      const told = runs.map(({ id, workflowName }) => ({
        runId: id,
        workflowName,
        status: "queued" as const,
      }));
      const { id: eventId, webhookId } = event;
      return { kind: "accepted", eventId, webhookId, runs: told, claimed: [] };
    },
  })),
);
