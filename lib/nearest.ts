/**
 * The known name that is closest to a mistyped one, for hints.
 *
 * @param maxDistance letters to add, drop, change or swap, at most
 * @returns the first of the closest names, null where none is close enough or nothing of it would be left
 */
export function nearest(name: string, known: Iterable<string>, maxDistance = 2): string | null {
  let best: string | null = null;
  let bound = maxDistance + 1;
  for (const candidate of known) {
    // A name of two letters is within two letters of everything, which is no hint.
    if (Math.abs(candidate.length - name.length) >= bound || candidate.length <= maxDistance) continue;
    const distance = editDistance(name, candidate, bound);
    if (distance < bound) {
      best = candidate;
      bound = distance;
    }
  }
  return best;
}

/**
 * Letters to add, drop, change or swap with their neighbour to get from one text to the other (Damerau and Levenshtein).
 *
 * @returns `bound` for all that are not below it: most names are far apart, and that shows after a few letters
 */
function editDistance(from: string, to: string, bound: number): number {
  let [before, above, current] = ROWS;
  for (let column = 0; column <= to.length; column++) above[column] = column;
  let leastAbove = 0;
  for (let row = 1; row <= from.length; row++) {
    const letter = from.charCodeAt(row - 1);
    current[0] = row;
    let least = row;
    for (let column = 1; column <= to.length; column++) {
      const code = to.charCodeAt(column - 1);
      let letters = above[column - 1] ?? 0;
      if (letter !== code) {
        letters = Math.min(letters, above[column] ?? 0, current[column - 1] ?? 0) + 1;
        const isSwap = row > 1 && letter === to.charCodeAt(column - 2) && from.charCodeAt(row - 2) === code;
        if (column > 1 && isSwap) letters = Math.min(letters, (before[column - 2] ?? 0) + 1);
      }
      current[column] = letters;
      if (letters < least) least = letters;
    }
    // A swap looks two rows back.
    if (least >= bound && leastAbove >= bound) return bound;
    leastAbove = least;
    [before, above, current] = [above, current, before];
  }
  return above[to.length] ?? 0;
}

/** Used anew by each comparison, because thousands of them are made for a file that is wrong all over. */
const ROWS: [number[], number[], number[]] = [[], [], []];
