/**
 * Copies of keys are equal once everything works again (L3): every peer holds every chosen record,
 * and no other.
 */
import type { SimulatedPeer } from '../../peer.ts'
import type { Lacking } from '../../type.ts'
import type { KeyLedger } from './ledger.ts'

/** @returns whose hash tree has another root; undefined when all are equal */
export function unequal(peers: readonly SimulatedPeer[]): Lacking | undefined {
  let root: string | undefined
  for (const { core, peerId } of peers) {
    if (core === undefined) continue
    const { tree } = core.chosen
    const own = Buffer.from(tree.rootHash()).toString('hex')
    root ??= own
    if (own !== root) return { rule: 'L3', detail: `the root of ${peerId} is another: it has ${tree.keyCount} keys` }
  }
  return undefined
}

/** Every peer must hold every chosen record, and no other. @returns what is wrong */
export function incomplete(peers: readonly SimulatedPeer[], ledger: KeyLedger): string | undefined {
  let count = 0
  for (const [key] of ledger.keys()) {
    count += 1
    for (const { peerId, core } of peers) if (core?.chosen.get(key) === undefined) return `${peerId} lacks ${key}`
  }
  const other = peers.find((peer) => peer.core?.chosen.tree.keyCount !== count)
  return other === undefined ? undefined : `${other.peerId} has ${other.core?.chosen.tree.keyCount} keys, and ${count} are chosen`
}
