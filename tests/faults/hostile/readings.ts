import { readFile } from "node:fs/promises";

/** What a process used while it was watched. */
export interface Cost {
  /** Of wall clock. */
  ms: number;
  /** Of processor time, of all its threads. */
  cpuMs: number;
  /** The most resident memory that was seen, less what it had at the start. */
  bytesGrown: number;
}

/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock is. */
const TICK_MS = 10;
const LOOK_MS = 100;

/** The processor time that a process has used so far, in milliseconds. */
export async function cpuMsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name stands in parentheses and may hold anything; what follows are numbers, user and system time among them.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The memory of a process that is in RAM, in bytes. */
export async function residentBytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

/** Watches what a process uses from now on; the function that it gives ends that and tells. */
export async function watchCost(pid: number): Promise<() => Promise<Cost>> {
  const bytes = await residentBytesOf(pid);
  const cpuMs = await cpuMsOf(pid);
  const startedAt = performance.now();
  let bytesMost = bytes;
  const look = async (): Promise<void> => {
    bytesMost = Math.max(bytesMost, await residentBytesOf(pid));
  };
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
  timer.unref(); // an attack that fails never ends the watch
  return async () => {
    clearInterval(timer);
    await look();
    return {
      ms: performance.now() - startedAt,
      cpuMs: (await cpuMsOf(pid)) - cpuMs,
      bytesGrown: bytesMost - bytes,
    };
  };
}
