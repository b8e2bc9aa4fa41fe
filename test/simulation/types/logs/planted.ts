/** Bugs of logs that only show in whole networks: births, members by a wish, and who is asked. */
import { bug } from '../../planted/bug.ts'
import type { PlantedBug } from '../../planted/bug.ts'

const CORE = 'protocols/log'

export const LOGS_BUGS: readonly PlantedBug[] = [
  bug(
    'birth-unchosen',
    'a peer opens a log by the birth that it asked for, which is not chosen',
    `${CORE}/logs.ts`,
    'this.births = new Births(context, minPeers, limits)',
    `const decide = (name: string, value: Uint8Array, deadlineMs: number, settled: (value: Uint8Array | undefined) => void): void => {
      this.decided(name, value)
      context.decide(name, value, deadlineMs, settled)
    }
    this.births = new Births(Object.create(context, { decide: { value: decide } }) as TypeContext, minPeers, limits)`,
  ),
  bug(
    'voters-of-offers',
    'a peer takes whoever offers a store for the first voters',
    `${CORE}/births.ts`,
    '    return this.lives.get(name)\n',
    `    const birth = this.lives.get(name)
    return birth && { ...birth, voters: [...new Set([...birth.voters, ...this.offering(name)])] }
`,
  ),
  bug(
    'removed-stays',
    'a peer that was removed from the network goes on voting on logs',
    `${CORE}/placements.ts`,
    'return this.isRemoved(peer.peerId) || this.isReplaced(peer)',
    'return this.isReplaced(peer)',
  ),
  bug(
    'lost-disk-stays',
    'a voter whose disk is gone goes on counting as one',
    `${CORE}/placements.ts`,
    'return this.isRemoved(peer.peerId) || this.isReplaced(peer)',
    'return this.isRemoved(peer.peerId)',
  ),
  bug(
    'taken-back-forgets',
    'a named command that somebody else had begun counts as begun nowhere once this peer takes it back',
    `${CORE}/asking.ts`,
    '!takeBack((answer) => done(certain(asked, answer)))',
    '!takeBack(done)',
  ),
  bug(
    'ended-comes-back',
    'a log that has ended is born again by itself',
    `${CORE}/births.ts`,
    '    return this.lives.lifeOf(name) > 0\n',
    '    return this.lives.get(name) !== undefined\n',
  ),
  bug(
    'ended-stays',
    'what a peer holds of a log that has ended stays there',
    `${CORE}/logs.ts`,
    'const gone = this.rowsOf(birth)?.gone() ?? []',
    'const gone = this.rowsOf(birth)?.gone().slice(1) ?? []',
  ),
  bug(
    'first-members-alone',
    'a peer that knows old members alone asks nobody else',
    `${CORE}/views.ts`,
    ', ...births.offering(birth.name)]',
    ']',
  ),
]
