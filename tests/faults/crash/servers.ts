import { fileURLToPath } from "node:url";
import { PROGRAM, type SpawnOptions } from "../../support/spawn-server.ts";
import { SECRETS } from "./deliver.ts";
import type { CyclePlan } from "./plan.ts";
import { ADMIN_TOKEN } from "./traffic.ts";

const FULL = new URL("server.ts", import.meta.url);

/** Retention begins right after the start, and again and again. */
const EARLY_CLEANUP = { retentionFirstMs: 100, retentionEveryMs: 20 };

/** What the servers on one database are started with. */
export class Servers {
  readonly env: Readonly<Record<string, string>>;
  /** In place of all that are killed. */
  readonly #program: URL | undefined;

  constructor(url: string, trailPath: string, mendedFolder: string, program: URL | undefined) {
    this.#program = program;
    this.env = {
      DATABASE_URL: url,
      WORKFLOWS_DIR: fileURLToPath(new URL("workflows", import.meta.url)),
      AUDIT_FILE: trailPath,
      MENDED_FOLDER: mendedFolder,
      ADMIN_TOKEN,
      WEBHOOK_SECRET_GENERIC: SECRETS.generic,
      WEBHOOK_SECRET_PARTNER: SECRETS.partner,
      WEBHOOK_SCHEME_PARTNER: "generic",
    };
  }

  /** One that knows every provider and has no deliberate fault. */
  get sound(): SpawnOptions {
    return { file: FULL, env: { ...this.env, WEBHOOK_SECRET_GITHUB: SECRETS.github } };
  }

  of({ aim, isFull }: CyclePlan): SpawnOptions {
    if (!isFull) return { file: this.#program ?? PROGRAM, env: this.env };
    const full = { ...this.sound, file: this.#program ?? FULL };
    if (aim !== "cleanup") return full;
    return { ...full, env: { ...full.env, RETENTION_DAYS: "1" }, timing: EARLY_CLEANUP };
  }
}
