import { type Place, show } from "../fault.ts";
import type { NodeCheck } from "../node-kind.ts";
import { parseTemplate, type Template } from "../template.ts";
import { parseAllowedHost } from "./allowed-hosts.ts";
import { headerNameFault, isHeaderValue } from "./header-rules.ts";
import type { HttpForm } from "./http-form.ts";
import { isAddress, notPublic } from "./not-public.ts";
import { cutUrl, hasOpenOrigin, isWebUrl } from "./url-template.ts";

/** Tells of what is wrong beyond the form: the URL's host, names of headers, keys that exclude each other. */
export function checkHttp(form: HttpForm, check: NodeCheck): void {
  // Filled into a request, which is neither stored nor shown.
  const mayReadEnv = { mayReadEnv: true };
  const tell = (key: string, value: unknown, way: string): void =>
    check.fault(["http", key], `Cannot use ${show(value)} as http.${key}: ${way}`);
  checkHosts(form, check);
  if (check.templates(form.url, ["http", "url"], mayReadEnv)) {
    const way = urlFault(parseTemplate(form.url), form);
    if (way !== null) tell("url", form.url, way);
  }
  checkHeaders(form.headers ?? {}, check);
  if (form.json !== undefined) check.templates(form.json, ["http", "json"], mayReadEnv);
  if (form.body !== undefined) check.templates(form.body, ["http", "body"], mayReadEnv);
  const hasBody = form.json !== undefined || form.body !== undefined;
  if (form.json !== undefined && form.body !== undefined) {
    tell("body", form.body, "http.json is the body already; leave one of them out");
  }
  if (hasBody && (form.method === "GET" || form.method === "HEAD")) {
    tell("method", form.method, "it takes no body; give POST, PUT, PATCH or DELETE, or leave the body out");
  }
}

/** What is wrong with a URL, and the way out; null for nothing. */
function urlFault(template: Template, form: HttpForm): string | null {
  const literal = template.filter((part) => typeof part === "string").join("");
  const [first] = template;
  // A URL parser drops some of these and takes a backslash for a slash, and then the host is another.
  if (/[\s\\\p{Cc}]/u.test(literal)) return 'write a blank as "%20", and no line break or backslash';
  if (typeof first === "string" && !/^https?:\/\//i.test(first)) {
    return 'begin with "https://" or "http://", or with one lookup that gives the whole URL';
  }
  const [, second] = template;
  if (typeof first === "object" && (typeof second === "object" || /^[^/?#]/.test(second ?? ""))) {
    return `${first.text} has to give scheme and host; go on with "/", "?" or nothing`;
  }
  const cut = cutUrl(template);
  if (cut.origin.some((part) => typeof part === "string" && part.includes("@"))) {
    return "user and password do not belong in a URL; give them in the header authorization";
  }
  if (hasOpenOrigin(cut)) return form.allow_hosts === undefined ? openFault(template, cut.origin) : null;
  const [origin] = cut.origin;
  const url = typeof origin === "string" && URL.canParse(origin) ? new URL(origin) : null;
  if (url?.port === "0") return "no server listens on port 0";
  if (url === null || !isWebUrl(url)) return "give a URL such as https://api.example.com/items/{state.id}";
  return form.allow_private === true ? null : addressFault(url.hostname);
}

function openFault(template: Template, origin: Template): string {
  const lookup = origin.find((part) => typeof part === "object");
  const isBehind = template[0] !== lookup;
  const way = isBehind ? 'begin the path with "/" before it, or ' : "";
  return `${lookup?.text} could choose the host; ${way}list the hosts it may choose in allow_hosts`;
}

/** What the file itself shows; a name that DNS gives such an address is refused when the request is made. */
function addressFault(hostname: string): string | null {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  const isLocal = /^(?:.+\.)?localhost\.?$/.test(hostname);
  const what = isLocal ? "loopback" : isAddress(bare) ? notPublic(bare) : null;
  return what === null ? null : `its address is ${what}; set allow_private: true where that is meant`;
}

function checkHosts(form: HttpForm, check: NodeCheck): void {
  for (const [index, host] of (form.allow_hosts ?? []).entries()) {
    if (parseAllowedHost(host) !== null) continue;
    const way = "give a name such as api.example.com, *.example.com or api.example.com:8443";
    check.fault(
      ["http", "allow_hosts", index],
      `Cannot use ${show(host)} as http.allow_hosts[${index}]: ${way}`,
    );
  }
}

function checkHeaders(headers: Readonly<Record<string, string>>, check: NodeCheck): void {
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const place: Place = ["http", "headers", name];
    const lower = name.toLowerCase();
    const way = seen.has(lower) ? "it is there twice" : headerNameFault(name);
    seen.add(lower);
    if (way !== null) check.fault(place, `Cannot use ${show(name)} as a header: ${way}`);
    if (!check.templates(value, place, { mayReadEnv: true })) continue;
    const literal = parseTemplate(value).filter((part) => typeof part === "string");
    if (!isHeaderValue(literal.join(""))) {
      check.fault(
        place,
        `Cannot use the value of header ${show(name)}: give printable ASCII without line breaks`,
      );
    }
  }
}
