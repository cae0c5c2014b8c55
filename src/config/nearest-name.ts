/** Compares letters only: `CALLBACK_MAXRETRIES` is `CALLBACK_MAX_RETRIES` with a distance of 0. */
const lettersOf = (name: string): string => name.replaceAll('_', '').toLowerCase();

/** The name that was probably meant: it differs in at most two letters, and in at most a fifth of its letters. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const given = lettersOf(name);
  const [nearest] = names
    .map((known) => ({ known, distance: editDistance(given, lettersOf(known)) }))
    .toSorted((left, right) => left.distance - right.distance);
  const limit = Math.max(2, Math.floor(given.length / 5));
  return nearest !== undefined && nearest.distance <= limit ? nearest.known : undefined;
}

/** The Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let line = 0; line < from.length; line += 1) {
    const next = [line + 1];
    for (let index = 0; index < to.length; index += 1) {
      const replaced = (row[index] ?? 0) + (from[line] === to[index] ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
