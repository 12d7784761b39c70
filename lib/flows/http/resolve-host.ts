import { lookup } from "node:dns/promises";
import { CallFailure } from "./call-failure.ts";
import { isAddress, notPublic } from "./not-public.ts";

/**
 * The addresses of a URL's host, to connect to and to ask nobody for again.
 *
 * All of them have to be public: a name that has private ones among them is made to lead there some of the time, and
 * taking only the others would hide that.
 *
 * @param isRedirected true where a server has chosen the host
 * @throws {CallFailure} no address, or one that is not of the public internet where that is not allowed
 */
export async function resolveHost(
  url: URL,
  network: Network,
  allowPrivate: boolean,
  isRedirected: boolean,
): Promise<readonly string[]> {
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const host = isRedirected ? "the host of its redirect" : "its host";
  const addresses = isAddress(hostname) ? [hostname] : await network.resolve(hostname).catch(notFound(host));
  if (addresses.length === 0) throw new CallFailure(`${host} has no address`);
  if (allowPrivate) return addresses;
  for (const address of addresses) {
    const what = network.notPublic(address);
    if (what === null) continue;
    // No advice to let go where a server sends it.
    const way = isRedirected ? "" : "; set allow_private: true where that is meant";
    throw new CallFailure(`${host} has an address that is ${what}${way}`, { isFinal: true });
  }
  return addresses;
}

/** Who says which addresses a name has, and which of them are public. Tests give their own. */
export interface Network {
  /** All addresses of a name. */
  resolve(hostname: string): Promise<readonly string[]>;
  /** Why an address is none of the public internet, in a word or two; null for one that is. */
  notPublic(address: string): string | null;
}

/** The machine's own hosts file and DNS, and the registries of special addresses. */
export const systemNetwork: Network = {
  resolve: async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address),
  notPublic,
};

function notFound(host: string): (error: unknown) => never {
  return (error) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "an unknown error";
    throw new CallFailure(`DNS has no answer for ${host} (${code})`);
  };
}
