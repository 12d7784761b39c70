import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InvalidSignatureError } from "../../lib/errors.ts";
import { encodeText } from "../../lib/json.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { Verifier } from "../../lib/verify/verify.ts";
import { PUBLISHED } from "../fixtures/published.ts";
import { evidenceTable } from "../support/evidence.ts";

const test = suite("schemes/published");

for (const { provider, source, secret, headers, body, url = null, now = 0 } of PUBLISHED) {
  test(`${provider}: ${source}`, () => {
    const verifier = new Verifier(
      builtInScheme(provider) as Scheme,
      ["another", secret].slice(secret.startsWith("whsec_") ? 1 : 0),
    );
    const delivery = { method: "POST", url, headers: new Headers(headers), body: encodeText(body) };
    verifier.verify(delivery, now);
    for (const changed of [`${body} `, body.slice(1), body.toUpperCase()]) {
      const refused = (): unknown => verifier.verify({ ...delivery, body: encodeText(changed) }, now);
      assert.throws(refused, (error: unknown) => error instanceof InvalidSignatureError);
    }
  });
}

test.run();
console.log(evidenceTable());
