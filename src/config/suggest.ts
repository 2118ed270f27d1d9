// SPDX-License-Identifier: Apache-2.0
/**
 * "Did you mean …?" In: a word and the words that exist. Out: the nearest, when it is near. Pure.
 * @module
 */
export function suggest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, distance: distanceOf(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const [best] = ranked
  // A third of the letters may be wrong; more is another word.
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.name.length / 3))
    ? best.name
    : undefined
}

/** Edits (insert, delete, replace, swap of neighbours) from one word to the other. */
function distanceOf(a: string, b: string): number {
  const from = a.slice(0, 64)
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= from.length; row++) {
    const line = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = from[row - 1] === b[column - 1]
      const isSwap =
        row > 1 && column > 1 && from[row - 1] === b[column - 2] && from[row - 2] === b[column - 1]
      line.push(
        Math.min(
          rows[row - 1]![column]! + 1,
          line[column - 1]! + 1,
          rows[row - 1]![column - 1]! + (isSame ? 0 : 1),
          isSwap ? rows[row - 2]![column - 2]! + 1 : Infinity,
        ),
      )
    }
    rows.push(line)
  }
  return rows[from.length]![b.length]!
}
