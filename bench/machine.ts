import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { sep } from "node:path";

/** What the numbers were measured on, one line each. */
export function machineLines(folder: string): string[] {
  const processors = cpus();
  const gib = (totalmem() / 1_073_741_824).toFixed(0);
  return [
    `processor: ${processors[0]?.model.trim() ?? "unknown"}, ${processors.length} cores`,
    `memory: ${gib} GiB`,
    `system: ${type()} ${release()}`,
    `file system of the data: ${fileSystemOf(folder)}`,
  ];
}

/** How busy the machine was with other work, which no ratio fully takes out. */
export function loadLine(): string {
  return loadavg()
    .map((load) => load.toFixed(1))
    .join(", ");
}

/** Such as `ext4`; `unknown` where this system does not say. */
export function fileSystemOf(folder: string): string {
  try {
    const mounts = readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([, at = ""]) => at === "/" || folder === at || folder.startsWith(at + sep))
      .sort(([, a = ""], [, b = ""]) => b.length - a.length);
    return mounts[0]?.[2] ?? "unknown";
  } catch {
    return "unknown";
  }
}
