/**
 * What is chosen, worked out from durable acceptances alone, whoever may know it: a record is chosen once a quorum of its ballot's config
 * accepted it at that ballot. All other checkers compare against this. It checks by itself that a register is chosen once (S1), that a
 * ballot carries one record (S9), that an epoch has one config and its only successors (S11, section 10), and that nobody accepts without a vote (S10).
 */
import type { ClusterId, Identity, IdentityId } from '../../../protocols/base/identity.ts'
import { compareBallots } from '../../../protocols/base/ballot.ts'
import type { Ballot } from '../../../protocols/base/ballot.ts'
import { equalRecords } from '../../../protocols/base/record.ts'
import type { ValueRecord } from '../../../protocols/base/record.ts'
import { epochOfConfigKey, isConfigKey } from '../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../protocols/base/register.ts'
import { BARRED_MAX } from '../../../protocols/base/config.ts'
import type { Barred, Clusters, Config } from '../../../protocols/base/config.ts'
import type { Persist } from '../../../protocols/base/persist.ts'
import type { Codec } from '../../../protocols/wire/codec.ts'
import { describeBallot, describeConfig, describeIdentity, describeKey, describeRecord } from '../describe.ts'
import { holds, holdsData, votersOf } from './quorums.ts'
import { check } from './violation.ts'

interface AtBallot {
  readonly ballot: Ballot
  readonly record: ValueRecord
  readonly voters: Set<IdentityId>
}

export interface Chosen {
  readonly record: ValueRecord
  readonly ballot: Ballot
}

export interface LedgerListener {
  /** A client's key was chosen just now. */
  chosen(key: RegisterKey, chosen: Chosen): void
  /** A config was decided just now. */
  decided(config: Config): void
}

export class Ledger {
  private readonly codec: Codec
  private readonly listener: LedgerListener
  private readonly accepted = new Map<RegisterKey, Map<string, AtBallot>>()
  private readonly data = new Map<RegisterKey, Chosen>()
  private readonly configs = new Map<number, Config>()
  private newestEpoch: number

  /** @param first the configs that the network begins with, in order */
  constructor(codec: Codec, first: readonly [Config, ...Config[]], listener: LedgerListener) {
    this.codec = codec
    this.listener = listener
    for (const config of first) this.configs.set(config.epoch, config)
    this.newestEpoch = first.length - 1
  }

  /** The newest config that was decided, whoever may know it. */
  get newest(): Config {
    return this.configs.get(this.newestEpoch) as Config
  }

  config(epoch: number): Config | undefined {
    return this.configs.get(epoch)
  }

  chosen(key: RegisterKey): Chosen | undefined {
    return this.data.get(key)
  }

  /** Every client key that is chosen. */
  keys(): Iterable<[RegisterKey, Chosen]> {
    return this.data
  }

  /** Keys that somebody accepted and that are not chosen. */
  isInDoubt(key: RegisterKey): boolean {
    return this.accepted.has(key) && !this.data.has(key)
  }

  /** A write is on the disk of this identity. */
  hardened({ id }: Identity, write: Persist): void {
    if (write.kind !== 'accepted') return
    const { key, accepted } = write
    const { ballot, record } = accepted
    const config = this.configs.get(ballot.epoch)
    check(config !== undefined, 'S11', () => `${id} accepted ${describeKey(key)} at ${describeBallot(ballot)}, of an epoch nobody decided`)
    check(votersOf(config).includes(id), 'S10', () => `${id} accepted ${describeKey(key)} at ${describeBallot(ballot)} without a vote`)
    check(!config.forming || isConfigKey(key), 'S11', () => `${id} accepted ${key} while its network is still forming`)
    const at = this.at(key, ballot, record)
    at.voters.add(id)
    const has = (voter: IdentityId): boolean => at.voters.has(voter)
    if (isConfigKey(key)) this.decideIf(holds(config.clusters, has), key, at)
    else if (holdsData(config, has)) this.choose(key, at)
  }

  private at(key: RegisterKey, ballot: Ballot, record: ValueRecord): AtBallot {
    let ballots = this.accepted.get(key)
    if (ballots === undefined) this.accepted.set(key, (ballots = new Map()))
    const name = `${ballot.epoch}.${ballot.round}.${ballot.by.id}`
    const found = ballots.get(name)
    if (found === undefined) {
      const at: AtBallot = { ballot, record, voters: new Set() }
      ballots.set(name, at)
      return at
    }
    const detail = (): string => `${describeRecord(found.record)} and ${describeRecord(record)} at ${describeBallot(ballot)}`
    check(equalRecords(found.record, record), 'S9', () => `${describeKey(key)} has ${detail()}`)
    return found
  }

  private choose(key: RegisterKey, { ballot, record }: AtBallot): void {
    const before = this.data.get(key)
    if (before === undefined) {
      const chosen = { record, ballot }
      this.data.set(key, chosen)
      return this.listener.chosen(key, chosen)
    }
    const was = `${describeRecord(before.record)} at ${describeBallot(before.ballot)}`
    check(
      equalRecords(before.record, record),
      'S1',
      () => `${key} was chosen as ${was}, then as ${describeRecord(record)} at ${describeBallot(ballot)}`,
    )
    // A lower ballot may still be completed; that it carries the same record is what was checked.
    if (compareBallots(ballot, before.ballot) < 0) this.data.set(key, { record, ballot })
  }

  private decideIf(isWon: boolean, key: RegisterKey, { ballot, record }: AtBallot): void {
    if (!isWon) return
    const config = this.codec.decodeConfig(record.value)
    const epoch = epochOfConfigKey(key)
    check(config.epoch === epoch && ballot.epoch === epoch - 1, 'S11', () => `${describeKey(key)} holds the config of ${config.epoch}`)
    const before = this.configs.get(epoch)
    if (before !== undefined) {
      check(this.isSame(before, config), 'S11', () => `epoch ${epoch} is both ${describeConfig(before)} and ${describeConfig(config)}`)
      return
    }
    this.checkSuccessor(config)
    this.configs.set(epoch, config)
    this.newestEpoch = Math.max(this.newestEpoch, epoch)
    this.listener.decided(config)
  }

  /** A finished config is followed by a joint one that begins with it; a joint one by either of its two sets alone, and whom it bars. */
  private checkSuccessor(config: Config): void {
    const before = this.configs.get(config.epoch - 1)
    check(before !== undefined, 'S11', () => `epoch ${config.epoch} follows no epoch`)
    const { next } = before
    const isFollowing =
      next === undefined
        ? config.next !== undefined && this.areSame(config.clusters, before.clusters) && isSameBar(config.barred, before.barred)
        : config.next === undefined &&
          ((this.areSame(config.clusters, next) && isSameBar(config.barred, before.nextBarred)) ||
            (this.areSame(config.clusters, before.clusters) && isSameBar(config.barred, before.barred)))
    check(isFollowing, 'S11', () => `${describeConfig(config)} cannot follow ${describeConfig(before)}`)
    const lifted = config.next === undefined ? undefined : liftedFor(config.next, config.nextBarred, before.barred)
    check(lifted === undefined, 'change', () => `${describeConfig(config)} bars ${lifted} no more, who gets no vote by it`)
    const isBarring = votesBarred(config.clusters, config.barred) || votesBarred(config.next ?? new Map(), config.nextBarred)
    check(!isBarring, 'change', () => `in ${describeConfig(config)} somebody votes who is barred`)
  }

  private isSame(a: Config, b: Config): boolean {
    return Buffer.compare(this.codec.encodeConfig(a), this.codec.encodeConfig(b)) === 0
  }

  private areSame(a: Clusters, b: Clusters): boolean {
    const text = (clusters: Clusters): string =>
      [...clusters]
        .map(
          ([cluster, voters]) =>
            `${cluster}:${voters
              .map((voter) => describeIdentity(voter))
              .sort()
              .join()}`,
        )
        .sort()
        .join(' ')
    return text(a) === text(b)
  }
}

function isSameBar(a: Barred | undefined, b: Barred | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** @returns somebody who was barred before, is not now, and does not vote either; where too many are barred, those barred first fall off */
function liftedFor(next: Clusters, barred: Barred | undefined, before: Barred | undefined): string | undefined {
  const { peers = [], clusters = [] } = barred ?? {}
  const voters = new Set([...next.values()].flat().map((voter) => voter.peerId))
  const peerId = before?.peers.find((barredId) => !peers.includes(barredId) && !voters.has(barredId))
  const clusterId = before?.clusters.find((barredId) => !clusters.includes(barredId) && !next.has(barredId))
  if (peerId !== undefined && peers.length < BARRED_MAX) return peerId
  return clusters.length < BARRED_MAX ? clusterId : undefined
}

function votesBarred(clusters: Clusters, barred: Barred | undefined): boolean {
  const isBarred = (clusterId: ClusterId, voters: readonly Identity[]): boolean =>
    barred?.clusters.includes(clusterId) === true || voters.some((voter) => barred?.peers.includes(voter.peerId))
  return [...clusters].some(([clusterId, voters]) => isBarred(clusterId, voters))
}
