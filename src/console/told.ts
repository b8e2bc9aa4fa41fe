/**
 * What somebody who does not see the page is told when it changes: that peers and readiness come
 * and go, and no figures. Pure.
 */
import type { State } from './state.ts'
import { calledText, plural } from './words.ts'

/** @returns undefined when nothing is worth a word */
export function toldOf(before: State, after: State): string | undefined {
  if (after.trouble?.kind === 'silent' && before.trouble?.kind !== 'silent') return 'The peer does not answer any more.'
  const [was, is] = [before.network, after.network]
  if (was === undefined || is === undefined || was === is) return undefined
  const words: string[] = []
  if (before.trouble?.kind === 'silent') words.push('The peer answers again.')
  if (was.status.ready !== is.status.ready) words.push(is.status.ready ? 'The peer is ready.' : 'The peer is not ready any more.')
  const stateBefore = new Map(was.peers.map(({ id, state }) => [id, state]))
  for (const { id, name, clusterId, state } of is.peers) {
    const old = stateBefore.get(id)
    if (old !== state) words.push(`Peer ${calledText({ id, name })} of ${clusterId} is ${old === undefined ? 'new' : state}.`)
  }
  if (was.status.changing !== is.status.changing)
    words.push(is.status.changing ? 'A change of the voters begins.' : 'The change of the voters is over.')
  const more = is.status.warnings.length - was.status.warnings.length
  if (more > 0) words.push(`${plural(more, 'more warning')}.`)
  return words.length === 0 ? undefined : words.join(' ')
}
