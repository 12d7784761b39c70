/**
 * An opaque id with 128 bits that can't be guessed.
 *
 * @param prefix `evt` for events, `run` for runs, `req` for requests, `prc` for processes
 * @returns such as `run_4Jt0cW7qSXmNq2nUPb0ZkQ`
 */
export function newId(prefix: "evt" | "run" | "req" | "prc"): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const text = btoa(String.fromCharCode(...bytes));
  return `${prefix}_${text.slice(0, 22).replaceAll("+", "-").replaceAll("/", "_")}`;
}
