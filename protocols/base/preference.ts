/**
 * An order that is another one for each who asks, so that not all choose the same (FNV-1a, 32
 * bits).
 */

/** A number for a pair, spread evenly. Of several, the one with the lowest number is preferred. */
export function preferenceOf(chooser: string, chosen: string): number {
  let hash = 0x811c9dc5
  for (const character of `${chooser} ${chosen}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return hash
}
