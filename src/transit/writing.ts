/**
 * Writes elements where transit or JSON wants them. An element is kept as a piece of both, so a set is written by joining
 * pieces; only as the key of a map is it spelled otherwise.
 */

/** What an array begins with. */
const BRACKET = 0x5b

/** True for an element that is no key of a map `["^ ", …]`: only a map of pairs, `~#cmap`, has it as a key. */
export function isComposite(element: Uint8Array): boolean {
  return element[0] === BRACKET
}

/**
 * An element as the key of a map: keys are strings in JSON, so numbers, booleans and null are tagged.
 *
 * @param element canonical, and no array
 */
export function keyOf(element: string): string {
  if (element.startsWith('"')) return element
  if (element === 'null') return '"~_"'
  if (element === 'true' || element === 'false') return `"~?${element[0]}"`
  return /[.e]/.test(element) ? `"~d${element}"` : `"~i${element}"`
}
