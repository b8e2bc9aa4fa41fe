/**
 * What must come true once everything works again: every key in doubt is settled (L1), copies are equal (L3), no change stays
 * half done (L4), and what was under way comes to nothing (L6). Said as what is missing, so that a run that never settles says why.
 */
import type { SimulatedPeer } from '../peer.ts'
import { describeConfig } from '../describe.ts'
import type { Ledger } from './ledger.ts'

/** @returns what has not come true yet, with the rule that wants it; undefined when all has */
export function unsettled(peers: readonly SimulatedPeer[], ledger: Ledger): { rule: string; detail: string } | undefined {
  const { newest } = ledger
  let root: string | undefined
  for (const { core, peerId } of peers) {
    if (core === undefined) return { rule: 'L5', detail: `${peerId} is down` }
    const { config, doubts, chosen, load } = core
    const detail = `${peerId} is in ${config === undefined ? 'none' : describeConfig(config)}, the newest is ${describeConfig(newest)}`
    if (config?.epoch !== newest.epoch || config.next !== undefined) return { rule: 'L4', detail }
    if (doubts.size > 0) return { rule: 'L1', detail: `${peerId} has ${[...doubts.keys()].join(' ')} in doubt` }
    const own = Buffer.from(chosen.tree.rootHash()).toString('hex')
    root ??= own
    if (own !== root) return { rule: 'L3', detail: `the root of ${peerId} is another: it has ${chosen.tree.keyCount} keys` }
    const lacking = core.missing()
    if (lacking !== undefined) return { rule: 'L5', detail: `${peerId} is not ready: ${lacking}` }
    const busy = Object.entries(load).filter(([name, count]) => name !== 'promises' && count > 0)
    if (busy.length > 0)
      return { rule: 'L6', detail: `${peerId} is busy with ${busy.map(([name, count]) => `${count} ${name}`).join(', ')}` }
  }
  const living = new Set(peers.map((peer) => peer.identity.id))
  const dead = [...newest.clusters.values()].flat().find((voter) => !living.has(voter.id))
  return dead === undefined ? undefined : { rule: 'L4', detail: `${dead.id} still votes, though its disk is gone` }
}

/** Every peer must hold every chosen record, and no other. @returns what is wrong */
export function incomplete(peers: readonly SimulatedPeer[], ledger: Ledger): string | undefined {
  let count = 0
  for (const [key] of ledger.keys()) {
    count += 1
    for (const { peerId, core } of peers) if (core?.chosen.get(key) === undefined) return `${peerId} lacks ${key}`
  }
  const other = peers.find((peer) => peer.core?.chosen.tree.keyCount !== count)
  return other === undefined ? undefined : `${other.peerId} has ${other.core?.chosen.tree.keyCount} keys, and ${count} are chosen`
}
