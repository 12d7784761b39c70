import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** Worlds to be lived through. */
export interface Job {
  /** The name of a bug to be put in; null for the program as it is. */
  readonly mutant: string | null;
  readonly seeds: readonly number[];
  /** True where the first broken promise is enough. */
  readonly isEnoughWithOne: boolean;
}

/** What came of a job. */
export interface JobResult {
  /** Seeds that broke a promise, with what a person needs to know. */
  readonly broken: readonly { seed: number; text: string }[];
  /** Hashes of what the seeds did, in their order. */
  readonly hashes: readonly string[];
  readonly counts: readonly (readonly [string, number])[];
}

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

/** Lives through many worlds at once, one process for each of the machine's cores. Nothing of it decides what they do. */
export async function runJobs(jobs: readonly Job[]): Promise<JobResult[]> {
  const results: JobResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    const child = fork(WORKER);
    try {
      while (next < jobs.length) {
        const at = next++;
        results[at] = await ask(child, jobs[at] as Job);
      }
    } finally {
      child.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, work));
  return results;
}

function ask(child: ChildProcess, job: Job): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`A worker of the simulation ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (result) => {
      child.off("exit", onExit);
      resolve(result as JobResult);
    });
    child.send(job);
  });
}
