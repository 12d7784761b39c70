/** What is done to a process's machine from outside. */
import { execFile } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import * as assert from "uvu/assert";

const run = promisify(execFile);

/** How a machine refuses what only some may do, such as a container without rights or without the command. */
const FORBIDDEN = /not permitted|permission denied|must be superuser|only root|not supported|ENOENT/i;

/**
 * Runs what a container may forbid.
 *
 * @returns false where the machine cannot do it, and then says why; any other failure is one of the test
 */
export async function mayRun(command: string, ...args: readonly string[]): Promise<boolean> {
  try {
    await run(command, [...args]);
    return true;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const reason = (stderr || message).trim();
    assert.match(reason, FORBIDDEN, `${command} ${args.join(" ")} failed: ${reason}`);
    console.log(`(without ${command} on this machine: ${reason})`);
    return false;
  }
}

/** A file system of its own, so small that it can be filled. */
export function mountSmallDisk(folder: string): Promise<boolean> {
  return mayRun("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder);
}

export async function unmount(folder: string): Promise<void> {
  await run("umount", [folder]);
}

/** Writes a file until the disk is full. @returns makes room again */
export function fillDisk(path: string): () => void {
  const file = openSync(path, "w");
  const block = new Uint8Array(4_096);
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, "ENOSPC");
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

/** Lets no file of a process grow beyond so many bytes; Node gets an error and no signal. @returns takes the limit away */
export async function limitFiles(pid: number, bytes: number): Promise<() => Promise<void>> {
  await run("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
  return async () => void (await run("prlimit", ["--pid", String(pid), "--fsize=unlimited:"]));
}

/** Makes files that are open already refuse every write. @returns undoes it; null where the machine forbids it */
export async function forbidWrites(...paths: readonly string[]): Promise<(() => Promise<void>) | null> {
  if (!(await mayRun("chattr", "+i", ...paths))) return null;
  return async () => void (await run("chattr", ["-i", ...paths]));
}
