/**
 * What must come true once everything works again: every key in doubt is settled (L1), no change
 * stays half done (L4), peers are ready (L5), what was under way comes to nothing (L6), and
 * whatever each type adds. Said as what is missing, so that a run that never settles says why.
 */
import { describeConfig } from '../describe.ts'
import type { SimulatedPeer } from '../peer.ts'
import type { Lacking, SimulatedType } from '../type.ts'
import type { Ledger } from './ledger.ts'

/** @returns what has not come true yet, with the rule that wants it; undefined when all has */
export function unsettled(peers: readonly SimulatedPeer[], ledger: Ledger, types: readonly SimulatedType[]): Lacking | undefined {
  for (const peer of peers) {
    const lacking = unsettledAt(peer, ledger)
    if (lacking !== undefined) return lacking
  }
  for (const type of types) {
    const lacking = type.unsettled()
    if (lacking !== undefined) return lacking
  }
  const living = new Set(peers.map((peer) => peer.identity.id))
  const dead = [...ledger.newest.clusters.values()].flat().find((voter) => !living.has(voter.id))
  return dead === undefined ? undefined : { rule: 'L4', detail: `${dead.id} still votes, though its disk is gone` }
}

function unsettledAt({ core, peerId }: SimulatedPeer, { newest }: Ledger): Lacking | undefined {
  if (core === undefined) return { rule: 'L5', detail: `${peerId} is down` }
  const { config, doubts, load } = core
  const detail = `${peerId} is in ${config === undefined ? 'none' : describeConfig(config)}, the newest is ${describeConfig(newest)}`
  if (config?.epoch !== newest.epoch || config.next !== undefined) return { rule: 'L4', detail }
  if (doubts.size > 0) return { rule: 'L1', detail: `${peerId} has ${[...doubts.keys()].join(' ')} in doubt` }
  const lacking = core.missing()
  if (lacking !== undefined) return { rule: 'L5', detail: `${peerId} is not ready: ${lacking}` }
  const busy = Object.entries(load).filter(([name, count]) => name !== 'promises' && count > 0)
  if (busy.length === 0) return undefined
  return { rule: 'L6', detail: `${peerId} is busy with ${busy.map(([name, count]) => `${count} ${name}`).join(', ')}` }
}
