/** A bug that is put into the program on purpose, in place of a text that stands in its source once. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** A seed that shows it. */
  readonly seed: number;
}

const WRITER = "lib/storage/sqlite/writer.ts";
const CLAIMS = "lib/storage/sqlite/claims.ts";
const OPEN = "lib/storage/sqlite/open.ts";
const STORAGE = "lib/storage/sqlite/sqlite-storage.ts";
const ACCEPT = "lib/storage/sqlite/accept.ts";
const INDEX = "lib/storage/sqlite/id-index.ts";
const RUNS = "lib/storage/sqlite/runs.ts";
const RUNNER = "lib/runner/runner.ts";
const STEPS = "lib/runner/steps.ts";
const LEASE = "lib/runner/lease.ts";
const ENDING = "lib/runner/ending.ts";

/**
 * Each breaks a promise, and the simulation has to notice each. The last ones stood in the program, and it found them;
 * four more that it found show in one of thousands of worlds, and so tests of the runner and the storage hold them.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "a sender is answered before the commit",
    file: WRITER,
    from: "        values.push(command(this.#transaction));\n",
    to: "        values.push(command(this.#transaction));\n        this.#queue[taken - 1]?.resolve(values.at(-1));\n",
    seed: 68,
  },
  {
    name: "a commit is not synced",
    file: OPEN,
    from: '"synchronous = FULL"',
    to: '"synchronous = NORMAL"',
    seed: 1,
  },
  {
    name: "a batch that fails is committed as far as it came",
    file: WRITER,
    from: '      this.#rollBack();\n      if (isBusy(error)) return "busy";',
    to: '      try { this.#commit.run(); } catch { this.#rollBack(); }\n      if (isBusy(error)) return "busy";',
    seed: 1,
  },
  {
    name: "copies are looked for outside of the transaction",
    file: STORAGE,
    from: "    return this.#writer.write(\n      (transaction) => this.#accept.accept(event, runs, otherBody, transaction),",
    to: `    const found = this.#accept.find(event, otherBody);
    if (found !== null) return Promise.resolve(found);
    const find = this.#events.findByIdKey;
    return this.#writer.write(
      (transaction) => {
        this.#events.findByIdKey = () => null;
        try {
          return this.#accept.accept(event, runs, otherBody, transaction);
        } finally {
          this.#events.findByIdKey = find;
        }
      },`,
    seed: 5,
  },
  {
    name: "ids that another process took are not read",
    file: INDEX,
    from: "if (version !== this.#version) this.#isStale = true;",
    to: "",
    seed: 14,
  },
  {
    name: "what memory took from a rolled back transaction is kept",
    file: INDEX,
    from: "    this.#seen = this.#seenBefore;\n    this.#isStale = true;\n",
    to: "",
    seed: 176,
  },
  {
    name: "an attempt ends whoever has its run",
    file: CLAIMS,
    from: "      WHERE id = ? AND fence = ? AND status = 'running'`);\n    this.#hasEnded",
    to: "      WHERE id = ? AND ? > 0 AND status = 'running'`);\n    this.#hasEnded",
    seed: 724,
  },
  {
    name: "a step is stored whoever has its run",
    file: CLAIMS,
    from: "FROM runs r WHERE r.id = ? AND r.fence = ? AND r.status = 'running'\n      ON CONFLICT",
    to: "FROM runs r WHERE r.id = ? AND ? > 0\n      ON CONFLICT",
    seed: 85,
  },
  {
    name: "a cancelled run may still succeed",
    file: CLAIMS,
    from: "      WHERE id = ? AND fence = ? AND status = 'running'`);\n    this.#hasEnded",
    to: "      WHERE id = ? AND fence = ?`);\n    this.#hasEnded",
    seed: 33,
  },
  {
    name: "a step begins without a look at the lease",
    file: STEPS,
    from: 'if (!(typeof isOurs === "boolean" ? isOurs : await isOurs)) this.#lose();',
    to: "void isOurs;",
    seed: 56,
  },
  {
    name: "a step is stored before its effect is known",
    file: STEPS,
    from: "    const value = await fn({\n",
    to: '    await this.#store({ name, kind: "step", result: \'{"of":"early","at":""}\', dueAt: null, endedAt: 0 });\n    const value = await fn({\n',
    seed: 2,
  },
  {
    name: "a step is not stored before it returns",
    file: STEPS,
    from: '    await this.#store({ name, kind: "step", result, dueAt: null, endedAt: this.#host.clock.now() });',
    to: '    void this.#store({ name, kind: "step", result, dueAt: null, endedAt: this.#host.clock.now() }).catch(() => {});',
    seed: 1,
  },
  {
    name: "the first attempt is given what fn returned",
    file: STEPS,
    from: "endedAt: this.#host.clock.now() });\n    return readResult(result) as never;",
    to: "endedAt: this.#host.clock.now() });\n    return value as never;",
    seed: 1,
  },
  {
    name: "a sleep begins anew in each attempt",
    file: STEPS,
    from: "const dueAt = stored?.dueAt ?? this.#host.clock.now() + ms;",
    to: "const dueAt = this.#host.clock.now() + ms;",
    seed: 7,
  },
  {
    name: "a run that waits is forgotten",
    file: RUNNER,
    from: "    if (nextDueAt !== null) this.#wakeIn(nextDueAt - clock.now());\n",
    to: "",
    seed: 2,
  },
  {
    name: "what a failed claim took is never given back",
    file: RUNNER,
    from: "    for (const key of orphans) if (this.#orphans.has(key.runId)) void this.#giveBack(key);\n",
    to: "",
    seed: 193,
  },
  {
    name: "a slot is not given back where the storage failed",
    file: RUNNER,
    from: "    this.#slots.release(taken - claimed.length);\n",
    to: "    if (stored !== null) this.#slots.release(taken - claimed.length);\n",
    seed: 123,
  },
  {
    name: "a hanging attempt holds nobody up",
    file: RUNNER,
    from: "const heldUntil = hanging === null ? null : now + timing.holdMs;",
    to: "const heldUntil = null;",
    seed: 11,
  },
  {
    name: "a process is buried whatever it does",
    file: CLAIMS,
    from: '"DELETE FROM processes WHERE id = ? AND beats = ?"',
    to: '"DELETE FROM processes WHERE id = ? AND beats <= ? + 1000"',
    seed: 682,
  },
  {
    name: "beats end when a run ends, also with others under way",
    file: RUNNER,
    from: "if (this.#active.size === 0 && this.#slots.reserved === 0 && !isNeeded) this.#lease.end();",
    to: "if (!isNeeded) this.#lease.end();",
    seed: 121,
  },
  {
    name: "a lease is trusted for ever",
    file: LEASE,
    from: "claimedAt >= this.#vouchedFrom && this.#clock.monotonic() - this.#beatenAt < this.#leaseMs",
    to: "true",
    seed: 56,
  },
  {
    name: "a pid of before the boot is taken for one of now",
    file: LEASE,
    from: "  if (other.bootId !== me.bootId) return true;\n  if (other.pidNamespace === null || other.pidNamespace !== me.pidNamespace) return false;\n",
    to: "  return true;\n",
    seed: 8,
  },
  {
    name: "a workflow's limit is not counted over all processes",
    file: CLAIMS,
    from: "return Math.max(0, Math.min(limit, concurrency - Number(running)));",
    to: "return Math.max(0, Math.min(limit, concurrency - Number(running) * 0));",
    seed: 76,
  },
  {
    name: "a failed step counts for nothing, and its run has failed",
    file: ENDING,
    from: "attempts >= policy.attempts;",
    to: "attempts >= 1;",
    seed: 2,
  },
  {
    name: "a retry does not wait for an attempt that may still run",
    file: RUNS,
    from: "due_at = iif(attempt_status IS NOT NULL AND attempt_settled_at IS NULL, ?, NULL)",
    to: "due_at = iif(attempt_status IS NULL, ?, NULL)",
    seed: 345,
  },
  {
    name: "a replay is made again for the same key",
    file: ACCEPT,
    from: "if (earlier !== undefined) {",
    to: "if (earlier !== undefined && idempotencyKey === null) {",
    seed: 15,
  },
  {
    name: "a failed commit that was made leaves a part of a lot of ids in memory",
    file: INDEX,
    from: "if (this.#hasRemoved || this.#seen < this.#lotEnd) this.#isLoaded = false;",
    to: "",
    seed: 339,
  },
  {
    name: "beats end while a run may be stored as ours that nobody runs",
    file: RUNNER,
    from: "const isNeeded = this.#doubtedAt !== null || this.#orphans.size > 0;",
    to: "const isNeeded = false;",
    seed: 295,
  },
  {
    name: "an attempt that was abandoned is resumed by nobody",
    file: RUNNER,
    from: "run_id: run.runId, error });\n      this.#doubt();",
    to: "run_id: run.runId, error });",
    seed: 295,
  },
];
