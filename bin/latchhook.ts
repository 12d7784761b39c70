#!/usr/bin/env tsx
import { runCommand } from "../lib/cli/commands.ts";
import { openProgram } from "../lib/wiring/program.ts";

process.exitCode = await runCommand(process.argv.slice(2), openProgram);
