/**
 * What an operator is told must be so: in the config of the epoch that is named, and on the disks
 * of those who stay.
 */
import type { IdentityId } from '../../../protocols/base/identity.ts'
import { configKey } from '../../../protocols/base/register.ts'
import { barredIn } from '../../../protocols/config/barred.ts'
import type { Config } from '../../../protocols/base/config.ts'
import type { ChangeRequest } from '../../../protocols/base/change-request.ts'
import { describeConfig } from '../describe.ts'
import type { SimulatedPeer } from '../peer.ts'
import type { Ledger } from './ledger.ts'
import { holds } from './quorums.ts'
import { check } from './violation.ts'

/** The change is done: removed voters may be switched off. @throws Violation */
export function checkChanged(request: ChangeRequest, epoch: number, ledger: Ledger, peers: readonly SimulatedPeer[]): void {
  const config = configOf(epoch, ledger)
  checkFulfilled(request, config)
  if (request.withdraw) checkWithdrawn(config, ledger)
  const living = new Map(peers.map((peer) => [peer.identity.id, peer]))
  // A store that was lost since had it: whoever says so said it from disk.
  const isInstalled = (id: IdentityId): boolean => {
    const peer = living.get(id)
    return peer === undefined || peer.disk.readSynced(configKey(epoch))?.chosen !== undefined
  }
  check(holds(config.clusters, isInstalled), 'S12', () => `told done in ${describeConfig(config)}, which no quorum has on disk`)
}

/**
 * All was as asked for, in an epoch that was the newest at some time after the request. @throws
 * Violation
 */
export function checkUnchanged(request: ChangeRequest, epoch: number, askedInEpoch: number, ledger: Ledger): void {
  check(epoch >= askedInEpoch, 'change', () => `told that all is so in epoch ${epoch}, though ${askedInEpoch} was decided before`)
  checkFulfilled(request, configOf(epoch, ledger))
}

function configOf(epoch: number, ledger: Ledger): Config {
  const config = ledger.config(epoch)
  check(config !== undefined, 'change', () => `told of epoch ${epoch}, which nobody decided`)
  return config
}

function checkFulfilled({ add, remove, removeCluster }: ChangeRequest, config: Config): void {
  const voters = [...config.clusters.values()].flat().map((voter) => voter.peerId)
  const { peers, clusters } = barredIn(config)
  const asked = (): string => `${JSON.stringify({ add, remove, removeCluster })} is said to be so in ${describeConfig(config)}`
  check(config.next === undefined, 'change', asked)
  check(
    add.every((peerId) => voters.includes(peerId) && !peers.includes(peerId)),
    'change',
    asked,
  )
  check(
    remove.every((peerId) => !voters.includes(peerId) && peers.includes(peerId)),
    'change',
    asked,
  )
  check(removeCluster === undefined || (!config.clusters.has(removeCluster) && clusters.includes(removeCluster)), 'change', asked)
}

function checkWithdrawn(config: Config, ledger: Ledger): void {
  const joint = ledger.config(config.epoch - 1)
  const said = (): string => `${describeConfig(config)} is said to withdraw ${joint === undefined ? 'nothing' : describeConfig(joint)}`
  check(joint?.next !== undefined && describeConfig({ ...joint, epoch: config.epoch }).startsWith(describeConfig(config)), 'change', said)
}
