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
    const distance = editDistance(name, candidate);
    if (distance < bound) {
      best = candidate;
      bound = distance;
    }
  }
  return best;
}

/** Letters to add, drop, change or swap with their neighbour to get from one text to the other (Damerau and Levenshtein). */
function editDistance(from: string, to: string): number {
  let before: readonly number[] = [];
  let above: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const change = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const swap = row > 1 && column > 1 && isSwap ? (before[column - 2] ?? 0) + 1 : change;
      current.push(Math.min(change, swap, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    before = above;
    above = current;
  }
  return above[to.length] ?? 0;
}
