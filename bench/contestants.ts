import { join } from "node:path";
import { SECRET } from "./deliveries.ts";
import { installPeers, peerVersion } from "./peers/install.ts";
import { BENCH } from "./root.ts";
import { otherRuntimes, ownNode, type Runtime, versionOf } from "./runtimes.ts";
import type { Command } from "./server-process.ts";
import { debianWebhook, missingDebianWebhook } from "./servers/debian-webhook.ts";
import { fastapi, fastapiVersions, missingFastapi } from "./servers/fastapi.ts";
import { latchhook } from "./servers/latchhook.ts";

/** A server that is measured. */
export interface Contestant {
  /** As `--only` takes it. */
  name: string;
  group: "latchhook" | "peers" | "runtimes";
  /** What it does with a delivery, for whoever reads the table. */
  does: string;
  /** @param database the file it may make */
  command(database: string): Command;
  /** Deliveries whose signature is wrong, which it has to refuse. */
  isRefusing: boolean;
  workflow: string;
  /** Whose tables count what it stored; null: it stores nothing. */
  tables: "latchhook" | "peer" | "plainjob" | null;
  /** Whether it runs what it accepts. */
  isRunning: boolean;
  /** Why it is left out; null where it is not. */
  missing: string | null;
  versions: string;
}

/** Everyone, in the order of the tables; the first one is what the others are compared with. */
export function findContestants(): readonly Contestant[] {
  const program = (runtime: Runtime, file: string): Command => ({
    program: runtime.program,
    args: [...runtime.args, join(BENCH, "servers", file)],
  });
  const noPeers = installPeers();
  const node = `Node ${process.versions.node}`;
  const peer = (name: string, file: string, packages: readonly string[], given: Partial<Contestant>) =>
    contestant(name, "peers", `${file} with better-sqlite3: verify, deduplicate, store, 202`, {
      tables: "peer",
      missing: noPeers,
      versions: noPeers === null ? packages.map((each) => `${each} ${peerVersion(each)}`).join(", ") : "",
      command: (database) => ({
        ...program(ownNode, `${name}.ts`),
        env: { BENCH_DATABASE: database, BENCH_SECRET: SECRET },
      }),
      ...given,
    });
  const ours = (name: string, does: string, role: "serve" | "all", given: Partial<Contestant> = {}) =>
    contestant(name, "latchhook", does, {
      tables: "latchhook",
      versions: node,
      isRunning: role === "all",
      command: (database) => latchhook(ownNode, database, role),
      ...given,
    });
  const noFastapi = missingFastapi();
  const noWebhook = missingDebianWebhook();
  return [
    contestant("bare", "latchhook", "node:http: read the body, 202", {
      versions: node,
      command: () => program(ownNode, "bare.ts"),
    }),
    ours("latchhook-accept", "ROLE=serve: verify, deduplicate, store, 202", "serve"),
    ours("latchhook-run", "ROLE=all: the same, and run a workflow of nothing", "all"),
    ours("latchhook-steps", "ROLE=all: the same with three durable steps", "all", {
      workflow: "three_steps",
    }),
    ours("latchhook-ten-steps", "ROLE=all: the same with ten durable steps", "all", {
      workflow: "ten_steps",
    }),
    ours("latchhook-ten-nodes", "ROLE=all: the same with a flow of ten set nodes", "all", {
      workflow: "ten_nodes",
    }),
    ours("latchhook-refuse", "a wrong signature: 401, nothing stored", "serve", { isRefusing: true }),
    peer("fastify", "Fastify", ["fastify"], {}),
    peer("hono", "Hono", ["hono", "@hono/node-server"], {}),
    peer("plainjob", "plainjob", ["plainjob"], {
      does: "node:http and plainjob: verify, enqueue, 202, run nothing; no deduplication",
      tables: "plainjob",
      isRunning: true,
    }),
    contestant("fastapi", "peers", "FastAPI with SQLAlchemy: verify, deduplicate, store, 202", {
      tables: "peer",
      missing: noFastapi,
      versions: noFastapi === null ? fastapiVersions() : "",
      command: fastapi,
    }),
    contestant("webhook", "peers", "adnanh/webhook: verify, 202, start /bin/true; stores nothing", {
      missing: noWebhook,
      versions: noWebhook === null ? `webhook ${versionOf("/usr/bin/webhook", "-version")}` : "",
      command: debianWebhook,
    }),
    ...otherRuntimes.flatMap((runtime) => onRuntime(runtime, program)),
  ];
}

function onRuntime(
  runtime: Runtime,
  program: (runtime: Runtime, file: string) => Command,
): readonly Contestant[] {
  const { name, missing } = runtime;
  const versions = missing === null ? `${name} ${versionOf(runtime.program)}` : "";
  const file = { deno: "bare-deno.ts", bun: "bare-bun.ts" }[name] ?? "bare.ts";
  const bare = { "bare-deno.ts": "Deno.serve", "bare-bun.ts": "Bun.serve" }[file] ?? "node:http";
  return [
    contestant(`bare-${name}`, "runtimes", `${bare} on ${name}: read the body, 202`, {
      ...{ missing, versions },
      command: () => program(runtime, file),
    }),
    contestant(`latchhook-${name}`, "runtimes", `ROLE=serve on ${name}: verify, deduplicate, store, 202`, {
      ...{ missing, versions, tables: "latchhook" },
      command: (database) => latchhook(runtime, database, "serve"),
    }),
  ];
}

function contestant(
  name: string,
  group: Contestant["group"],
  does: string,
  given: Partial<Contestant> & Pick<Contestant, "command">,
): Contestant {
  const usual = { isRefusing: false, workflow: "noop", tables: null, isRunning: false } as const;
  return { name, group, does, missing: null, versions: "", ...usual, ...given };
}
