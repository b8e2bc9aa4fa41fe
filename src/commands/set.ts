/**
 * `replicator set …`: the sets of a peer, for people and scripts. Elements are printed as transit
 * writes them, one a line.
 */
import type { SetCommand } from '../settings/set-commands.ts'
import { printLines } from '../start-up.ts'
import { guarded } from '../transit/fault.ts'
import { TransitText } from '../transit/transit-text.ts'
import { detailOf, factsOf } from './asking.ts'
import type { Asked } from './asking.ts'
import { CommandFailed } from './failed.ts'

type Of<Name extends SetCommand['name']> = Extract<SetCommand, { readonly name: Name }>

const TRANSIT_TYPE = 'application/transit+json'
const EVENT = /^(?:id: (?<id>.*)\n)?event: (?<event>.*)\ndata: (?<data>.*)$/

interface SetRow {
  readonly name: string
  readonly members: number
  readonly elements: number
  readonly peers: string
}

/** @returns the members, or the sets with how they stand */
export async function listSet({ set }: Of<'set ls'>, asked: Asked): Promise<string[]> {
  if (set === undefined) {
    const { sets } = await asked.get<{ readonly sets: readonly SetRow[] }>('/sets')
    return sets.map(
      ({ name, members, elements, peers }) => `${name}  ${members} members, ${elements - members} deletions remembered, ${peers}`,
    )
  }
  const text = await asked.text(`/sets/${set}/`, TRANSIT_TYPE)
  const { value: members, fault } = guarded(() => [...new TransitText(text, 'transit').elements()])
  if (fault !== undefined) throw new CommandFailed(`what came is no set: ${fault.message}`)
  return members
}

/** @returns nothing to say: it is so now */
export async function changeSet(
  { name, set, elements, wait, timeoutMs }: Of<'set insert' | 'set delete'>,
  asked: Asked,
): Promise<string[]> {
  const query = wait === 'here' ? '' : `?wait=${wait}&timeout=${Math.min(timeoutMs, 60_000)}`
  const path = `/sets/${set}/${name === 'set insert' ? 'insert' : 'delete'}${query}`
  const { status, body } = await asked.send(path, `[${elements.join(',')}]`, TRANSIT_TYPE, timeoutMs)
  if (status !== 200) throw new CommandFailed(detailOf(factsOf(body)))
  return []
}

/** Prints changes until the peer ends it, or whoever gave the command. */
export async function watchSet({ set, after }: Of<'set watch'>, asked: Asked): Promise<string[]> {
  const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
  let rest = ''
  for await (const piece of asked.stream(`/sets/${set}/watch${query}`)) {
    const blocks = (rest + piece).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) printLines(linesOf(block))
  }
  throw new CommandFailed('the peer ended the watch')
}

function linesOf(block: string): string[] {
  const { id = '', event = '', data = '' } = EVENT.exec(block)?.groups ?? {}
  if (event === '') return []
  if (event === 'insert' || event === 'delete') return [`${id} ${event} ${elementOf(data)}`]
  throw new CommandFailed(detailOf(factsOf(data)))
}

/**
 * The element of an entry, as it was written: reading it as JSON would lose what is large or exact.
 */
function elementOf(data: string): string {
  const text = new TransitText(data, 'json')
  let element = ''
  for (const key of text.map()) {
    const value = text.element()
    if (key === '"element"') element = value
  }
  return element
}
