/**
 * The suites that decide about a mutant, in one process that ends at the first test that fails: each mutant pays for a
 * start, and none for what comes after it is found out. Cheap suites come first.
 */
const uvu = globalThis as typeof globalThis & {
  UVU_DEFER: number;
  UVU_QUEUE: unknown[][];
  UVU_INDEX: number;
};
// uvu reads it when it is imported: suites only line up then, and `exec` runs them.
uvu.UVU_DEFER = 1;
uvu.UVU_QUEUE = [["mutation"]];
uvu.UVU_INDEX = 0;
const { exec } = await import("uvu");

await import("../constant-time.test.ts");
await import("../verify/decode.test.ts");
await import("../verify/signature.test.ts");
await import("../verify/verify.test.ts");
await import("../schemes/mod.test.ts");
await import("../schemes/check-scheme.test.ts");
await import("../schemes/providers.test.ts");
await import("../accept/webhook-id.test.ts");
await import("../accept/delivery.test.ts");
await import("../accept/replay.test.ts");
await import("../accept/trigger.test.ts");
await import("../accept/accept.test.ts");
await import("../accept/webhook-handler.test.ts");

await exec(true);
process.exit();
