/**
 * Planted bugs: stands in front of `src/peer/logs.ts` in a peer with the preload. A store is asked at
 * once for what all must show, each try of a command gets a name of its own, or what is in doubt is
 * called not ordered.
 */
import { logsOver as over } from '../../src/peer/logs.ts'
import { PLANTED_VARIABLE } from './control.ts'

export const logsOver: typeof over = (types, random) => {
  const logs = over(types, random)
  switch (process.env[PLANTED_VARIABLE]) {
    case 'log-store-asked-at-once':
      return { ...logs, query: (request, ...rest) => logs.query({ ...request, consistency: 'local' }, ...rest) }
    case 'log-tries-renamed':
      return { ...logs, submit: (request, ...rest) => logs.submit({ ...request, submitId: logs.newSubmitId() }, ...rest) }
    case 'log-in-doubt-called-not-ordered':
      return {
        ...logs,
        submit: async (request, ...rest) => {
          const answer = await logs.submit(request, ...rest)
          return answer.kind === 'in-doubt' ? { ...answer, kind: 'not-ordered', why: 'leader-changed' } : answer
        },
      }
    default:
      return logs
  }
}
