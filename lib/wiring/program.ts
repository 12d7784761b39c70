import type { Opened } from "../cli/serve.ts";
import { isLoopbackAddress } from "../http/forwarded.ts";
import { problemAnswer } from "../http/problem.ts";
import { newId } from "../ids.ts";
import type { LatchhookOptions, ListenOptions } from "../options.ts";
import { chargeStray } from "../stray.ts";
import { createInnerLatchhook, type Internals } from "./latchhook.ts";

/** What the program serves: a Latchhook with the doors that only a listener of our own may use. */
export function openProgram(options: LatchhookOptions & ListenOptions, internals: Internals = {}): Opened {
  const isLoopback = options.host === "localhost" || isLoopbackAddress(options.host);
  const latchhook = createInnerLatchhook(options, {
    mayTryOut: isLoopback && !options.isProduction,
    // A supervisor starts the program again, with whatever version is there by then.
    onOutdated: () => process.exit(1),
    ...internals,
  });
  return {
    latchhook,
    handle: (request, peer) => latchhook.handle(request, peer),
    refuse: (error) => problemAnswer(error, newId("req")),
    describe: () => latchhook.describe(),
    chargeStray,
    runsAwake: () => latchhook.runsAwake(),
  };
}
