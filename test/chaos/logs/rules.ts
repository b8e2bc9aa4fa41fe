/**
 * What holds of a list whatever the order of the answers: an item is in it once, each that was
 * acknowledged is, none that was not ordered is, they are in the order of their positions, and
 * whatever was read is its beginning.
 */
import { appendsOf, isRead, mayTakeEffect } from './history.ts'
import type { Append, ListOperation } from './history.ts'

/** @param operations all of one list; its whole was read at the end @returns what is wrong */
export function checkList(operations: readonly ListOperation[]): string[] {
  const whole = longestRead(operations)
  return [
    ...checkReads(operations, whole),
    ...appendsOf(operations).flatMap((tries) => checkAppend(tries, whole)),
    ...checkPlaces(operations, whole),
  ]
}

/** The most items that anybody was shown. */
export function longestRead(operations: readonly ListOperation[]): readonly string[] {
  let longest: readonly string[] = []
  for (const { answer } of operations) if (answer.kind === 'found' && answer.items.length > longest.length) longest = answer.items
  return longest
}

function checkReads(operations: readonly ListOperation[], whole: readonly string[]): string[] {
  const wrong: string[] = []
  if (new Set(whole).size !== whole.length) wrong.push(`an item is in it twice: ${whole.join(' ')}`)
  const asked = new Set(appendsOf(operations).flatMap((tries) => tries.map(({ call }) => call.item)))
  for (const item of whole) if (!asked.has(item)) wrong.push(`nobody appended ${item}`)
  const places = new Map(whole.map((item, place) => [item, place]))
  const indexes = new Map(
    operations.flatMap(({ call, answer }) => (call.kind === 'append' && answer.kind === 'done' ? [[answer.index, call.item]] : [])),
  )
  for (const { call, answer, peer } of operations.filter(isRead)) {
    if (answer.kind !== 'found') continue
    if (answer.items.some((item, place) => places.get(item) !== place))
      wrong.push(`${peer} showed another order: ${answer.items.join(' ')}`)
    if (typeof call.consistency !== 'number') continue
    const item = indexes.get(call.consistency)
    if (item !== undefined && !answer.items.includes(item)) wrong.push(`${peer} was asked for index ${call.consistency} and lacks ${item}`)
  }
  return wrong
}

function checkAppend(tries: readonly Append[], whole: readonly string[]): string[] {
  const { item, submitId } = (tries[0] as Append).call
  const isDone = tries.some(({ answer }) => answer.kind === 'done')
  const isThere = whole.includes(item)
  const wrong: string[] = []
  if (isDone && !isThere) wrong.push(`${item} was acknowledged and is lost`)
  if (isThere && !tries.some(mayTakeEffect)) wrong.push(`${item} was refused each time and is there`)
  if (tries.some(({ answer }) => answer.kind === 'reused')) wrong.push(`${submitId} named one command alone`)
  return wrong
}

/**
 * Acknowledged items lie in the list as their positions in the log. One that was sent several times
 * may be in the log several times, and each try is told its own place: the first had the effect.
 */
function checkPlaces(operations: readonly ListOperation[], whole: readonly string[]): string[] {
  const indexes = new Map<string, number>()
  for (const [first, ...more] of appendsOf(operations))
    if (first?.answer.kind === 'done' && more.length === 0) indexes.set(first.call.item, first.answer.index)
  let before = 0
  for (const item of whole) {
    const index = indexes.get(item)
    if (index === undefined) continue
    if (index <= before) return [`${item} is at index ${index}, behind one at ${before}`]
    before = index
  }
  return []
}
