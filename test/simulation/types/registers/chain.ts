/**
 * What is chosen, worked out from disks alone: a version is chosen once a quorum has accepted it at
 * one ballot. V1: one record a ballot and version, and each chosen record of a register is made
 * from the one before. V2: versions only rise. V4: a write is applied at most once.
 */
import { compareBallots, formatBallot } from '../../../../protocols/base/ballot.ts'
import type { Identity } from '../../../../protocols/base/identity.ts'
import { Tally } from '../../../../protocols/base/quorum.ts'
import type { Quorum } from '../../../../protocols/base/quorum.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import { compareEntries, equalRegisterRecords, isSameWrite } from '../../../../protocols/registers/record.ts'
import type { Entry, Mark, RegisterRecord } from '../../../../protocols/registers/record.ts'
import { check } from '../../checkers/violation.ts'

/** A write that is part of the chain, by itself or in a batch. */
export interface Link {
  readonly version: number
  readonly mark: Mark
}

interface Candidate {
  readonly entry: Entry
  readonly tally: Tally
  isChosen: boolean
}

export class Chain {
  /** The chosen records, each once, in the order of their versions. */
  readonly records: RegisterRecord[] = []
  /** All writes that were applied, those within batches too. */
  readonly links: Link[] = []
  readonly key: RegisterKey
  private readonly quorumOf: (epoch: number) => Quorum
  private readonly candidates = new Map<string, Candidate>()
  private tipEntry: Entry | undefined

  constructor(key: RegisterKey, quorumOf: (epoch: number) => Quorum) {
    this.key = key
    this.quorumOf = quorumOf
  }

  /** The highest that is chosen. */
  get tip(): Entry | undefined {
    return this.tipEntry
  }

  /** A voter has it on disk as accepted. */
  accepted(by: Identity, entry: Entry): void {
    const name = `${formatBallot(entry.ballot)}/${entry.ballot.by.incarnation} ${entry.record.version}`
    let candidate = this.candidates.get(name)
    if (candidate === undefined) {
      candidate = { entry, tally: new Tally(this.quorumOf(entry.ballot.epoch)), isChosen: false }
      this.candidates.set(name, candidate)
    }
    check(equalRegisterRecords(candidate.entry.record, entry.record), 'V1', () => `${this.key} has two records at ${name}`)
    candidate.tally.yes(by.id)
    if (candidate.isChosen || candidate.tally.verdict() !== 'won') return
    candidate.isChosen = true
    this.choose(entry)
  }

  /** True for a record that is chosen. */
  has(record: RegisterRecord): boolean {
    const found = this.records.find(({ version }) => version === record.version)
    return found !== undefined && equalRegisterRecords(found, record)
  }

  /** The version that was made from one, in a batch too; infinite when there is none yet. */
  nextAfter(version: number): number {
    return this.links.reduce((next, link) => (link.version > version ? Math.min(next, link.version) : next), Number.POSITIVE_INFINITY)
  }

  private choose(entry: Entry): void {
    const { record } = entry
    const { tipEntry: tip } = this
    if (tip !== undefined && compareEntries(entry, tip) < 0) {
      this.passedOver(record)
      return
    }
    this.tipEntry = entry
    if (tip !== undefined && equalRegisterRecords(tip.record, record)) return
    this.checkMadeFrom(tip?.record, entry)
    this.records.push(record)
    for (const write of record.recent) if (write.version > (tip?.record.version ?? 0)) this.link(write)
    this.link(record)
  }

  /** Late disks show it chosen after the next one, which was made from it. */
  private passedOver(record: RegisterRecord): void {
    if (this.has(record)) return
    const isLinked = this.links.some(({ version, mark }) => version === record.version && mark === record.mark)
    check(isLinked, 'V1', () => `${this.key} has version ${record.version} chosen below what was chosen before`)
    this.records.push(record)
    this.records.sort((a, b) => a.version - b.version)
  }

  private checkMadeFrom(before: RegisterRecord | undefined, { ballot, record }: Entry): void {
    const at = `${this.key} version ${record.version} at ${formatBallot(ballot)}`
    if (before === undefined) return
    check(record.version > before.version, 'V2', () => `${at} follows version ${before.version}`)
    const isMadeFrom = [...record.recent].some(({ version, mark }) => version === before.version && mark === before.mark)
    // After a deletion that was forgotten a register begins anew, above its number, perhaps with
    // several writes at once.
    const isNew = [...record.recent].every(({ version }) => version > record.since)
    const isBegun = before.isDeleted && isNew && record.since >= before.version
    check(isMadeFrom || isBegun, 'V1', () => `${at} is not made from version ${before.version}`)
    check(compareBallots(ballot, this.tipEntry?.ballot ?? ballot) >= 0, 'V1', () => `${at} is below its base`)
  }

  private link({ version, mark }: Link): void {
    const earlier = this.links.find((link) => isSameWrite(link.mark, mark))
    const isSettle = mark.startsWith('0000000000000000')
    check(earlier === undefined || isSettle, 'V4', () => `${this.key}: a write made version ${earlier?.version} and version ${version}`)
    this.links.push({ version, mark })
  }
}
