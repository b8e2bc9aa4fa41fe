/** A stream of events of one peer, gone on with after each loss of its connection. */
import type { ServerEvent } from './events.ts'
import { ClientFailed } from './outcomes.ts'
import { streamFrom } from './streams.ts'
import type { Tries } from './tries.ts'

export interface Followed<Told> {
  /** Where the stream is, behind a cursor. */
  readonly pathOf: (cursor: string | undefined) => string
  /**
   * @returns undefined for an event that is not told
   * @throws ClientFailed for the last one, when nothing leads on from it
   */
  readonly read: (event: ServerEvent) => Told | undefined
}

/** Of whoever gives no signal: goes on for ever. */
export const NEVER: AbortSignal = new AbortController().signal

/**
 * Each event comes once at least, until the signal. @throws ClientFailed when the stream is refused
 */
export async function* follow<Told>(
  tries: Tries,
  { pathOf, read }: Followed<Told>,
  cursor: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Told, void, undefined> {
  let last = cursor
  let peer = tries.current
  for (let round = 0; !signal.aborted; round += 1) {
    // A cursor leads on at its own peer alone.
    if (round > 0 && last === undefined) peer = tries.next(peer)
    try {
      for await (const event of streamFrom(tries, pathOf(last), peer, signal)) {
        last = event.id ?? last
        round = 0
        const told = read(event)
        if (told !== undefined) yield told
      }
    } catch (error) {
      if (error instanceof ClientFailed) throw error
    }
    await tries.pause(round, signal)
  }
}

/** What the last event of a stream says that leads nowhere. */
export function cursorGone({ name, data }: ServerEvent): ClientFailed {
  const { detail } = JSON.parse(data) as { readonly detail: string }
  return new ClientFailed({ kind: 'refused', problem: name, status: 410, detail })
}
