/**
 * Planted bugs: stands in front of `src/peer/registers.ts` in a peer with the preload. A copy is
 * sold as what a quorum shows, or each try of a write gets a name of its own.
 */
import { registersOver as over } from '../../src/peer/registers.ts'
import { PLANTED_VARIABLE } from './control.ts'

export const registersOver: typeof over = (types, random) => {
  const registers = over(types, random)
  if (process.env[PLANTED_VARIABLE] === 'register-tries-renamed') {
    return { ...registers, write: async (request, ...rest) => registers.write({ ...request, writeId: random.id() }, ...rest) }
  }
  return {
    ...registers,
    read: async (request, ...rest) => {
      const answer = await registers.read({ ...request, consistency: 'local' }, ...rest)
      return answer.kind === 'unavailable' ? answer : { ...answer, consistency: request.consistency }
    },
  }
}
