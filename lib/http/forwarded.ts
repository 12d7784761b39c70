/** A range of addresses: the first `bits` of 16 bytes count. IPv4 stands in it as `::ffff:a.b.c.d`. */
export interface Network {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/**
 * Who sent a request: the peer, or, where that is a trusted proxy, the rightmost hop of `X-Forwarded-For` that is not.
 * What stands to its left anybody can have written.
 *
 * @param peerAddress who has the connection
 * @param forwardedFor the header as `Headers.get` has it
 * @param trusted of `parseNetworks`
 * @returns an address as text; that of the outermost trusted proxy where what it forwards is no address
 */
export function clientAddress(
  peerAddress: string,
  forwardedFor: string | null,
  trusted: readonly Network[],
): string {
  let address = peerAddress;
  const hops = forwardedFor === null || trusted.length === 0 ? [] : forwardedFor.split(",");
  while (isInNetworks(address, trusted)) {
    const hop = withoutPort(hops.pop()?.trim() ?? "");
    if (parseAddress(hop) === null) break;
    address = hop;
  }
  return address;
}

/**
 * The networks of `TRUST_PROXY`.
 *
 * @param texts addresses and CIDRs, such as `10.0.0.0/8` and `::1`
 * @throws {TypeError} one that is neither
 */
export function parseNetworks(texts: readonly string[]): readonly Network[] {
  return texts.map((text) => {
    const [addressText = "", bitsText, ...rest] = text.split("/");
    const bytes = parseAddress(addressText);
    const bitsMax = addressText.includes(":") ? 128 : 32;
    const bits =
      bitsText === undefined ? bitsMax : /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : Number.NaN;
    if (bytes === null || rest.length > 0 || !(bits <= bitsMax)) {
      throw new TypeError(
        `Cannot use ${JSON.stringify(text)} as a trusted proxy: give addresses or CIDRs such as 10.0.0.0/8 and ::1`,
      );
    }
    return { bytes, bits: bits + 128 - bitsMax };
  });
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopbackAddress(text: string): boolean {
  return isInNetworks(text, LOOPBACK);
}

/**
 * The 16 bytes of an IPv6 address (RFC 4291, section 2.2), or of an IPv4 address as `::ffff:a.b.c.d`.
 *
 * @param text without port and brackets; a zone (`%eth0`) is left out
 * @returns null for anything else
 */
export function parseAddress(text: string): Uint8Array | null {
  if (text.length > 64) return null;
  const bytes = new Uint8Array(16);
  if (!text.includes(":")) {
    const v4 = parseV4(text);
    if (v4 === null) return null;
    bytes.set([0xff, 0xff, ...v4], 10);
    return bytes;
  }
  const [head = "", tail, ...rest] = text.replace(/%.*$/, "").split("::");
  const first = parseGroups(head, tail === undefined);
  const last = tail === undefined ? [] : parseGroups(tail, true);
  if (first === null || last === null || rest.length > 0) return null;
  const length = first.length + last.length;
  // `::` stands for one group of zeros or more; without it all sixteen bytes are written out.
  if (tail === undefined ? length !== 16 : length > 14) return null;
  bytes.set(first, 0);
  bytes.set(last, 16 - last.length);
  return bytes;
}

/** True for an address that lies in one of the networks. */
export function isInNetworks(text: string, networks: readonly Network[]): boolean {
  const bytes = networks.length === 0 ? null : parseAddress(text);
  return bytes !== null && networks.some((network) => isInNetwork(bytes, network));
}

function isInNetwork(bytes: Uint8Array, network: Network): boolean {
  const whole = network.bits >> 3;
  for (let at = 0; at < whole; at++) if (bytes[at] !== network.bytes[at]) return false;
  // With whole bytes alone everything of the next one is shifted out.
  const shift = 8 - (network.bits & 7);
  return (bytes[whole] ?? 0) >> shift === (network.bytes[whole] ?? 0) >> shift;
}

function parseV4(text: string): number[] | null {
  const parts = text.split(".");
  // A leading zero is octal to some readers and decimal to others, so it is neither here.
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return null;
  const numbers = parts.map(Number);
  return numbers.every((number) => number <= 255) ? numbers : null;
}

/** The bytes of groups between colons; at an address's end the last may be an IPv4 address. */
function parseGroups(text: string, isAtEnd: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [at, group] of groups.entries()) {
    const v4 = isAtEnd && at === groups.length - 1 && group.includes(".") ? parseV4(group) : null;
    if (v4 !== null) bytes.push(...v4);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const number = Number.parseInt(group, 16);
      bytes.push(number >> 8, number & 255);
    } else return null;
  }
  return bytes;
}

/** Some proxies write `192.0.2.1:49152` and `[2001:db8::1]:49152`. */
function withoutPort(hop: string): string {
  const match = /^(?:\[([^\]]*)\]|(\d[\d.]*))(?::\d+)?$/.exec(hop);
  return match?.[1] ?? match?.[2] ?? hop;
}

const LOOPBACK: readonly Network[] = parseNetworks(["127.0.0.0/8", "::1"]);
