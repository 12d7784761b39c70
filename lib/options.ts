import type { Clock } from "./clock.ts";
import type { Duration } from "./duration.ts";
import type { Log, LogFormat, LogLevel } from "./log.ts";
import type { RateText } from "./rate.ts";
import type { Storage } from "./repositories.ts";
import type { SchemeOptions } from "./scheme.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** What `createLatchhook` takes. All of it is optional; README.md has the table of settings. */
export interface LatchhookOptions {
  /** `"file:PATH"` or `":memory:"`, default `"file:latchhook.db"`. A `Storage` that was injected is closed by its owner. */
  storage?: string | Storage | (() => Promise<Storage>);
  workflows?: Readonly<Record<string, AnyWorkflow>>;
  /** A folder of workflow files; the library has no default. */
  workflowsDir?: string | URL;
  /** By provider, newest first; the key `default` is the fallback. */
  secrets?: Readonly<Record<string, string | readonly string[]>>;
  /** Providers whose deliveries need no signature; never weakens one that has a secret. */
  allowUnsigned?: readonly string[];
  /** At least 24 characters each. */
  adminToken?: string | readonly string[];
  /** Decides about admin routes in place of the token. */
  authorize?: (request: Request) => boolean | Promise<boolean>;
  /** Such as `/hooks`: where the host app mounted us. */
  basePath?: string;
  /** Such as `https://hooks.example.org`: makes `status_url` and `Location` full. */
  publicUrl?: string;
  role?: Role;
  /** Runs at once in this process, default 16. */
  concurrency?: number;
  /** Deliveries are answered 503 while more runs than this wait for a slot; no bound by default. */
  runsReadyMax?: number;
  /** By provider, such as `{ github: "50/s" }`: verified deliveries above it are answered 429. No limit by default. */
  rateLimits?: Readonly<Record<string, RateText>>;
  /** Default 1 MiB. */
  bodyBytesMax?: number;
  /** Default 30. */
  retentionDays?: number;
  /** Default 90, at least `retentionDays`. */
  idRetentionDays?: number;
  /** Default 8 s. */
  shutdownGrace?: Duration;
  /** Refuse on `generic` what has no webhook_id in its signed body. */
  requireId?: boolean;
  /** More headers to store and show to workflows; never a credential's. */
  keepHeaders?: readonly string[];
  /** Providers that `secrets.default` serves too. */
  providers?: readonly string[];
  /** Addresses or CIDRs of proxies whose `X-Forwarded-For` counts. */
  trustProxy?: readonly string[];
  /** By provider: a scheme of your own, or the name of a built-in one. */
  schemes?: Readonly<Record<string, string | SchemeOptions>>;
  /** By provider, newest first: the token of its handshake, such as the one that you gave Meta. */
  verifyTokens?: Readonly<Record<string, string | readonly string[]>>;
  /** DNS names of CloudEvents senders that are allowed to send, such as `eventgrid.azure.net`. None by default. */
  requestOrigins?: readonly string[];
  /**
   * What flows may see of the environment: variables that they declare, keys of language models, PATH for commands. The
   * library never reads it by itself; give `process.env`. Nothing by default.
   */
  env?: Readonly<Record<string, string | undefined>>;
  log?: Log | false;
  clock?: Clock;
  /** A number in [0, 1), for jitter. */
  random?: () => number;
}

/** `serve` accepts and runs nothing, `work` runs and accepts nothing, `all` does both. */
export type Role = "all" | "serve" | "work";

/** What the program needs besides, to listen and to log. */
export interface ListenOptions {
  host: string;
  /** null: `ROLE=work` without `PORT` does not listen. */
  port: number | null;
  logLevel: LogLevel;
  /** null: text on a terminal, JSON elsewhere. */
  logFormat: LogFormat | null;
  /** Of `info` lines with the same message one in so many is written. */
  logSample: number;
  /** True where `WORKFLOWS_DIR` was set, so that a missing folder stops the start. */
  isWorkflowsDirNamed: boolean;
  /** True where `NODE_ENV=production`. */
  isProduction: boolean;
  /** What is odd but does not stop the start, one line each. */
  warnings: readonly string[];
}
