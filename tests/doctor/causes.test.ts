import { suite } from "uvu";
import * as assert from "uvu/assert";
import { REJECTION_REASONS } from "../../lib/rejection.ts";
import { type Clinic, openClinic } from "./clinic.ts";
import { ON_PURPOSE, type OnPurpose, PUBLIC_URL, SETTINGS } from "./on-purpose.ts";

const test = suite<{ clinic: Clinic }>("doctor/causes");
test.before.each((t) => {
  t.clinic = openClinic(SETTINGS);
});

test("every reason but the one for what nobody looks at is made on purpose", () => {
  const made = ON_PURPOSE.map(({ reason }) => reason);
  assert.equal([...made, "not_examined"].sort(), [...REJECTION_REASONS].sort());
});

for (const made of ON_PURPOSE) {
  test(`${made.reason} is named, with what to do next`, async ({ clinic }) => {
    const requestId = await makeMistake(clinic, made);
    const found = clinic.doctor.rejections().find((one) => one.requestId === requestId);
    assert.ok(found);
    assert.is(found.reason, made.reason, found.advice);
    assert.is(found.provider, made.provider);
    assert.is(found.isProven, made.isProven);
    assert.match(found.advice, made.advice);
    assert.ok(found.advice.includes(made.provider), found.advice);
    const line = clinic.lines.find(({ fields }) => Reflect.get(fields, "request_id") === requestId);
    assert.is(line?.message, "signature diagnosed");
    assert.is(Reflect.get(line?.fields ?? {}, "reason"), made.reason);
  });
}

async function makeMistake(clinic: Clinic, { provider, requests }: OnPurpose): Promise<string | null> {
  let last: string | null = null;
  for (const { headers, body } of requests(clinic.clock.now())) {
    last = clinic.arrive({ provider, url: `${PUBLIC_URL}/webhooks/${provider}`, headers, body });
    if (last !== null) await clinic.settle();
  }
  return last;
}

test.run();
