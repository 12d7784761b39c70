import {
  type Checked,
  SIGNED_AT,
  type SignedCase,
  signatureOf,
  signatureText,
  timeText,
  withHeader,
  withSignature,
  withText,
  withTime,
} from "./signed-case.ts";

/** What was changed of a signed delivery, and the delivery with that. */
export type Mutation = readonly [what: string, changed: Checked];

/** Each byte, and each end. */
export function* bodies({ sent }: SignedCase): Generator<Mutation> {
  const { body } = sent;
  for (const [at, byte] of body.entries()) {
    const changed = Uint8Array.from(body);
    changed[at] = byte ^ (1 << (at % 8));
    yield [`byte ${at}`, { ...sent, body: changed }];
  }
  yield ["no body", { ...sent, body: new Uint8Array() }];
  yield ["without its first byte", { ...sent, body: body.subarray(1) }];
  yield ["without its last byte", { ...sent, body: body.subarray(0, -1) }];
  for (const end of [" ", "\n", "\0", "\uFEFF", "{}"]) {
    yield [`${JSON.stringify(end)} before it`, { ...sent, body: Buffer.concat([Buffer.from(end), body]) }];
    yield [`${JSON.stringify(end)} after it`, { ...sent, body: Buffer.concat([body, Buffer.from(end)]) }];
  }
  yield ["twice", { ...sent, body: Buffer.concat([body, body]) }];
  const pretty = JSON.stringify(JSON.parse(new TextDecoder().decode(body)), null, 2);
  yield ["written anew", { ...sent, body: Buffer.from(pretty) }];
}

/** The signature alone: cut, doubled, empty, changed in each place, and respelled. */
export function* signatures(one: SignedCase): Generator<Mutation> {
  const text = signatureOf(one);
  const { encoding, prefix = "" } = one.scheme.signature;
  const spelled = (what: string, changed: string): Mutation => [what, withSignature(one, changed)];
  yield spelled("empty", "");
  for (let end = 1; end < text.length; end++) yield spelled(`cut to ${end}`, text.slice(0, end));
  yield spelled("without its first character", text.slice(1));
  yield spelled("doubled", text + text);
  yield spelled("one character more", `${text}0`);
  yield spelled("reversed", [...text].reverse().join(""));
  for (const [at, character] of [...text].entries()) {
    const other = character === "1" ? "2" : "1";
    if (character !== "=") yield spelled(`character ${at}`, text.slice(0, at) + other + text.slice(at + 1));
  }
  yield spelled("with a space in it", `${text.slice(0, 8)} ${text.slice(8)}`);
  yield spelled("with a tab in it", `${text.slice(0, 8)}\t${text.slice(8)}`);
  yield spelled("in quotes", `"${text}"`);
  yield spelled("with a prefix more", `${prefix || "sha256="}${text}`);
  yield spelled("percent-encoded", `%${text.charCodeAt(0).toString(16)}${text.slice(1)}`);
  yield spelled("undefined", "undefined");
  yield spelled("a list", `[${text}]`);
  if (encoding === "text") return;
  const bytes = Buffer.from(text, encoding);
  if (encoding === "hex") {
    yield spelled("in base64", bytes.toString("base64"));
    yield spelled("in base64url", bytes.toString("base64url"));
    yield spelled("with 0x", `0x${text}`);
    yield spelled("with colons", (text.match(/../g) ?? []).join(":"));
  } else {
    yield spelled("in hex", bytes.toString("hex"));
    yield spelled("in hex of upper case", bytes.toString("hex").toUpperCase());
    yield* base64Spellings(text).map((changed) => spelled(`as ${changed}`, changed));
  }
  yield spelled("all zeros", Buffer.alloc(bytes.length).toString(encoding));
  yield spelled("zeros before it", Buffer.concat([Buffer.alloc(1), bytes]).toString(encoding));
  yield spelled("zeros after it", Buffer.concat([bytes, Buffer.alloc(1)]).toString(encoding));
  yield spelled("bytes reversed", Buffer.from(bytes).reverse().toString(encoding));
}

/** Texts that lenient decoders read as the same bytes. */
function base64Spellings(text: string): string[] {
  const bare = text.replace(/=+$/, "");
  const spellings = [
    `${text}=`,
    `${bare}====`,
    `${text.slice(0, 4)}=${text.slice(4)}`,
    `${text}.`,
    `-${text}`,
  ];
  if (bare !== text) {
    spellings.push(bare, bare.replaceAll("+", "-").replaceAll("/", "_"));
    // Bits of the last character that stand for nothing.
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const last = alphabet.indexOf(bare.at(-1) ?? "");
    spellings.push(bare.slice(0, -1) + alphabet[last + 1] + text.slice(bare.length));
  }
  const urlSafe = text.replaceAll("+", "-").replaceAll("/", "_");
  if (urlSafe !== text) spellings.push(urlSafe);
  return spellings;
}

/** The header around it: gone, empty, sent twice, and its prefix or key spelled otherwise. */
export function* headers(one: SignedCase): Generator<Mutation> {
  const { scheme, sent } = one;
  const { prefix, prefixOptional, parts } = scheme.signature;
  const text = signatureText(scheme, sent);
  const bare = signatureOf(one);
  const before = text.slice(0, -bare.length);
  const wrong = `${before}${bare[0] === "0" ? "1" : "0"}${bare.slice(1)}`;
  const written = (what: string, changed: string): Mutation => [what, withText(scheme, sent, changed)];
  const twice = (a: string, b: string): Mutation => {
    const headers = new Headers([
      ["x", a],
      ["x", b],
    ]);
    return written("two headers", headers.get("x") ?? "");
  };
  yield written("empty", "");
  yield twice(text, text);
  yield twice(wrong, text);
  yield twice(text, wrong);
  yield twice(text, "");
  yield twice("", text);
  // PagerDuty's header is a list with commas anyway, and one of its entries that holds is enough.
  if (parts?.separator !== "," || scheme.timestamp !== undefined) yield written("joined", `${text},${text}`);
  if (scheme.signature.body === undefined) {
    const [header = ""] = [scheme.signature.header].flat();
    yield ["gone", withHeader(sent, header, null)];
    yield ["under another name", withHeader(withHeader(sent, header, null), `${header}-2`, text)];
  }
  if (prefix !== undefined) {
    if (prefixOptional !== true) yield written("without its prefix", bare);
    yield written("its prefix alone", prefix);
    yield written("its prefix in upper case", prefix.toUpperCase() + bare);
    yield written(
      "its prefix in lower case",
      (prefix.toLowerCase() === prefix ? "Sha256=" : prefix.toLowerCase()) + bare,
    );
    yield written("its prefix twice", prefix + prefix + bare);
    yield written("a space behind its prefix", `${prefix} ${bare}`);
    for (const other of ["sha1=", "sha512=", "md5=", "none=", "v1=", "Basic "])
      if (other !== prefix) yield written(`behind ${other}`, other + bare);
  }
  if (parts !== undefined) {
    const { assign, separator } = parts;
    yield written("without its key", bare);
    yield written("with a space behind a separator", `v9${assign}0${separator} ${text}`);
    yield written("with an empty entry", `v9${assign}0${separator}${separator}${text}`);
    yield written("with an entry without a value", `${text}${separator}v1`);
    yield written(
      "its key in upper case",
      text.replace(/(v1a?|h1)(?=[=,])/, (key) => key.toUpperCase()),
    );
    yield written("under a key that does not count", text.replace(/(v1a?|h1)(?=[=,])/, "v0"));
    yield written("more entries than are looked at", `${text}${`${separator}v9${assign}0`.repeat(20)}`);
    yield written("a mebibyte of entries", `${text}${`${separator}v1${assign}00`.repeat(160_000)}`);
    yield written(
      "more signatures than are tried",
      `${text}${`${separator}${keyIn(text)}${assign}${bare}`.repeat(8)}`,
    );
  }
  for (const [name] of Object.entries(scheme.constants ?? {})) {
    yield [`without ${name}`, withHeader(sent, name, null)];
    yield [`with another ${name}`, withHeader(sent, name, "HmacSHA1")];
    yield [`with ${name} twice`, withHeader(sent, name, `${sent.headers[name]}, ${sent.headers[name]}`)];
  }
}

function keyIn(text: string): string {
  return /(?:v1a?|h1)(?=[=,])/.exec(text)?.[0] ?? "";
}

/** @param cases of all providers, whose secrets are others' */
export function* secrets(
  { name, scheme, keys, sent }: SignedCase,
  cases: ReadonlyMap<string, SignedCase>,
): Generator<Mutation> {
  yield ["no secret", { ...sent, secrets: [] }];
  yield ["an empty secret", { ...sent, secrets: [""] }];
  yield ["another secret", { ...sent, secrets: [keys.other] }];
  for (const [other, { scheme: alike, keys: foreign }] of cases) {
    if (other !== name && alike === scheme)
      yield [`the secret of ${other}`, { ...sent, secrets: [foreign.verifying] }];
  }
  if (!/^[\da-f]{64}$|^MFkw|^whpk_|^whsec_/.test(keys.verifying)) {
    for (const [what, changed] of [
      ["with a space", `${keys.verifying} `],
      ["in upper case", keys.verifying.toUpperCase()],
      ["cut", keys.verifying.slice(0, -1)],
      ["in base64", Buffer.from(keys.verifying).toString("base64")],
    ] as const)
      yield [`the secret ${what}`, { ...sent, secrets: [changed] }];
  }
}

/** Clocks that are too far off, and the time respelled, changed and left out. */
export function* times(one: SignedCase): Generator<Mutation> {
  const { scheme, sent } = one;
  const tolerance = scheme.timestamp?.toleranceMs ?? 300_000;
  for (const off of [1, 1_000, 3_600_000, 86_400_000 * 365]) {
    yield [`${off} ms too old`, { ...sent, now: SIGNED_AT + tolerance + off }];
    yield [`${off} ms too new`, { ...sent, now: SIGNED_AT - tolerance - off }];
  }
  for (const now of [Number.NaN, 0, -1, Number.POSITIVE_INFINITY]) yield [`at ${now}`, { ...sent, now }];
  const time = timeText(one) ?? "";
  for (const [at, digit] of [...time].entries()) {
    const other = digit === "7" ? "8" : "7";
    yield [`digit ${at}`, withTime(one, sent, time.slice(0, at) + other + time.slice(at + 1))];
  }
  for (const text of [
    "",
    "0",
    "-1",
    "NaN",
    "null",
    "undefined",
    "Infinity",
    `0${time}`,
    `+${time}`,
    `-${time}`,
    `${time}.0`,
    `${time}e0`,
    `${time}000`,
    `0x${BigInt(time.replace(/\D/g, "") || 0).toString(16)}`,
    "9".repeat(10),
    "9".repeat(13),
    "1".repeat(400),
    `${time.slice(0, 4)}_${time.slice(4)}`,
    time.slice(0, -1),
    `${time}, ${time}`,
    new Date(SIGNED_AT).toUTCString(),
  ])
    yield [`as ${text.slice(0, 40)}`, withTime(one, sent, text)];
  if (scheme.timestamp !== undefined && "header" in scheme.timestamp.from)
    yield ["without it", withHeader(sent, scheme.timestamp.from.header, null)];
}

/** The same bytes in the same order, cut elsewhere. */
export function* shifts(one: SignedCase): Generator<Mutation> {
  const { scheme, sent } = one;
  const time = timeText(one) ?? "";
  const body = Buffer.from(sent.body).toString("latin1");
  const moved = (what: string, text: string, changed: string): Mutation => [
    what,
    { ...withTime(one, sent, text), body: Buffer.from(changed, "latin1") },
  ];
  const isBehind = typeof scheme.signed === "object" || scheme.signed?.endsWith("{timestamp}") === true;
  const between = isBehind ? "" : (/\{timestamp\}(.*)\{body\}/.exec(String(scheme.signed))?.[1] ?? "");
  for (let count = 1; count < 12; count++) {
    if (isBehind) {
      yield moved(`${count} from the body`, body.slice(-count) + time, body.slice(0, -count));
      yield moved(`${count} to the body`, time.slice(count), body + time.slice(0, count));
    } else {
      yield moved(`${count} from the body`, time + between + body.slice(0, count), body.slice(count));
      yield moved(`${count} to the body`, time.slice(0, -count), time.slice(-count) + between + body);
      yield moved(`${count} to the body, undelimited`, time.slice(0, -count), time.slice(-count) + body);
    }
  }
}

/** The signed URL: another path, query, host, scheme or port; and the method where that is signed. */
export function* urls({ name, scheme, sent }: SignedCase): Generator<Mutation> {
  const url = sent.url ?? "";
  for (const changed of [
    url.replace("https", "http"),
    url.replace("https", "HTTPS"),
    url.replace("hooks", "hook"),
    url.replace("hooks", "Hooks"),
    url.replace(".org", ".org."),
    url.replace("hooks.", "ada@hooks."),
    url.replace("?", "/?"),
    url.replace("/webhooks", "//webhooks"),
    url.replace("/webhooks", "/Webhooks"),
    url.replace(`/${name}`, `/${name}2`),
    url.replace(/\?.*$/, ""),
    url.replace("shop=1", ""),
    url.replace("shop=1", "shop=2"),
    url.replace("shop=1", "shop=1&"),
    url.replace("shop=1", "shop=1&a=2"),
    url.replace("shop=1", "shop=%31"),
    `${url}#`,
    ` ${url}`,
    "",
  ])
    yield [changed, { ...sent, url: changed }];
  yield ["no URL", { ...sent, url: null }];
  // Twilio's own libraries leave any port out, too; own-mutations has what holds there.
  if (name === "twilio") return;
  for (const port of [":443", ":8443"])
    yield [`with ${port}`, { ...sent, url: url.replace(".org", `.org${port}`) }];
  if (typeof scheme.signed === "object" && scheme.signed.of.includes("method")) {
    for (const method of ["GET", "PUT", "post", ""]) yield [method, { ...sent, method }];
  }
}
