#!/usr/bin/env tsx
import { runCommand } from "../lib/cli/commands.ts";
import { openProgram } from "../lib/wiring/program.ts";

const code = await runCommand(process.argv.slice(2), openProgram);
// A module that was loaded may hold a timer or a connection open for ever; what was written goes out first.
process.stdout.write("", () => process.exit(code));
