import type { RejectionReason } from "../rejection.ts";
import type { Scheme } from "../scheme.ts";
import { schemeFor } from "../verify/verify.ts";
import { decodeUtf8 } from "./json-forms.ts";

/** A key that the sender may have used in place of ours, as a record and a secret that stand for it. */
export interface SecretVariant {
  readonly reason: RejectionReason;
  readonly scheme: Scheme;
  readonly secret: string;
  /** What the sender's key is, seen from ours. */
  readonly means: string;
}

/** What was meant by a secret that was copied or read wrongly; each once, and never the secret itself. */
export function secretVariants(scheme: Scheme, secret: string): readonly SecretVariant[] {
  const own = schemeFor(scheme, secret);
  const found = new Map<string, SecretVariant>();
  const add = (reason: RejectionReason, changed: Scheme, text: string, means: string): void => {
    const key = `${changed.key === "whsec" ? "bytes" : "text"} ${text}`;
    const isSame = changed.key === own.key && text === secret;
    if (text !== "" && !isSame && !found.has(key)) {
      found.set(key, { reason, scheme: changed, secret: text, means });
    }
  };
  for (const { text, means } of edgeVariants(secret)) add("secret_has_whitespace", own, text, means);
  if (own.algorithm.startsWith("hmac-")) {
    for (const { key, text, means } of encodings(own, secret)) {
      add("secret_encoding", { ...own, key }, text, means);
    }
  }
  return [...found.values()];
}

interface Edge {
  readonly text: string;
  readonly means: string;
}

/** Ours has something around it that the sender's has not, or the other way round. */
function edgeVariants(secret: string): readonly Edge[] {
  const trimmed = secret.replace(UNSEEN, "").trim();
  const bare = unquoted(trimmed);
  const [firstLine = ""] = bare.split(/[\r\n]/, 1);
  return [
    { text: trimmed, means: "our secret without the white space around it" },
    { text: bare, means: "our secret without the quotes around it" },
    { text: firstLine, means: "the first line of our secret" },
    {
      text: bare.replace(/\\[nrt]/g, "").replace(/\s+/g, ""),
      means: "our secret without the line breaks in it",
    },
    { text: `${secret}\n`, means: "our secret with a line break behind it" },
    { text: ` ${secret}`, means: "our secret with a space before it" },
    { text: `${secret} `, means: "our secret with a space behind it" },
    { text: `"${secret}"`, means: "our secret with quotes around it" },
  ];
}

/** Byte order marks and letters of no width, which come along when a page is copied. */
const UNSEEN = /[\uFEFF\u200B-\u200D\u2060\u00AD]/g;

function unquoted(text: string): string {
  const [, inner] = /^["'`\u2018-\u201F](.*)["'`\u2018-\u201F]$/s.exec(text) ?? [];
  return inner === undefined ? text : inner.trim();
}

interface Encoded {
  readonly key: "text" | "whsec";
  readonly text: string;
  readonly means: string;
}

/** Text where bytes were meant, or bytes where text was. Any bytes can be written as a secret of Standard Webhooks. */
function encodings({ key, algorithm }: Scheme, secret: string): readonly Encoded[] {
  const bare = secret.trim().replace(/^(?:v1a?,)?(?:whsec_)?/, "");
  const variants: Encoded[] = [];
  const asBytes = (bytes: Uint8Array, means: string): void => {
    // Only there do keys of bytes exist; every other record's are text.
    if (algorithm === "hmac-sha256" && bytes.byteLength > 0) {
      variants.push({ key: "whsec", text: Buffer.from(bytes).toString("base64"), means });
    }
  };
  if (key === "whsec") {
    variants.push({
      key: "text",
      text: secret,
      means: "the text of our secret, prefix and all, not decoded",
    });
    variants.push({
      key: "text",
      text: bare,
      means: "the text of our secret behind its prefix, not decoded",
    });
    variants.push({
      key: "text",
      text: secret.replace(/^v1a?,/, ""),
      means: "the text of our secret without v1,",
    });
  } else {
    if (BASE64.test(bare)) asBytes(Buffer.from(bare, "base64"), "our secret decoded from base64");
    if (bare !== secret) variants.push({ key: "text", text: bare, means: "our secret without its prefix" });
    const decoded = unescaped(secret);
    if (decoded !== secret)
      variants.push({ key: "text", text: decoded, means: "our secret without the %xx in it" });
  }
  if (BASE64.test(secret)) {
    // Some settings take base64 and decode it, and others do not.
    const text = decodeUtf8(Buffer.from(secret, "base64"))?.trim() ?? "";
    if (/^[!-~]{6,}$/.test(text))
      variants.push({
        key: key === "whsec" ? "whsec" : "text",
        text,
        means: "the text that our secret is the base64 of",
      });
  }
  if (/^[0-9A-F]+$/i.test(bare) && bare !== bare.toLowerCase()) {
    variants.push({ key: "text", text: bare.toLowerCase(), means: "our secret in lower case" });
  }
  if (/^(?:[0-9a-f]{2}){8,}$/i.test(bare)) asBytes(Buffer.from(bare, "hex"), "our secret decoded from hex");
  return variants;
}

const BASE64 = /^[A-Za-z0-9+/_-]{8,}={0,2}$/;

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
