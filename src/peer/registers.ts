/** The registers of a peer, as those see them who speak to clients. */
import { REGISTERS } from '../../protocols/registers/requests.ts'
import type { ListAnswer, ReadAnswer, WatchAnswer, WatchedRequest, WriteAnswer } from '../../protocols/registers/requests.ts'
import type { Random } from '../ports/clock.ts'
import type { Registers } from '../ports/registers.ts'
import type { TypePort } from '../ports/types.ts'

/**
 * Answers come from the type itself, which gives each request an answer of its kinds: that is taken
 * on trust here.
 */
export function registersOver(types: TypePort, random: Random): Registers {
  return {
    newWriteId: () => random.id(),
    write: async (request, timeoutMs, signal) => {
      const answer = await types.ask(REGISTERS, request, timeoutMs, signal)
      return (answer ?? { kind: 'in-doubt', writeId: request.writeId, after: request.after ?? 0 }) as WriteAnswer
    },
    read: async (request, timeoutMs, signal) => {
      const answer = await types.ask(REGISTERS, request, timeoutMs, signal)
      return (answer ?? { kind: 'unavailable', detail: 'the client hung up' }) as ReadAnswer
    },
    list: async (request) => (await types.ask(REGISTERS, request, 0)) as ListAnswer,
    watch: (request, told) => {
      const { say, end } = types.watch(REGISTERS, request, (answer) => told(answer as WatchAnswer))
      return { taken: (bytes) => say({ kind: 'watched', bytes } satisfies WatchedRequest), end }
    },
  }
}
