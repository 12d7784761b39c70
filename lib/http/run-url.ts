/** The URL of a run: `status_url` and `Location`. */
export function runUrl(base: string, runId: string): string {
  return `${base}/runs/${runId}`;
}

/**
 * What stands before `/runs/{id}` in every URL that we give out. Never made of `Host`, which the sender writes.
 *
 * @param basePath where the host app mounted us
 * @param publicUrl makes the URLs full
 * @returns without a slash at its end; empty where neither is set
 */
export function urlBase(basePath = "", publicUrl = ""): string {
  const path = basePath.replace(/^\/+|\/+$/g, "");
  return publicUrl.replace(/\/+$/, "") + (path === "" ? "" : `/${path}`);
}
