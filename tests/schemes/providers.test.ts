import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { type Provider, type ProviderInput, resolveProviders } from "../../lib/schemes/providers.ts";
import { keysFor } from "../support/keys.ts";

const test = suite("schemes/providers");

const sendgrid = builtInScheme("sendgrid") as Scheme;

const acme: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-acme-signature", encoding: "hex" },
};

function resolve(input: Partial<ProviderInput>): ReturnType<typeof resolveProviders> {
  return resolveProviders({
    secrets: {},
    allowUnsigned: [],
    providers: [],
    schemes: {},
    verifyTokens: {},
    rateLimits: {},
    triggers: [],
    adminTokens: [],
    knowsUrl: false,
    ...input,
  });
}

/** Of generic and the schemes that are given, and of any built-in one that has some. */
function secretsOf(input: Partial<ProviderInput>): Record<string, readonly string[]> {
  const isOurs = ([name, { secrets }]: [string, Provider]): boolean =>
    name === "generic" || Object.hasOwn(input.schemes ?? {}, name) || secrets.length > 0;
  const all = [...resolve(input).providers].filter(isOurs);
  return Object.fromEntries(all.map(([name, { secrets }]) => [name, secrets]));
}

test("every scheme has a provider, with a secret or without", () => {
  const { providers, warnings } = resolve({ schemes: { acme, "acme-eu": "generic" } });
  assert.equal([...providers.keys()].sort(), ["acme", "acme-eu", ...builtInSchemeNames()].sort());
  for (const provider of providers.values()) {
    assert.equal(provider.secrets, []);
    assert.is(provider.isUnsignedAllowed, false);
  }
  assert.equal(providers.get("acme")?.acceptedContentTypes, ["application/json"]);
  assert.is(providers.get("acme-eu")?.scheme, providers.get("generic")?.scheme);
  assert.equal(providers.get("acme")?.scheme, acme);
  assert.equal(warnings, []);
});

test("a provider's own secrets serve it alone, newest first and each once", () => {
  const secrets = { generic: "one", acme: ["new", "previous", "new"] };
  assert.equal(secretsOf({ secrets, schemes: { acme } }), { generic: ["one"], acme: ["new", "previous"] });
});

test("the default secret serves generic, and another provider only where it is named", () => {
  const schemes = { acme, beta: acme, gamma: acme };
  const secrets = { default: ["fallback", "previous"] };
  const both = ["fallback", "previous"];
  assert.equal(secretsOf({ secrets, schemes }), { generic: both, acme: [], beta: [], gamma: [] });
  assert.equal(
    secretsOf({
      secrets,
      schemes,
      providers: ["acme"],
      triggers: [{ workflow: "test", provider: "beta" }],
    }),
    { generic: both, acme: both, beta: both, gamma: [] },
  );
});

test("an own secret takes the default's place, also at a provider that is named", () => {
  const input = { secrets: { default: "fallback", generic: "own", acme: "its" }, schemes: { acme } };
  assert.equal(secretsOf({ ...input, providers: ["acme"] }), { generic: ["own"], acme: ["its"] });
});

test("deliveries without a signature are allowed where it is said and there is no secret", () => {
  const { providers, warnings } = resolve({
    allowUnsigned: ["generic", "acme", "beta"],
    schemes: { acme, beta: acme, gamma: acme },
    secrets: { default: "fallback", acme: "its" },
  });
  const allowed = [...providers.values()].filter((provider) => provider.isUnsignedAllowed);
  assert.equal(
    allowed.map(({ name }) => name),
    ["beta"],
  );
  assert.equal(warnings.length, 2);
  assert.match(warnings.join("\n"), /no effect on "generic"/);
  assert.match(warnings.join("\n"), /no effect on "acme"/);
});

test("a verify token without its provider's secret is warned of, and with it is not", () => {
  const verifyTokens = { meta: ["now", "before"] };
  const [warning, ...more] = resolve({ verifyTokens }).warnings;
  assert.match(warning ?? "", /verifyTokens\.meta .*no effect without secrets\.meta \(WEBHOOK_SECRET_META\)/);
  assert.equal(more, []);
  const { providers, warnings } = resolve({ verifyTokens, secrets: { meta: "its" } });
  assert.equal(warnings, []);
  assert.equal(providers.get("meta")?.verifyTokens.length, 2);
});

const REFUSED: [name: string, input: Partial<ProviderInput>, message: RegExp][] = [
  [
    "a secret of no provider",
    { secrets: { genric: "x" } },
    /secrets\.genric \(WEBHOOK_SECRET_GENRIC\): no provider is named "genric"; the nearest is "generic"$/,
  ],
  ["a secret of an inherited name", { secrets: { constructor: "x" } }, /no provider is named "constructor"/],
  [
    "a secret under a name far from all",
    { secrets: { "nobody-at-all": "x" } },
    /known are asana, bitbucket, /,
  ],
  ["a previous secret as a provider", { secrets: { "generic-previous": "x" } }, /no provider is named/],
  ["an empty secret", { secrets: { generic: "" } }, /secrets\.generic .*not empty/],
  ["a secret of white space", { secrets: { default: " \n" } }, /secrets\.default .*not empty/],
  ["an empty secret beside a good one", { secrets: { generic: ["good", ""] } }, /not empty/],
  ["no secret in a list", { secrets: { generic: [] } }, /not empty/],
  ["a number as secret", { secrets: { generic: 7 as unknown as string } }, /text and not empty/],
  [
    "an unsigned provider that is none",
    { allowUnsigned: ["genericc"] },
    /WEBHOOK_ALLOW_UNSIGNED.*"genericc".*nearest is "generic"/,
  ],
  ["true as an unsigned provider", { allowUnsigned: ["true"] }, /WEBHOOK_ALLOW_UNSIGNED/],
  ["a provider that is none", { providers: ["gneric"] }, /WEBHOOK_PROVIDERS.*nearest is "generic"/],
  ["default as a provider", { providers: ["default"] }, /WEBHOOK_PROVIDERS/],
  [
    "a workflow's provider that is none",
    { triggers: [{ workflow: "mail", provider: "genericc" }] },
    /workflow "mail": no provider is named "genericc"; the nearest is "generic"$/,
  ],
  [
    "a verify token of no provider",
    { verifyTokens: { genericc: "x" } },
    /WEBHOOK_VERIFY_TOKEN_GENERICC.*nearest is "generic"/,
  ],
  [
    "a verify token that no scheme takes",
    { verifyTokens: { generic: "x" } },
    /verifyTokens\.generic.*no handshake/,
  ],
  ["an empty verify token", { verifyTokens: { meta: "" } }, /verifyTokens\.meta .*a verify token is text/],
  ["a verify token beside an empty one", { verifyTokens: { meta: ["good", " "] } }, /not empty/],
  [
    "a verify token that is the admin token",
    { verifyTokens: { meta: "t".repeat(24) }, adminTokens: ["t".repeat(24)] },
    /verifyTokens\.meta .*equals the admin token/,
  ],
  [
    "a verify token that is a secret",
    { verifyTokens: { meta: "same" }, secrets: { meta: "same" } },
    /one secret for "verifyTokens\.meta" and "meta"/,
  ],
  ["a scheme's name in capitals", { schemes: { Acme: acme } }, /schemes\.Acme/],
  ["a scheme's name with an underscore", { schemes: { acme_eu: acme } }, /schemes\.acme_eu/],
  ["a scheme's name of 65 letters", { schemes: { ["a".repeat(65)]: acme } }, /64/],
  ["a scheme named default", { schemes: { default: acme } }, /no provider's name/],
  ["a scheme named like a previous secret", { schemes: { "acme-previous": acme } }, /no provider's name/],
  ["a scheme named like a secret's file", { schemes: { "acme-file": acme } }, /no provider's name/],
  ["a scheme under a built-in name", { schemes: { generic: acme } }, /built in/],
  [
    "a scheme of no built-in name",
    { schemes: { acme: "genric" } },
    /schemes\.acme \(WEBHOOK_SCHEME_ACME\): no built-in scheme is named "genric"; the nearest is "generic"$/,
  ],
  [
    "a scheme that is wrong",
    { schemes: { acme: { ...acme, algorithm: "hmac-md5" } as unknown as Scheme } },
    /schemes\.acme\.algorithm/,
  ],
  [
    "the admin token as a secret",
    { secrets: { generic: "x".repeat(24) }, adminTokens: ["y", "x".repeat(24)] },
    /secrets\.generic .*admin token/,
  ],
  [
    "the admin token as the default secret",
    { secrets: { default: ["z", "y"] }, adminTokens: ["y"] },
    /secrets\.default .*admin token/,
  ],
];

for (const [name, input, message] of REFUSED) {
  test(`${name} stops the start with one line`, () => {
    const isExpected = (error: Error) =>
      error instanceof TypeError && message.test(error.message) && !error.message.includes("\n");
    assert.throws(() => resolve(input), isExpected);
  });
}

test("what is odd is warned of", () => {
  const cases: [Partial<ProviderInput>, RegExp][] = [
    [{ secrets: { generic: " hunter2" } }, /secrets\.generic .*white space or quotes/],
    [{ secrets: { generic: "hunter2\n" } }, /white space or quotes/],
    [{ secrets: { generic: '"hunter2"' } }, /white space or quotes/],
    [{ secrets: { default: ["hunter", "'hunter2'"] } }, /secrets\.default .*white space or quotes/],
    [{ secrets: { generic: "hunter2", acme: "hunter2" }, schemes: { acme } }, /generic, acme share a secret/],
    [{ secrets: { generic: ["a", "hunter2"], acme: ["hunter2", "b"] }, schemes: { acme } }, /share a secret/],
    [
      { secrets: { default: "hunter2" }, schemes: { acme }, providers: ["acme"] },
      /generic, acme share a secret/,
    ],
    [
      { secrets: { generic: "hunter2" }, providers: ["generic"] },
      /WEBHOOK_PROVIDERS.*no effect without secrets\.default/,
    ],
    [
      {
        secrets: { generic: "hunter2" },
        schemes: { acme },
        triggers: [{ workflow: "mail", provider: "acme" }],
      },
      /"mail" waits for "acme", .*secrets\.acme \(WEBHOOK_SECRET_ACME\).*401/,
    ],
    [
      {
        secrets: { generic: "hunter2" },
        schemes: { "acme-eu-1": acme },
        triggers: [{ workflow: "mail", provider: "acme-eu-1" }],
      },
      /secrets\.acme-eu-1 \(WEBHOOK_SECRET_ACME_EU_1\)/,
    ],
  ];
  for (const [input, message] of cases) {
    const { warnings } = resolve(input);
    assert.is(warnings.length, 1, JSON.stringify(input));
    assert.match(warnings[0] ?? "", message);
    assert.not.match(warnings[0] ?? "", "hunter2");
  }
});

test("what is usual is not warned of", () => {
  const cases: Partial<ProviderInput>[] = [
    { secrets: { generic: "it's" } },
    { secrets: { generic: `a'b'` } },
    { secrets: { generic: `'a'b` } },
    { schemes: { "acme-files": acme, "acme-previous-2": acme } },
    {
      secrets: { generic: "a", acme: "b" },
      schemes: { acme },
      triggers: [{ workflow: "mail", provider: "acme" }],
    },
    { secrets: { generic: ["a", "a"] } },
    { schemes: { acme }, triggers: [{ workflow: "mail", provider: "acme" }] },
    { allowUnsigned: ["generic"] },
    {
      schemes: { acme },
      secrets: { generic: "a" },
      allowUnsigned: ["acme"],
      triggers: [{ workflow: "mail", provider: "acme" }],
    },
  ];
  for (const input of cases) assert.equal(resolve(input).warnings, [], JSON.stringify(input));
});

test("no refusal shows a secret", () => {
  for (const input of [
    { secrets: { generic: ["hunter2", ""] } },
    { secrets: { genric: "hunter2" } },
    { secrets: { generic: "hunter2" }, adminTokens: ["hunter2"] },
    { verifyTokens: { generic: "hunter2" } },
  ]) {
    assert.throws(
      () => resolve(input),
      (error: Error) => !error.message.includes("hunter2"),
    );
  }
});

const HEX = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const RAW = Buffer.from(HEX, "hex").toString("base64");

const KINDS: [what: string, secrets: Record<string, string | string[]>, names: [string, string]][] = [
  ["a token as an HMAC's secret", { telegram: "same", github: "same" }, ["github", "telegram"]],
  ["a token as the secret of generic", { gitlab: "same", generic: "same" }, ["generic", "gitlab"]],
  ["a token as the default secret", { telegram: "same", default: "same" }, ["generic", "telegram"]],
  ["a previous secret as a token", { github: ["new", "same"], telegram: "same" }, ["github", "telegram"]],
  ["a secret as a previous token", { github: "same", telegram: ["new", "same"] }, ["github", "telegram"]],
  ["a public key as an HMAC's secret", { discord: HEX, github: HEX }, ["github", "discord"]],
  ["a public key in capitals", { discord: HEX, github: HEX.toUpperCase() }, ["github", "discord"]],
  ["a public key as a token", { discord: HEX, telegram: HEX }, ["discord", "telegram"]],
  ["a whpk_ key's base64 as an HMAC's secret", { svix: `whpk_${RAW}`, github: RAW }, ["svix", "github"]],
  ["a whpk_ key as another's whsec_", { svix: `whpk_${RAW}`, clerk: `whsec_${RAW}` }, ["svix", "clerk"]],
  ["a token with a line break", { telegram: "same\n", github: "same" }, ["github", "telegram"]],
];
for (const [what, secrets, names] of KINDS) {
  test(`${what} stops the start, and neither is shown`, () => {
    assert.throws(
      () => resolve({ secrets }),
      (error: Error) => {
        assert.instance(error, TypeError);
        assert.match(
          error.message,
          /^Cannot use one secret for "\S+" and "\S+": one of them sends or publishes it/,
        );
        for (const name of names) assert.match(error.message, `"${name}"`);
        for (const value of Object.values(secrets).flat())
          assert.not(error.message.includes(value.trim()), value);
        return true;
      },
    );
  });
}

test("one value of one kind at two providers is warned of and works", () => {
  for (const secrets of [
    { telegram: "same", gitlab: "same" },
    { github: "same", gitea: "same" },
    { svix: `whsec_${RAW}`, gitlab: `whsec_${RAW}` },
  ])
    assert.match(resolve({ secrets }).warnings.join(), /share a secret/);
});

test("the admin token is no provider's secret, in whatever spelling", () => {
  const token = "t0ken-of-24-characters-AB";
  const base64 = "t0kenOf32Characters/AAAAAAAAAAAAAA==";
  for (const [secrets, admin] of [
    [{ github: token }, token],
    [{ telegram: ["new", token] }, token],
    [{ gitlab: `${token}\n` }, token],
    [{ default: token }, token],
    [{ discord: HEX }, HEX],
    [{ svix: `whsec_${base64}` }, base64],
    [{ svix: base64 }, `whsec_${base64}`],
  ] as const) {
    assert.throws(
      () => resolve({ secrets, adminTokens: ["another-token-of-24-characters", admin] }),
      (error: Error) =>
        /equals the admin token \(ADMIN_TOKEN\)/.test(error.message) && !error.message.includes(admin),
      JSON.stringify(secrets),
    );
  }
});

/** Whose HMAC is over the body alone, with the secret's text as its key. */
const FALLING_BACK = [
  "asana",
  "bitbucket",
  "coinbase-commerce",
  "dropbox",
  "forgejo",
  "generic",
  "gitea",
  "github",
  "gogs",
  "instagram",
  "intercom",
  "jira",
  "lemon-squeezy",
  "linear",
  "messenger",
  "meta",
  "notion",
  "pagerduty",
  "razorpay",
  "sentry",
  "shopify",
  "typeform",
  "whatsapp",
  "xero",
];

test("the default secret serves who signs the body alone with a text, and naming another stops the start", () => {
  const served: string[] = [];
  for (const name of builtInSchemeNames()) {
    const input = { secrets: { default: "hunter2" }, providers: [name], knowsUrl: true };
    try {
      assert.equal(resolve(input).providers.get(name)?.secrets, ["hunter2"], name);
      served.push(name);
    } catch (error) {
      const { message } = error as Error;
      assert.match(
        message,
        `Cannot use providers (WEBHOOK_PROVIDERS) for "${name}": the default secret serves only`,
      );
      assert.match(
        message,
        `so set secrets.${name} (WEBHOOK_SECRET_${name.toUpperCase().replaceAll("-", "_")})`,
      );
      assert.not.match(message, "hunter2");
    }
  }
  assert.equal(served.sort(), FALLING_BACK);
});

test("a workflow's provider that the default secret does not serve has none, and that is told", () => {
  for (const provider of ["discord", "telegram", "svix", "square", "slack", "stripe", "mailgun"]) {
    const triggers = [{ workflow: "mail", provider }];
    const { providers, warnings } = resolve({ secrets: { default: "hunter2" }, triggers });
    assert.equal(providers.get(provider)?.secrets, []);
    assert.match(warnings.join(), `"mail" waits for "${provider}", which has no secrets.${provider} `);
  }
});

test("a record of one's own falls back where its key is a text, said or not, and over the body alone", () => {
  const cases: [Partial<Scheme>, boolean][] = [
    [{}, true],
    [{ key: "text" }, true],
    [{ signed: "{body}" }, true],
    [{ key: "whsec" }, false],
    [{ signed: "v0:{body}" }, false],
    [{ signed: { of: ["body"], contents: ({ body }) => [[body]] } }, false],
    [{ algorithm: "token", signature: { header: "x-acme-signature", encoding: "text" } }, false],
  ];
  for (const [changes, isServed] of cases) {
    const triggers = [{ workflow: "mail", provider: "acme" }];
    const schemes = { acme: { ...acme, ...changes } };
    const { providers } = resolve({ secrets: { default: "hunter2" }, schemes, triggers });
    assert.equal(providers.get("acme")?.secrets, isServed ? ["hunter2"] : [], JSON.stringify(changes));
  }
});

const FORMS: [provider: string, secret: string, message: RegExp][] = [
  ["svix", "c4n4ry!", /secrets\.svix \(WEBHOOK_SECRET_SVIX\): it is not "whsec_" and base64/],
  ["svix", "whsec_", /it is not "whsec_" and base64/],
  ["svix", "whsec_c4n4ry!", /it is not "whsec_" and base64/],
  ["svix", ` whsec_${RAW}`, /it is not "whsec_" and base64/],
  ["svix", `"whsec_${RAW}"`, /it is not "whsec_" and base64/],
  ["svix", `whsec_${RAW}\n`, /it is not "whsec_" and base64/],
  ["svix", "whpk_c4n4ry", /after "whpk_" it needs the base64 of 32 bytes/],
  ["svix", `whsk_${RAW}`, /it is a private key: give the public one/],
  ["gitlab", "whsec_c4n4ry!", /secrets\.gitlab .*it is not "whsec_" and base64/],
  ["discord", "c4n4ry", /secrets\.discord .*it is not a public key: copy it whole/],
  ["discord", HEX.slice(1), /it is not a public key: copy it whole/],
  ["discord", `${HEX} `, /it is not a public key: copy it whole/],
  ["sendgrid", "c4n4ry", /secrets\.sendgrid .*it is not a public key: copy it whole/],
  ["sendgrid", RAW, /it is not a public key/],
];
for (const [provider, secret, message] of FORMS) {
  test(`${JSON.stringify(secret.replace(RAW, "..."))} for ${provider} stops the start, beside a good one, too`, () => {
    const good = {
      svix: `whsec_${RAW}`,
      gitlab: "token",
      discord: HEX,
      sendgrid: keysFor(sendgrid).verifying,
    };
    for (const secrets of [secret, [good[provider as keyof typeof good], secret]]) {
      assert.throws(
        () => resolve({ secrets: { [provider]: secrets } }),
        (error: Error) => {
          assert.match(error.message, message);
          const shown = [secret.trim(), secret.replace(/^["\s]*wh\w+_/, "").slice(0, 6)];
          for (const part of shown.filter((text) => !/^(?:wh\w+_)?$/.test(text)))
            assert.not(error.message.includes(part), part);
          return error instanceof TypeError && !error.message.includes("\n");
        },
      );
    }
  });
}

test.run();
