/** `child-server.ts` with a wall clock that the test sets: at SIGUSR2 it is moved by the milliseconds in `CLOCK_FILE`. */
import { readFileSync, writeSync } from "node:fs";
import process from "node:process";
import "../../support/child-server.ts";

const machine = Date.now;
let shiftMs = 0;
Date.now = () => machine() + shiftMs;
process.on("SIGUSR2", () => {
  shiftMs = Number(readFileSync(process.env.CLOCK_FILE ?? "", "utf8"));
  writeSync(2, `the wall clock was moved by ${shiftMs} ms\n`);
});
