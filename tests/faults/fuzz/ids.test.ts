import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseDelivery } from "../../../lib/accept/delivery.ts";
import { parseIdempotencyKey, parseWebhookId } from "../../../lib/accept/webhook-id.ts";
import { WebhookError } from "../../../lib/errors.ts";
import { type IdSource, idKeyOf } from "../../../lib/event.ts";
import { encodeText } from "../../../lib/json.ts";
import type { Scheme } from "../../../lib/scheme.ts";
import type { Provider } from "../../../lib/schemes/providers.ts";
import { Verifier } from "../../../lib/verify/verify.ts";
import { anyText, bent, holds, outcomeOf } from "./holds.ts";

const test = suite("faults/fuzz/ids");

const visible = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
});
const bare = fc.stringMatching(/^[!#-+\--~]{1,300}$/);
const quoted = visible.map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`);
const longText = fc
  .tuple(fc.constantFrom("a", "ü", "🎣"), fc.integer({ min: 253, max: 257 }))
  .map(([one, count]) => one.repeat(count));

/** True for what a webhook_id may be, said in another way than the code says it. */
function isUsable(text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const isControl = (point: number) => point < 0x20 || (point >= 0x7f && point <= 0x9f);
  const isHalf = (point: number) => point >= 0xd800 && point <= 0xdfff;
  return (
    points.length >= 1 && points.length <= 255 && !points.some((point) => isControl(point) || isHalf(point))
  );
}

/** The id, or null where it is refused as the contract says; fails for anything else that is thrown. */
function idOf(parse: () => string | null): string | null {
  const { value, error } = outcomeOf(parse);
  if (error === undefined) return value;
  assert.instance(error, WebhookError);
  const { code, faults } = error as WebhookError;
  assert.equal([code, faults.length, faults[0]?.pointer], ["fields_invalid", 1, "/webhook_id"]);
  return null;
}

test("a text is a webhook_id as it stands, or it is refused; whatever else a body gives is refused", () =>
  holds(
    fc.property(fc.oneof(anyText, longText, bent(longText, anyText), fc.anything()), (value) => {
      const isText = typeof value === "string";
      assert.is(
        idOf(() => parseWebhookId(value)),
        isText && isUsable(value) ? value : null,
      );
      // Without the value, which may be a secret that someone put into the wrong field.
      const { error } = outcomeOf(() => parseWebhookId(value));
      if (isText && value.length > 40) assert.not.ok(error?.message.includes(value));
    }),
    3_000,
  ));

test("a key reads the same bare and quoted, and any visible text can be quoted", () =>
  holds(
    fc.property(bare, visible, (token, text) => {
      const isTooLong = token.length > 255;
      assert.is(
        idOf(() => parseIdempotencyKey(token)),
        isTooLong ? null : token,
      );
      const asQuoted = `"${token.replace(/["\\]/g, "\\$&")}"`;
      assert.is(
        idOf(() => parseIdempotencyKey(asQuoted)),
        isTooLong ? null : token,
      );
      const inQuotes = `"${text.replace(/["\\]/g, "\\$&")}"`;
      assert.is(
        idOf(() => parseIdempotencyKey(inQuotes)),
        isUsable(text) ? text : null,
      );
    }),
    2_000,
  ));

test("whatever stands in the header is one usable key or refused, and two headers are never one", () =>
  holds(
    fc.property(
      bent(fc.oneof(bare, quoted, anyText), fc.oneof(anyText, fc.constantFrom('"', "\\", ",", " "))),
      fc.oneof(bare, quoted),
      (header, other) => {
        const id = idOf(() => parseIdempotencyKey(header));
        if (id !== null) assert.ok(isUsable(id), id);
        const isBare = /^[\x21-\x7e]+$/.test(header) && !/[",]/.test(header) && isUsable(header);
        if (!header.startsWith('"')) assert.is(id, isBare ? header : null);
        if (id === null || idOf(() => parseIdempotencyKey(other)) === null) return;
        // As `Headers` shows a header that was sent twice.
        assert.is(
          idOf(() => parseIdempotencyKey(`${header}, ${other}`)),
          null,
        );
      },
    ),
    3_000,
  ));

test("two events have one key only where provider, source, id and, where it counts, body are the same", () => {
  const provider = fc.constantFrom("a", "a-b", "generic");
  const source = fc.constantFrom<IdSource>("body", "header", "scheme", "trigger", "mark");
  const id = fc.oneof(
    fc.constantFrom(":", "a:", "scheme+body:00:a", "body:x", "+body:00"),
    fc.string({ minLength: 1, maxLength: 8 }),
  );
  const hash = fc.option(fc.uint8Array({ minLength: 1, maxLength: 2 }), { nil: undefined });
  const whole = fc.tuple(provider, source, id, hash);
  return holds(
    fc.property(whole, whole, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (a, drawn, isTaken) => {
      const b = a.map((part, at) => (isTaken[at] ? drawn[at] : part)) as typeof a;
      const isSame =
        JSON.stringify([...a.slice(0, 3), [...(a[3] ?? [])]]) ===
        JSON.stringify([...b.slice(0, 3), [...(b[3] ?? [])]]);
      assert.is(idKeyOf(...a) === idKeyOf(...b), isSame && (a[3] === undefined) === (b[3] === undefined));
    }),
    3_000,
  );
});

test("a scheme's id is never refused, fits what is stored, and two that differ stay two", () => {
  const scheme: Scheme = {
    algorithm: "hmac-sha256",
    signature: { header: "x-mac", encoding: "hex" },
    id: { body: "id" },
  };
  const provider: Provider = {
    name: "acme",
    scheme,
    verifier: new Verifier(scheme, []),
    secrets: [],
    verifyTokens: [],
    isUnsignedAllowed: true,
    acceptedContentTypes: ["application/json"],
    rate: null,
  };
  const idIn = (json: string): string | null => {
    const body = encodeText(`{"id":${json}}`);
    const settings = { keepHeaders: [], requireId: false };
    return parseDelivery(provider, scheme, new Headers(), body, settings, []).webhookId;
  };
  const number = fc
    .oneof(fc.maxSafeInteger(), fc.double(), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }))
    .map(String);
  const text = fc.oneof(anyText, longText).map((one) => JSON.stringify(one));
  const json = fc.oneof(
    text,
    number.filter((one) => !/[NI]/.test(one)),
    fc.json(),
  );
  // Beyond 2^53 these read the same.
  const neighbours = fc
    .bigInt({ min: 2n ** 53n - 2n, max: 2n ** 60n })
    .map((one): [string, string] => [String(one), String(one + 1n)]);
  return holds(
    fc.property(fc.oneof(fc.tuple(json, json), neighbours), ([a, b]) => {
      const [first, second] = [idIn(a), idIn(b)];
      for (const id of [first, second]) if (id !== null) assert.ok(isUsable(id), id);
      if (first === null || first !== second) return;
      // A number and its own text are meant to be one id.
      assert.is(String(JSON.parse(a)), String(JSON.parse(b)));
      assert.ok(
        [a, b].every((one) => typeof JSON.parse(one) === "string" || Number.isSafeInteger(JSON.parse(one))),
      );
    }),
    3_000,
  );
});

test.run();
