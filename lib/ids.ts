/** In the order of ASCII, so that texts sort as the numbers they stand for. */
const DIGITS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/** Milliseconds since 1970 in 48 bits. */
const TIME_DIGITS = 8;
/** 96 bits. */
const RANDOM_DIGITS = 16;

/** Random bytes are asked for in bulk, because each question costs as much as the rest of an id. */
const pool = new Uint8Array(256 * RANDOM_DIGITS);
let used = pool.length;

/**
 * An opaque id: when it was made, and 96 bits that can't be guessed. Ids that are made one after the other stand side by
 * side in an index, which costs a full database a fraction of what ids all over it would.
 *
 * @param prefix `evt` for events, `run` for runs, `req` for requests, `prc` for processes
 * @returns such as `run_-KTXpO3F4Jt0cW7qSXmNq2nU`
 */
export function newId(prefix: "evt" | "run" | "req" | "prc"): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  let id = `${prefix}_`;
  for (let scale = 64 ** (TIME_DIGITS - 1), rest = Date.now(); scale >= 1; scale /= 64) {
    id += DIGITS[Math.floor(rest / scale)];
    rest %= scale;
  }
  // A byte's low six bits are as random as all eight.
  for (const end = used + RANDOM_DIGITS; used < end; used++) id += DIGITS[(pool[used] ?? 0) & 63];
  return id;
}
