import { nextTurn } from "../clock.ts";
import { InvalidSignatureError, type SignatureReason } from "../errors.ts";
import type { Scheme, Signed, SignedChunks } from "../scheme.ts";
import { SchemeCheck, type SignedDelivery, type Verified } from "../verify/scheme-check.ts";
import { parseSigned } from "../verify/signed.ts";
import { Verifier } from "../verify/verify.ts";

/** MACs of one diagnosis. A body of 1 MiB takes one of them some 2 ms. */
export const MACS_MAX = 40;

/** What is different in a trial from the delivery as it came. */
export interface Change {
  readonly scheme?: Scheme;
  readonly secrets?: readonly string[];
  readonly delivery?: Partial<SignedDelivery>;
}

/**
 * Tries whether a signature holds once something is changed. The server's own verifier decides, so a trial knows every
 * scheme that the server knows; but nothing here lets a delivery in.
 */
export class Trials {
  readonly #delivery: SignedDelivery;
  readonly #scheme: Scheme;
  readonly #secrets: readonly string[];
  readonly #isWanted: () => boolean;
  #macsLeft = MACS_MAX;
  /** What was tried, by its secrets: several URLs or forms may come to the same content. */
  readonly #tried = new Map<string, SignedChunks[]>();
  #reserve = 0;

  /** @param isWanted asked before each trial; once it says no, nothing holds any more */
  constructor(
    delivery: SignedDelivery,
    scheme: Scheme,
    secrets: readonly string[],
    isWanted: () => boolean = () => true,
  ) {
    this.#delivery = delivery;
    this.#scheme = scheme;
    this.#secrets = secrets;
    this.#isWanted = isWanted;
  }

  /** How many MACs were made. */
  get macs(): number {
    return MACS_MAX - this.#macsLeft;
  }

  /** False once there is no MAC for another trial, or nobody who wants it: then what it would try need not be made. */
  get mayGoOn(): boolean {
    return this.#isWanted() && this.#macsLeft > this.#reserve;
  }

  /** Leaves so many MACs to those who come later. */
  reserve(macs: number): void {
    this.#reserve = macs;
  }

  /**
   * Whether it holds with this change, whatever its time. Each trial is a turn of the event loop of its own.
   *
   * @returns null where it does not, where the change is none that the scheme can take, and where no MAC is left
   */
  async holds({
    scheme = this.#scheme,
    secrets = this.#secrets,
    delivery = {},
  }: Change): Promise<Verified | null> {
    await nextTurn();
    if (!this.mayGoOn || this.#macsLeft - this.#reserve < secrets.length) return null;
    try {
      const verifier = new Verifier(this.#counted(scheme, secrets, delivery.headers === undefined), secrets);
      return verifier.verify({ ...this.#delivery, ...delivery }, 0);
    } catch (error) {
      // A TypeError is a secret that has not the scheme's form.
      if (error instanceof InvalidSignatureError || error instanceof TypeError) return null;
      throw error;
    }
  }

  /**
   * The record without a bound on the time, whose contents are counted, each once, and end with the MACs.
   *
   * @param isSigned true where the signature is the one that came, so that what was tried is not tried again
   */
  #counted(scheme: Scheme, secrets: readonly string[], isSigned: boolean): Scheme {
    const { of, contents } = parseSigned(scheme.signed ?? "{body}");
    const { algorithm, timestamp, forSecrets } = scheme;
    const signed: Signed = {
      of,
      contents: (parts) => {
        if (algorithm === "token") return contents(parts);
        const tried = isSigned ? this.#triedWith(`${algorithm} ${scheme.key} ${secrets.join("\n")}`) : [];
        const left = Math.floor((this.#macsLeft - this.#reserve) / secrets.length);
        const fresh = contents(parts).filter(
          (chunks) => !tried.some((before) => isSameContent(before, chunks)),
        );
        const some = fresh.slice(0, left);
        tried.push(...some);
        this.#macsLeft -= some.length * secrets.length;
        return some;
      },
    };
    return {
      ...scheme,
      signed,
      ...(timestamp === undefined
        ? {}
        : { timestamp: { ...timestamp, toleranceMs: Number.POSITIVE_INFINITY } }),
      ...(forSecrets === undefined
        ? {}
        : { forSecrets: { ...forSecrets, scheme: this.#counted(forSecrets.scheme, secrets, isSigned) } }),
    };
  }

  #triedWith(key: string): SignedChunks[] {
    const tried = this.#tried.get(key) ?? [];
    this.#tried.set(key, tried);
    return tried;
  }
}

/** Bytes are compared by who they are, because comparing them would cost as much as a MAC. */
function isSameContent(a: SignedChunks, b: SignedChunks): boolean {
  return a.length === b.length && a.every((chunk, at) => chunk === b[at]);
}

/** Which parts of a record a delivery is to have. */
export interface ProbeParts {
  readonly timestamp?: boolean;
  readonly id?: boolean;
  readonly constants?: boolean;
}

/** What a delivery looks like to a record, without any MAC: `mismatch` where it has all that the record wants. */
export function probe(
  scheme: Scheme,
  delivery: SignedDelivery,
  parts: ProbeParts = { timestamp: true, id: true, constants: true },
): SignatureReason {
  const { timestamp, constants, ...rest } = scheme;
  const { of } = parseSigned(scheme.signed ?? "{body}");
  const check = new SchemeCheck(
    {
      ...rest,
      signed: { of: parts.id && of.includes("id") ? ["id"] : [], contents: () => [] },
      ...(parts.timestamp && timestamp !== undefined ? { timestamp } : {}),
      ...(parts.constants && constants !== undefined ? { constants } : {}),
    },
    [],
  );
  const outcome = check.verify(delivery, 0);
  return typeof outcome === "string" ? outcome : "mismatch";
}

/** Of how many contents the signature may be; 0 where the delivery's parts contradict each other. No MAC is made. */
export function countContents(scheme: Scheme, delivery: SignedDelivery): number {
  const { of, contents } = parseSigned(scheme.signed ?? "{body}");
  let count = 0;
  const counting: Signed = {
    of,
    contents: (parts) => {
      count += contents(parts).length;
      return [];
    },
  };
  new SchemeCheck({ ...scheme, signed: counting }, []).verify(delivery, 0);
  return count;
}
