/** Peers by what people call them: a name where there is one and it is one peer's alone, else an id. */
import type { PeerId } from '../../protocols/base/identity.ts'
import { isPeerId } from '../peer-id.ts'
import type { ConfigView } from '../ports/replicator.ts'
import type { PeerCalled } from '../settings/commands.ts'
import type { Asked } from './asking.ts'
import { CommandFailed } from './failed.ts'

/** A peer and its name, as views of peers have them. */
export interface Named {
  readonly id: string
  readonly name: string | null
}

/** @returns what people read, by peer id: an id that is not among them is itself */
export function callingOf(peers: readonly Named[]): (id: string) => string {
  const byName = Map.groupBy(peers, ({ name }) => name)
  const names = new Map(peers.flatMap(({ id, name }) => (name === null || (byName.get(name)?.length ?? 0) > 1 ? [] : [[id, name]])))
  return (id) => names.get(id) ?? id
}

/** Who votes and who learns, as one peer knows. */
export function membersOf({ clusters }: Pick<ConfigView, 'clusters'>): Named[] {
  return Object.values(clusters).flatMap(({ voters, learners }) => [...voters, ...learners])
}

/**
 * The peer that is meant, as the asked one knows it.
 *
 * @throws CommandFailed when nobody is called so, or several are
 */
export async function peerIdOf(asked: Pick<Asked, 'get'>, called: PeerCalled): Promise<PeerId> {
  if (isPeerId(called)) return called
  const meant = membersOf(await asked.get<ConfigView>('/config')).filter(({ name }) => name === called)
  const [first, ...others] = new Set(meant.map(({ id }) => id as PeerId))
  if (first === undefined)
    throw new CommandFailed(
      `no peer is called ${called}, as far as the one that was asked knows; replicator members shows what they are called`,
    )
  if (others.length > 0)
    throw new CommandFailed(
      `${1 + others.length} peers are called ${called}: give the id of the one that is meant, ${[first, ...others].join(' or ')}`,
    )
  return first
}
