/**
 * The suites that decide about a mutant, in one process that ends at the first suite with a failure: each mutant pays
 * for a start, and none for what comes after it is found out. Cheap suites come first.
 */
type Suite = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;
const uvu = globalThis as typeof globalThis & { UVU_DEFER: number; UVU_QUEUE: Suite[][]; UVU_INDEX: number };
const suites: Suite[] = [];
// uvu reads them when it is imported: suites only line up then, and nobody runs them but us.
uvu.UVU_DEFER = 1;
uvu.UVU_QUEUE = [suites];
uvu.UVU_INDEX = 0;

await import("../constant-time.test.ts");
await import("../verify/decode.test.ts");
await import("../verify/signature.test.ts");
await import("../parse-body.test.ts");
await import("../verify/families.test.ts");
await import("../verify/keys.test.ts");
await import("../verify/parts.test.ts");
await import("../verify/read.test.ts");
await import("../verify/signed.test.ts");
await import("../verify/timestamp.test.ts");
await import("../verify/holds.test.ts");
await import("../verify/scheme-check.test.ts");
await import("../verify/verify.test.ts");
await import("../verify/sign.test.ts");
await import("../schemes/published.test.ts");
await import("../schemes/own-mutations.test.ts");
await import("../schemes/mod.test.ts");
await import("../schemes/check-scheme.test.ts");
await import("../schemes/providers.test.ts");
await import("../accept/webhook-id.test.ts");
await import("../accept/delivery.test.ts");
await import("../accept/replay.test.ts");
await import("../accept/trigger.test.ts");
await import("../accept/rate-limit.test.ts");
await import("../accept/ready-runs.test.ts");
await import("../accept/shedding.test.ts");
await import("../accept/accept.test.ts");
await import("../accept/webhook-handler.test.ts");
await import("../routes/shedding.test.ts");

for (const run of suites) {
  const [errors, passed, , total] = await run();
  // Not the errors alone: uvu has none for a test that throws undefined.
  if (passed < total) {
    console.log(errors);
    process.exit(1);
  }
}
process.exit();
