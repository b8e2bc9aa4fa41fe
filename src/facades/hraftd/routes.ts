/** The port of `-hraftd`, as the system has it that this one takes in. */
import type { Logs } from '../../ports/logs.ts'
import { HraftdHandlers } from './handlers.ts'
import type { Route } from '../../http/route.ts'

/** Not in the document of the interface: it is another system's. */
const UNDESCRIBED = {}

/** @param log whose stores hold the keys */
export function hraftdRoutes(logs: Logs, log: string): readonly Route[] {
  const handlers = new HraftdHandlers(logs, log)
  const rows: readonly Route[] = [
    { path: '/key', methods: { POST: { scope: 'write', handle: (exchange) => handlers.set(exchange), operation: UNDESCRIBED } } },
    {
      path: '/key/{key}',
      methods: {
        GET: { scope: 'read', handle: (exchange) => handlers.get(exchange), operation: { parameters: [{ in: 'query' }] } },
        DELETE: { scope: 'write', handle: (exchange) => handlers.delete(exchange), operation: UNDESCRIBED },
      },
    },
    { path: '/join', methods: { POST: { scope: 'operate', handle: (exchange) => handlers.join(exchange), operation: UNDESCRIBED } } },
    { path: '/status', methods: { GET: { scope: 'read', handle: (exchange) => handlers.status(exchange), operation: UNDESCRIBED } } },
    { path: '/raft', methods: { GET: { scope: 'read', handle: (exchange) => handlers.raft(exchange), operation: UNDESCRIBED } } },
  ]
  return rows.map((row) => ({ ...row, standsFor: `/logs/${log}${row.path}` }))
}
