/**
 * One stream of events from one peer. Peers send a comment now and then, so a stream from which
 * nothing comes is given up: its peer stands still, or is out of reach.
 */
import { readAnswer } from './answer.ts'
import { eventsOf } from './events.ts'
import type { ServerEvent } from './events.ts'
import { ClientFailed } from './outcomes.ts'
import { isTransient, refusedOf } from './refusals.ts'
import type { Tries } from './tries.ts'

const OK = 200
/** A stream begins at once, or not at all. */
const BEGIN_MS = 5_000
/** Peers send a comment each 15 s. */
const SILENCE_MS = 45_000

/**
 * Ends when the peer ends it.
 *
 * @param peer its number
 * @throws ClientFailed when the peer refuses it
 * @throws whatever else ends it before its end
 */
export async function* streamFrom(
  tries: Tries,
  path: string,
  peer: number,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void, undefined> {
  const silence = new AbortController()
  const within = async <T>(timeMs: number, work: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => silence.abort(new Error('nothing came')), timeMs)
    return work.finally(() => clearTimeout(timer))
  }
  const sent = { path, method: 'GET', headers: {}, tryMs: BEGIN_MS }
  const response = await within(BEGIN_MS, tries.open(sent, AbortSignal.any([signal, silence.signal]), peer))
  if (response.status !== OK || response.body === null) {
    const answer = await within(BEGIN_MS, readAnswer(response))
    if (isTransient(answer) || response.status === OK) throw new Error(`status ${response.status}`)
    throw new ClientFailed(refusedOf(answer))
  }
  const events = eventsOf(response.body)
  try {
    for (let next = await within(SILENCE_MS, events.next()); next.done !== true; next = await within(SILENCE_MS, events.next()))
      yield next.value
  } finally {
    await events.return()
  }
}
