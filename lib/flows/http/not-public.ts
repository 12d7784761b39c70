/**
 * Why an address is none of the public internet, in a word or two; null for one that is.
 *
 * What IANA's special-purpose registries do not call globally reachable is not public, nor is what IANA has given to
 * nobody. An address that carries an IPv4 address and leads there (mapped, NAT64) is judged by that one.
 *
 * @param address IPv4 in four decimal parts, or IPv6 in any spelling, as DNS and the host of a `URL` have it
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry/
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry/
 */
export function notPublic(address: string): string | null {
  const ip = parseAddress(address);
  if (ip === null) return "no IP address";
  if (ip.bits === 32) return findBlock(ip, IPV4_BLOCKS);
  const carried = CARRIERS.some((carrier) => holds(carrier, ip));
  if (carried) return findBlock({ bits: 32, value: ip.value & 0xffff_ffffn }, IPV4_BLOCKS);
  if (isIsatap(ip)) return findBlock(ip, IPV6_BLOCKS) ?? "ISATAP";
  return findBlock(ip, IPV6_BLOCKS) ?? (holds(GLOBAL_UNICAST, ip) ? null : "reserved");
}

/** True for a text that is an IP address, and so is not asked of DNS. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== null;
}

interface Ip {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

interface Block extends Ip {
  /** Bits of the prefix that are the block's own. */
  readonly prefix: number;
}

const IPV4_BLOCKS: readonly (readonly [Block, string])[] = [
  [block("0.0.0.0/8"), "unspecified"],
  [block("10.0.0.0/8"), "private"],
  [block("100.64.0.0/10"), "carrier-grade NAT"],
  [block("127.0.0.0/8"), "loopback"],
  [block("169.254.0.0/16"), "link-local"], // the metadata services of clouds, too
  [block("172.16.0.0/12"), "private"],
  // 192.0.0.9 and .10 in it are globally reachable by name and end at the next router by nature.
  [block("192.0.0.0/24"), "reserved"],
  [block("192.0.2.0/24"), "documentation"],
  [block("192.88.99.0/24"), "6to4"],
  [block("192.168.0.0/16"), "private"],
  [block("198.18.0.0/15"), "benchmarking"],
  [block("198.51.100.0/24"), "documentation"],
  [block("203.0.113.0/24"), "documentation"],
  [block("224.0.0.0/4"), "multicast"],
  [block("240.0.0.0/4"), "reserved"],
];

/** Those inside of a later one come first. What is neither here nor in `GLOBAL_UNICAST` is reserved. */
const IPV6_BLOCKS: readonly (readonly [Block, string])[] = [
  [block("::/128"), "unspecified"],
  [block("::1/128"), "loopback"],
  [block("fc00::/7"), "private"],
  [block("fe80::/10"), "link-local"],
  [block("fec0::/10"), "private"],
  [block("ff00::/8"), "multicast"],
  // A tunnel's inner address leads wherever its sender says.
  [block("2001::/32"), "Teredo"],
  [block("2001:2::/48"), "benchmarking"],
  // Anycast of the next router, overlay names and the like: no place for a web server.
  [block("2001::/23"), "reserved"],
  [block("2001:db8::/32"), "documentation"],
  [block("2002::/16"), "6to4"],
  [block("3fff::/20"), "documentation"],
];

/** RFC 5214, section 6.1: by these bits of its interface an address of any prefix leads into a tunnel. */
function isIsatap({ value }: Ip): boolean {
  return ((value >> 32n) & 0xfcff_ffffn) === 0x5efen;
}

/** RFC 4291 mapped addresses, and the well-known prefix by which a network without IPv4 reaches it (RFC 6052). */
const CARRIERS: readonly Block[] = [block("::ffff:0:0/96"), block("64:ff9b::/96")];

const GLOBAL_UNICAST: Block = block("2000::/3");

function findBlock(ip: Ip, blocks: readonly (readonly [Block, string])[]): string | null {
  return blocks.find(([candidate]) => holds(candidate, ip))?.[1] ?? null;
}

function holds(candidate: Block, ip: Ip): boolean {
  const rest = BigInt(candidate.bits - candidate.prefix);
  return candidate.bits === ip.bits && candidate.value >> rest === ip.value >> rest;
}

function block(cidr: string): Block {
  const [address = "", prefix] = cidr.split("/");
  const ip = parseAddress(address);
  if (ip === null) throw new TypeError(`Cannot read ${cidr} as a block of addresses`);
  return { ...ip, prefix: Number(prefix) };
}

function parseAddress(text: string): Ip | null {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split(".").map(Number);
    if (parts.some((part) => part > 255)) return null;
    return { bits: 32, value: parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) };
  }
  // A zone names the interface and is no part of the address.
  const bare = text.replace(/%.*$/, "");
  if (!/^[0-9a-f:.]+$/i.test(bare) || !URL.canParse(`http://[${bare}]`)) return null;
  // The URL parser writes eight groups in hex, with the longest run of zeros left out.
  const [head = "", tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const zeros = Array<bigint>(8 - left.length - right.length).fill(0n);
  return {
    bits: 128,
    value: [...left, ...zeros, ...right].reduce((value, part) => (value << 16n) | part, 0n),
  };
}

function groupsOf(text: string): bigint[] {
  return text === "" ? [] : text.split(":").map((group) => BigInt(`0x${group}`));
}
