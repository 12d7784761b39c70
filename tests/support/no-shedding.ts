import { Shedding } from "../../lib/accept/shedding.ts";
import type { Clock } from "../../lib/clock.ts";

/** Sheds nothing but what is too much for the memory. */
export function noShedding(clock: Clock): Shedding {
  return new Shedding({ clock, rates: new Map(), runsReadyMax: null, countReady: async () => 0 });
}
