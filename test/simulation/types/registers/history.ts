/**
 * Whether what clients were told can be true. Every answer shows its register at one version, so
 * that a history has an order of its own: V6 holds it against real time. V3: conditions held on the
 * version before. V5: what is said to be applied is, and what is said not to be is not.
 */
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import { expiryOf } from '../../../../protocols/registers/expiry.ts'
import { Marks } from '../../../../protocols/registers/marks.ts'
import { isSameWrite } from '../../../../protocols/registers/record.ts'
import type { Mark } from '../../../../protocols/registers/record.ts'
import type { ReadRequest, RegisterAnswer, WriteRequest } from '../../../../protocols/registers/requests.ts'
import { sha256, utf8 } from '../../../../src/bytes.ts'
import { check } from '../../checkers/violation.ts'
import type { Chain } from './chain.ts'

const marks = new Marks(sha256, utf8)

export interface Operation {
  readonly key: RegisterKey
  readonly request: WriteRequest | ReadRequest
  /** Of a write. */
  readonly mark: Mark | undefined
  readonly beganAt: number
  endedAt: number
  /** Undefined while it is under way, and for good when its peer died. */
  answer: RegisterAnswer | undefined
}

/** What a version was made on: of versions within a batch the number alone is known. */
interface Basis {
  readonly before: number
  readonly isLive: boolean
  readonly isKnown: boolean
}

function basisOf(chain: Chain, made: number): Basis {
  const before = chain.links.reduce((most, { version }) => (version < made ? Math.max(most, version) : most), 0)
  const record = chain.records.find(({ version }) => version === before)
  return { before, isLive: before > 0 && record?.isDeleted !== true, isKnown: before === 0 || record !== undefined }
}

/** V3: what a write that was applied asked of the version before it was so. */
function checkCondition(chain: Chain, { key, mark, request }: Operation): void {
  const link = mark === undefined ? undefined : chain.links.find((other) => other.mark === mark)
  if (link === undefined || request.kind !== 'write') return
  const { before, isLive, isKnown } = basisOf(chain, link.version)
  const { condition, contents } = request
  const told = (): string => `${key}: version ${link.version} was made on version ${before}, against ${condition?.kind ?? contents.kind}`
  if (contents.kind === 'deleted') check(isLive, 'V3', told)
  if (condition?.kind === 'versions') check(isLive && condition.versions.includes(before), 'V3', told)
  if (condition?.kind === 'live') check(isLive, 'V3', told)
  if (condition?.kind === 'absent') check(!isLive || !isKnown, 'V3', told)
}

/** Where an operation stands in the order of versions. */
interface Placed {
  readonly operation: Operation
  readonly version: number
}

/** Holds the answers to one register against what was chosen. */
export function checkHistory(chain: Chain, operations: readonly Operation[]): void {
  const placed: Placed[] = []
  const deletions = new Set(operations.flatMap(({ mark, request }) => (mark !== undefined && isDelete(request) ? [mark] : [])))
  for (const mark of expiriesOf(chain)) deletions.add(mark)
  for (const operation of operations) checkCondition(chain, operation)
  for (const operation of operations.toSorted((a, b) => a.beganAt - b.beganAt)) {
    const { answer } = operation
    if (answer === undefined) continue
    const least = placed.reduce((most, other) => (other.operation.endedAt < operation.beganAt ? Math.max(most, other.version) : most), 0)
    const version = versionOf(chain, operation, answer, least, deletions)
    if (version === undefined) continue
    // Of several tries of a write the first may have made the version that another one is told.
    const isTriedAgain = operations.some((other) => other !== operation && other.mark !== undefined && other.mark === operation.mark)
    if (answer.kind === 'applied' && (isTriedAgain || answer.isRepeated)) {
      placed.push({ operation, version })
      continue
    }
    const told = (): string => `${operation.key}: ${operation.request.kind} is told ${describe(answer)} after version ${least} was shown`
    check(version >= least, 'V6', told)
    check(answer.kind !== 'applied' || version > least, 'V6', told)
    placed.push({ operation, version })
  }
}

/** The marks of the writes by which peers deleted what had lived its time. */
function expiriesOf({ key, links }: Chain): Mark[] {
  return links.flatMap((link) => {
    const before = links.find(({ version }) => version === link.version - 1)
    return before !== undefined && expiryOf(marks, key, before).mark === link.mark ? [link.mark] : []
  })
}

/**
 * @param least the version that was shown before the operation began
 * @param deletions the marks of the writes that delete
 */
function versionOf(
  chain: Chain,
  operation: Operation,
  answer: RegisterAnswer,
  least: number,
  deletions: ReadonlySet<Mark>,
): number | undefined {
  const { key, mark, request } = operation
  const isLocal = request.kind === 'read' && request.consistency === 'local'
  switch (answer.kind) {
    case 'applied': {
      const link = chain.links.find(({ version }) => version === answer.version)
      check(link?.mark === mark, 'V5', () => `${key}: version ${answer.version} is said to be applied, and another write made it`)
      const { before, isLive, isKnown } = basisOf(chain, answer.version)
      const told = (): string => `${key}: version ${answer.version} is told as made on ${answer.wasAbsent ? 'nothing' : 'something'}`
      check(!isKnown || answer.wasAbsent === !isLive, 'V5', () => `${told()}, and was made on version ${before}`)
      return answer.version
    }
    case 'not-applied': {
      const link = chain.links.find((other) => mark !== undefined && isSameWrite(other.mark, mark))
      check(link === undefined, 'V5', () => `${key}: a write is said not to be applied, and made version ${link?.version}`)
      return undefined
    }
    case 'found':
      check(chain.has(answer.record), isLocal ? 'V7' : 'V6', () => `${key}: version ${answer.record.version} is shown, and not chosen`)
      return isLocal ? undefined : answer.record.version
    case 'absent':
      return isLocal ? undefined : absentVersion(chain, operation, answer, least)
    case 'refused':
      if (answer.current === undefined) return deletedVersion(chain, operation, answer, least, deletions)
      check(
        chain.links.some(({ version }) => version === answer.current?.version),
        'V6',
        () => `${key}: a write is refused for version ${answer.current?.version}, which is not chosen`,
      )
      return answer.current.version
    default:
      return undefined
  }
}

/**
 * Nothing was live at some time: before the first version, or at a deleted one that nobody had seen
 * replaced.
 */
function absentVersion(chain: Chain, { key, request }: Operation, answer: RegisterAnswer, least: number): number | undefined {
  const deleted = [0, ...chain.records.filter(({ isDeleted }) => isDeleted).map(({ version }) => version)]
  const found = deleted.find((version) => {
    return chain.nextAfter(version) > least
  })
  check(found !== undefined, 'V6', () => `${key}: ${request.kind} is told ${describe(answer)} after version ${least} was shown`)
  return Math.max(found ?? 0, 0)
}

/** A refusal may rest on a deletion within a batch, of which the number alone is known. */
function deletedVersion(
  chain: Chain,
  operation: Operation,
  answer: RegisterAnswer & { kind: 'refused' },
  least: number,
  deletions: ReadonlySet<Mark>,
): number | undefined {
  const link = chain.links.find(({ version }) => version === answer.number)
  const isRecord = chain.records.some(({ version }) => version === answer.number)
  // The number alone may be that of a write which came later: it must be one that deleted.
  const isWithin = link !== undefined && !isRecord && deletions.has(link.mark)
  return isWithin ? answer.number : absentVersion(chain, operation, answer, least)
}

function isDelete(request: Operation['request']): boolean {
  return request.kind === 'write' && request.contents.kind === 'deleted'
}

function describe(answer: RegisterAnswer): string {
  if (answer.kind === 'found') return `version ${answer.record.version}`
  return answer.kind === 'applied' ? `applied as version ${answer.version}` : answer.kind
}
