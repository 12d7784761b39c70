/** An entry of `allow_hosts`. */
export interface AllowedHost {
  /** As `URL` writes it. */
  readonly hostname: string;
  /** True for `*.example.com`: every name below it, and not the name itself. */
  readonly isAbove: boolean;
  readonly port: number;
}

/** Where no port is given. Plain HTTP sends what a template fills in past everyone on the way, so it is asked for. */
const DEFAULT_PORT = 443;

/**
 * An entry of `allow_hosts`: `api.example.com`, `*.example.com`, `127.0.0.1:8080`, `[::1]:8080`. Without a port it
 * stands for port 443.
 *
 * @returns null for what is none
 */
export function parseAllowedHost(text: string): AllowedHost | null {
  const isAbove = text.startsWith("*.");
  const [, host, port] =
    /^([^\s/\\?#@*:]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(isAbove ? text.slice(2) : text) ?? [];
  if (host === undefined || !URL.canParse(`https://${host}:${port ?? DEFAULT_PORT}`)) return null;
  const { hostname } = new URL(`https://${host}`);
  if (!/^(?:[a-z0-9_.-]+|\[.+\])$/.test(hostname)) return null;
  return { hostname, isAbove, port: Number(port ?? DEFAULT_PORT) };
}

/** True where the URL's host and port are in the list. */
export function isAllowedHost(url: URL, hosts: readonly AllowedHost[]): boolean {
  return hosts.some(({ hostname, isAbove, port }) => {
    if (port !== portOf(url)) return false;
    return isAbove ? url.hostname.endsWith(`.${hostname}`) : url.hostname === hostname;
  });
}

/** The port of an http or https URL, also where it is left out. */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}
