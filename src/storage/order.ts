/** From here on a UTF-16 unit is half of a character, or above the halves: the only place where its order is not that of UTF-8. */
const SURROGATES_FROM = 0xd800
/** The first unit above the halves. */
const SURROGATES_END = 0xe000

/** Orders text by its UTF-8 bytes, as the store on disk does, without encoding it: negative, zero or positive. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const unitA = a.charCodeAt(index)
    const unitB = b.charCodeAt(index)
    if (unitA === unitB) continue
    if (unitA < SURROGATES_FROM || unitB < SURROGATES_FROM) return unitA - unitB
    // A pair of halves stands for a character above U+FFFF, whose bytes come after those of U+E000 to U+FFFF.
    const pairA = unitA < SURROGATES_END
    const pairB = unitB < SURROGATES_END
    if (pairA === pairB) return unitA - unitB
    return pairA ? 1 : -1
  }
  return a.length - b.length
}
