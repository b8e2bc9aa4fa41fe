/**
 * Which configs are decided, worked out from durable acceptances alone, whoever may know it: a
 * config is decided once a quorum of the one before accepted it at one ballot. All other checkers
 * compare against this. It checks by itself that an epoch has one config and its only successors
 * (S11, section 10).
 */
import type { ClusterId, Identity } from '../../../protocols/base/identity.ts'
import { epochOfConfigKey, isConfigKey } from '../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../protocols/base/register.ts'
import { BARRED_MAX } from '../../../protocols/base/config.ts'
import type { Barred, Clusters, Config } from '../../../protocols/base/config.ts'
import type { AnyWrite } from '../../../protocols/base/persist.ts'
import type { Codec } from '../../../protocols/wire/codec.ts'
import { describeConfig, describeIdentity, describeKey } from '../describe.ts'
import { Acceptances } from './acceptances.ts'
import type { AtBallot } from './acceptances.ts'
import { holds } from './quorums.ts'
import { check } from './violation.ts'

export class Ledger {
  private readonly codec: Codec
  private readonly onDecided: (config: Config) => void
  private readonly accepted: Acceptances = new Acceptances((epoch) => this.configs.get(epoch))
  private readonly configs = new Map<number, Config>()
  private newestEpoch: number

  /**
   * @param first the configs that the network begins with, in order. @param onDecided told of each
   * config when it is decided
   */
  constructor(codec: Codec, first: readonly [Config, ...Config[]], onDecided: (config: Config) => void) {
    this.codec = codec
    this.onDecided = onDecided
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

  /** A write is on the disk of this identity. */
  hardened(by: Identity, write: AnyWrite): void {
    if (write.kind !== 'accepted' || !isConfigKey(write.key)) return
    const { at, config } = this.accepted.add(by, write)
    this.decideIf(
      holds(config.clusters, (voter) => at.voters.has(voter)),
      write.key,
      at,
    )
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
    this.onDecided(config)
  }

  /**
   * A finished config is followed by a joint one that begins with it; a joint one by either of its
   * two sets alone, and whom it bars.
   */
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

/**
 * @returns somebody who was barred before, is not now, and does not vote either; where too many are
 * barred, those barred first fall off
 */
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
