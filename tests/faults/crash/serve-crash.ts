import { serve } from "../../../lib/cli/serve.ts";
import type { LatchhookOptions, ListenOptions } from "../../../lib/options.ts";
import type { Storage } from "../../../lib/repositories.ts";
import type { Timing } from "../../../lib/runner/timing.ts";
import { createStorageBackend } from "../../../lib/storage/backend.ts";
import { openProgram } from "../../../lib/wiring/program.ts";
import { githubJourney } from "./github.ts";

type Options = LatchhookOptions & ListenOptions;

/**
 * The program, with a workflow that GitHub's deliveries start and the times of `TEST_TIMING`.
 *
 * @param breakIt a deliberate fault: the options of a server that has it
 */
export function serveCrash(breakIt: (options: Options) => Options = (options) => options): void {
  const timing = JSON.parse(process.env.TEST_TIMING ?? "{}") as Partial<Timing>;
  // As in `mod.ts` nothing is awaited here: workflow files import the library while it starts.
  void serve({
    open: (options, hooks) => {
      const broken = breakIt({ ...options, workflows: { "github-journey": githubJourney } });
      return openProgram(broken, { timing, ...hooks });
    },
  });
}

/** The options with a storage some of whose commands are other ones. */
export function withStorage(options: Options, change: (inner: Storage) => Partial<Storage>): Options {
  return {
    ...options,
    storage: async () => {
      const inner = await createStorageBackend(String(options.storage));
      const changes = change(inner);
      return new Proxy(inner, {
        get(target, name) {
          const changed: unknown = Reflect.get(changes, name);
          if (changed !== undefined) return changed;
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
}
