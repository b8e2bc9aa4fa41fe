/** The sets of a peer, as those see them who speak to clients. */
import { SETS } from '../../protocols/sets/requests.ts'
import type { SetAnswersOf, SetRequestOf, Sets, WatchAnswer } from '../ports/sets.ts'
import type { TypePort } from '../ports/types.ts'

/**
 * Answers come from the type itself, which gives each request an answer of its kinds: that is taken
 * on trust here.
 */
export function setsOver(types: TypePort): Sets {
  return {
    ask: async <Kind extends keyof SetAnswersOf>(
      request: SetRequestOf<Kind>,
      timeoutMs: number,
      signal?: AbortSignal,
    ): Promise<SetAnswersOf[Kind]> => {
      const answer = await types.ask(SETS, request, timeoutMs, 'wait' in request ? signal : undefined)
      return (answer ?? { kind: 'in-doubt', shiftMs: 0, detail: 'the client hung up' }) as SetAnswersOf[Kind]
    },
    watch: (request, told) => types.watch(SETS, request, (answer) => told(answer as WatchAnswer)).end,
  }
}
