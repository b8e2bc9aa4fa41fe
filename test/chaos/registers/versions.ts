/**
 * The rules of a register's history, checked by its versions: a version is one write's, a write
 * makes one version, and versions rise in the order of time. One pass over what each operation
 * showed, so it is quick; it finds what is plain from versions, and leaves orders to the search.
 */
import { areAtOnce, isWrite, writesOf } from './history.ts'
import type { Read, RegisterOperation, Write } from './history.ts'

interface Facts {
  readonly operations: readonly RegisterOperation[]
  readonly writes: ReadonlyMap<string, readonly Write[]>
  /** By version, the write that made it, as far as an answer says so. */
  readonly makers: ReadonlyMap<number, Write>
}

/** @returns what is wrong, a sentence each */
export function checkVersions(operations: readonly RegisterOperation[]): string[] {
  const wrong: string[] = []
  const writes = writesOf(operations)
  const makers = makersOf(writes, wrong)
  const facts: Facts = { operations, writes, makers }
  for (const tries of writes.values()) checkEnds(tries, wrong)
  checkShown(facts, wrong)
  checkOrder(facts, wrong)
  checkConditions(facts, wrong)
  checkAbsences(facts, wrong)
  return wrong
}

function makersOf(writes: ReadonlyMap<string, readonly Write[]>, wrong: string[]): Map<number, Write> {
  const makers = new Map<number, Write>()
  for (const [writeId, tries] of writes) {
    const versions = new Set(tries.flatMap(({ answer }) => (answer.kind === 'applied' ? [answer.version] : [])))
    if (versions.size > 1) wrong.push(`${writeId} was applied twice, as versions ${[...versions].join(' and ')}`)
    for (const version of versions) {
      const other = makers.get(version)
      if (other !== undefined) wrong.push(`version ${version} was made by ${other.call.writeId} and by ${writeId}`)
      makers.set(version, tries[0] as Write)
    }
  }
  return makers
}

/**
 * A refusal is the end of a write, and nothing that was never sent can have been applied before.
 * Two tries at once are judged each at its own time, so one of them may be applied after all.
 */
function checkEnds(tries: readonly Write[], wrong: string[]): void {
  const { writeId, isNamed } = (tries[0] as Write).call
  const refused = tries.filter(({ answer }) => ['mismatch', 'nothing', 'not-applied'].includes(answer.kind))
  const applied = tries.filter(({ answer }) => answer.kind === 'applied')
  if (applied.length > 0 && refused.some((one) => !applied.some((other) => areAtOnce(one, other))))
    wrong.push(`${writeId} was refused, and applied`)
  if (isNamed && tries.some(({ answer }) => answer.kind === 'not-applied')) wrong.push(`${writeId} is named, and was called not applied`)
  for (const { answer, endedMs } of applied) {
    if (answer.kind !== 'applied' || !answer.isRepeated) continue
    const isEarlier = (other: Write): boolean =>
      other.beganMs < endedMs && other.answer !== answer && ['applied', 'in-doubt', 'forgotten'].includes(other.answer.kind)
    if (!tries.some(isEarlier)) wrong.push(`${writeId} was applied before, by nobody`)
  }
}

/** What is read at a version is what the write that made it wrote. */
function checkShown({ operations, writes, makers }: Facts, wrong: string[]): void {
  const byValue = new Map(
    [...writes.values()].flatMap((tries) => (tries[0]?.call.kind === 'put' ? [[tries[0].call.value, tries] as const] : [])),
  )
  const shown = new Map<number, string>()
  const places = new Map<string, number>()
  for (const { answer, endedMs } of operations) {
    if (answer.kind !== 'found') continue
    const { version, value } = answer
    const other = shown.get(version)
    if (other !== undefined && other !== value) wrong.push(`version ${version} is ${brief(other)} and ${brief(value)}`)
    shown.set(version, value)
    const place = places.get(value) ?? version
    if (place !== version) wrong.push(`${brief(value)} is at versions ${place} and ${version}`)
    places.set(value, place)
    const tries = byValue.get(value)
    const maker = makers.get(version)
    if (tries === undefined) wrong.push(`nobody wrote ${brief(value)}, which version ${version} shows`)
    else if (tries.every(({ beganMs }) => beganMs > endedMs)) wrong.push(`${brief(value)} was shown before anybody wrote it`)
    else if (tries.some(({ answer: { kind } }) => ['mismatch', 'nothing', 'not-applied'].includes(kind)))
      wrong.push(`${tries[0]?.call.writeId} was not applied, and version ${version} shows it`)
    else if (maker !== undefined && maker.call.value !== value)
      wrong.push(`version ${version} shows ${brief(value)}, and ${maker.call.writeId} made it`)
  }
}

/** Whatever begins after a version was shown shows none that is older, and makes none. */
function checkOrder({ operations, writes }: Facts, wrong: string[]): void {
  const shown = shownBy(operations)
  for (const operation of operations) {
    const { answer, call, beganMs } = operation
    const before = shown(beganMs)
    if (call.kind === 'get' && call.consistency === 'local') continue
    if (answer.kind === 'found' && answer.version < before)
      wrong.push(`version ${answer.version} was read after version ${before} was shown: ${told(operation)}`)
    if (answer.kind === 'absent' && answer.number < before)
      wrong.push(`nothing above ${answer.number} was known after version ${before} was shown: ${told(operation)}`)
    if (answer.kind === 'mismatch' && answer.current > 0 && answer.current < before)
      wrong.push(`version ${answer.current} refused a write after version ${before} was shown: ${told(operation)}`)
    if (answer.kind !== 'applied' || !isWrite(operation)) continue
    const firstMs = writes.get(operation.call.writeId)?.[0]?.beganMs ?? beganMs
    if (answer.version <= shown(firstMs))
      wrong.push(`version ${answer.version} was made after version ${shown(firstMs)} was shown: ${told(operation)}`)
  }
}

function checkConditions({ operations, makers }: Facts, wrong: string[]): void {
  const versions = [...makers.keys()].toSorted((a, b) => a - b)
  for (const operation of operations) {
    if (!isWrite(operation)) continue
    const { answer, call } = operation
    const { when, writeId } = call
    if (answer.kind === 'mismatch') {
      const { current } = answer
      const holds = when === undefined || when === current || (when === 'absent' && current === 0) || (when === 'live' && current > 0)
      if (holds) wrong.push(`${writeId} asks for ${when ?? 'anything'} and was refused for version ${current}`)
    }
    if (answer.kind !== 'applied' || typeof when !== 'number') continue
    const between = versions.find((version) => version > when && version < answer.version)
    if (between !== undefined) wrong.push(`${writeId} asks for version ${when} and made ${answer.version}, with ${between} between`)
    if (answer.version <= when) wrong.push(`${writeId} asks for version ${when} and made ${answer.version}`)
    if (makers.get(when)?.call.kind === 'delete') wrong.push(`${writeId} was applied to version ${when}, which is a deletion`)
  }
}

/** Where something live was shown, only a deletion makes it absent. */
function checkAbsences({ operations, writes, makers }: Facts, wrong: string[]): void {
  const deletes = operations.filter((operation): operation is Write => operation.call.kind === 'delete')
  const latest = shownBy(operations)
  for (const operation of operations) {
    const { call, answer, endedMs } = operation
    const beganMs = isWrite(operation) ? (writes.get(operation.call.writeId)?.[0]?.beganMs ?? 0) : operation.beganMs
    const isAbsent =
      answer.kind === 'nothing' ||
      (answer.kind === 'absent' && (call as Read['call']).consistency === 'linearizable') ||
      (answer.kind === 'mismatch' && answer.current === 0) ||
      (answer.kind === 'applied' && (call as Write['call']).when === 'absent')
    if (!isAbsent) continue
    const before = latest(beganMs)
    if (before === 0 || makers.get(before)?.call.kind === 'delete') continue
    const own = answer.kind === 'applied' ? answer.version : 0
    if (before === own) continue
    const mayDelete = ({ answer: end, beganMs: sentMs }: Write): boolean =>
      sentMs <= endedMs && (end.kind === 'in-doubt' || end.kind === 'forgotten' || (end.kind === 'applied' && end.version > before))
    if (!deletes.some(mayDelete))
      wrong.push(`nothing was live after version ${before} was shown, and nobody deleted it: ${told(operation)}`)
  }
}

/** The highest version that had been shown by a time, 0 for none. */
function shownBy(operations: readonly RegisterOperation[]): (atMs: number) => number {
  const ended = operations
    .flatMap(({ answer, endedMs, call }) => {
      if (call.kind !== 'get' && answer.kind === 'applied') return [{ endedMs, version: answer.version }]
      if (answer.kind === 'found') return [{ endedMs, version: answer.version }]
      return answer.kind === 'mismatch' ? [{ endedMs, version: answer.current }] : []
    })
    .toSorted((a, b) => a.endedMs - b.endedMs)
  let most = 0
  const rising = ended.map(({ endedMs, version }) => ({ endedMs, version: (most = Math.max(most, version)) }))
  return (atMs) => {
    let [low, high] = [0, rising.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((rising[middle]?.endedMs ?? 0) < atMs) low = middle + 1
      else high = middle
    }
    return rising[low - 1]?.version ?? 0
  }
}

function told({ peer, call, beganMs }: RegisterOperation): string {
  return `${call.kind} at ${peer} from ${beganMs.toFixed(1)} ms`
}

function brief(value: string): string {
  return JSON.stringify(value.slice(0, 40))
}
