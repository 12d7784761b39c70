import { createHash, generateKeyPairSync } from "node:crypto";
import type { Scheme } from "../../lib/scheme.ts";

/** Secrets in a scheme's form: what its sender signs with, what verifies that, and what verifies somebody else's. */
export interface Keys {
  readonly signing: string;
  readonly verifying: string;
  readonly other: string;
}

/**
 * Keys as the scheme wants them; pairs are made anew each time.
 *
 * @param owner different ones have different secrets
 */
export function keysFor({ algorithm, key }: Scheme, owner = ""): Keys {
  if (algorithm === "ed25519") {
    const [own, other] = [edwards(), edwards()];
    return { signing: own.seed, verifying: own.open, other: other.open };
  }
  if (algorithm === "ecdsa-p256-sha256") {
    const [own, other] = [p256(), p256()];
    return { signing: own.secret, verifying: own.open, other: other.open };
  }
  const texts = ["a secret of some length", "another secret of some length"].map((text) =>
    key === "whsec" ? `whsec_${digest(text + owner).toString("base64")}` : text + owner,
  );
  const [own = "", other = ""] = texts;
  return { signing: own, verifying: own, other };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function edwards(): { seed: string; open: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    seed: privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32).toString("hex"),
    open: publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex"),
  };
}

function p256(): { secret: string; open: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    secret: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
    open: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
  };
}
