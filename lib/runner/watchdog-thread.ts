/**
 * What the watchdog's thread runs. It is a text and not a module of its own, because a thread inherits no TypeScript
 * loader on every runtime, and a bundler would not find the file. It writes to the file descriptor and kills by signal,
 * because everything gentler passes through the thread that stands still.
 */
export const WATCHDOG_THREAD = `
const { writeSync } = require("node:fs");
const { parentPort, workerData } = require("node:worker_threads");
const { counter, tickMs, ticksMax, leaders } = workerData;
let names = "";
let seen = 0;
let ticks = 0;
parentPort.on("message", (message) => { names = message; });
setInterval(() => {
  const count = Atomics.load(counter, 0);
  ticks = count === seen ? ticks + 1 : 0;
  seen = count;
  if (ticks < ticksMax) return;
  const seconds = (ticksMax * tickMs) / 1000;
  try {
    writeSync(2, "The event loop stood still for " + seconds + " s, so this process ends; runs awake at its last tick: " + (names || "none") + "\\n");
  } catch {} // nobody reads: the end is the same
  for (const leader of leaders) {
    if (leader === 0) continue;
    try {
      process.kill(-leader, "SIGKILL");
    } catch {} // it has ended, or is another user's
  }
  process.kill(process.pid, "SIGKILL");
}, tickMs);
`;
