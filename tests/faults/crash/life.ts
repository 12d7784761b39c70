import { type ServerEnd, type SpawnOptions, spawnProgram } from "../../support/spawn-server.ts";
import { until } from "../../support/until.ts";

const START_TIMEOUT_MS = 30_000;

/** One life of a server: it may be killed before it listens. */
export class Life {
  readonly #program: ReturnType<typeof spawnProgram>;
  #origin: string | null = null;

  constructor(options: SpawnOptions) {
    const env = { PORT: "0", LOG_FORMAT: "json", LOG_LEVEL: "warn", ...options.env };
    this.#program = spawnProgram({ ...options, env });
  }

  get pid(): number {
    return this.#program.child.pid ?? 0;
  }

  /** How it ended; null while it lives. */
  get end(): ServerEnd | null {
    return this.#program.end();
  }

  get stderr(): string {
    return this.#program.said.stderr;
  }

  /** `http://127.0.0.1:PORT` once it listens; null before. */
  get origin(): string | null {
    this.#origin ??= /http:\/\/[^\s/]+:\d+/.exec(this.#program.said.stdout)?.[0] ?? null;
    return this.#origin;
  }

  /** Waits until it listens or has ended. @returns null where it has ended, or was killed meanwhile */
  async listens(): Promise<string | null> {
    await until(
      () => this.origin !== null || this.end !== null,
      `the start of ${this.pid}`,
      START_TIMEOUT_MS,
    );
    return this.end === null ? this.origin : null;
  }

  /** Ends it as a power switch does. @returns false where it had ended by itself */
  async kill(): Promise<boolean> {
    const wasAlive = this.end === null;
    if (wasAlive) process.kill(this.pid, "SIGKILL");
    const { signal } = await this.#program.ended();
    return wasAlive && signal === "SIGKILL";
  }

  /** Stops it in order. @returns false where it did not end with 0 */
  async stop(): Promise<boolean> {
    if (this.end === null) process.kill(this.pid, "SIGTERM");
    return (await this.#program.ended()).code === 0;
  }
}

/** Resolves when the moment has come, or after so many milliseconds. */
export async function within(timeoutMs: number, moment: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([moment, late]);
  clearTimeout(timer);
}
