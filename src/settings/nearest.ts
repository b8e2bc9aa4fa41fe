/** "Did you mean": the known word that is nearest to a mistyped one. */

/** Letters that may be wrong, left out, or too many. */
const EDITS_MAX = 2

/**
 * @returns words to put behind a message, with a leading semicolon; empty when no known word is
 * near
 */
export function didYouMean(word: string, known: readonly string[]): string {
  const scored = known.map((name) => ({ name, edits: editsBetween(word, name) }))
  const [nearest] = scored.toSorted((a, b) => a.edits - b.edits)
  if (nearest === undefined || nearest.edits > Math.min(EDITS_MAX, Math.floor(word.length / 2))) return ''
  return `; did you mean ${nearest.name}?`
}

/** Letters to change, add, leave out or swap with their neighbour to make one word of the other. */
function editsBetween(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1]
      const changed = (last[column - 1] ?? 0) + (isSame ? 0 : 1)
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const swapped = isSwapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      current.push(Math.min(changed, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, swapped))
    }
    before = last
    last = current
  }
  return last[b.length] ?? 0
}
