/** `/config`: who votes, and what changes that. */
import { json } from '../answers.ts'
import { beginAnew, changeConfig } from '../config-changes.ts'
import { ALWAYS, jsonOf, problems, requestOf, TIMEOUT } from '../openapi-parts.ts'
import type { Part } from '../openapi-parts.ts'
import type { ProblemName } from '../problems.ts'
import { reading } from '../reading.ts'
import { answering } from '../route.ts'
import type { RouteGroup } from '../route.ts'
import { count, epoch, flag, idsByCluster, list, mapOf, object, peerName, state, text } from '../schemas.ts'

/** What a body of JSON from whoever may send one may be refused with. */
const JSON_PROBLEMS: readonly ProblemName[] = [
  'bad-body',
  'forbidden',
  'body-timeout',
  'change-refused',
  'too-large',
  'unsupported-encoding',
  'unsupported-media-type',
  'not-ready',
  'overloaded',
  ...ALWAYS,
]

export function configRoutes(): RouteGroup {
  return {
    routes: [
      {
        path: '/config',
        methods: reading({
          scope: 'read',
          handle: answering(({ context }) => json(200, context.replicator.config())),
          operationId: 'readConfig',
          summary: 'Who votes, and the change in flight',
          responses: { 200: jsonOf('The configuration', 'Config') },
        }),
      },
      { path: '/config/changes', methods: { POST: { scope: 'operate', handle: changeConfig, operation: CHANGE } } },
      { path: '/config/new-epoch', methods: { POST: { scope: 'operate', handle: beginAnew, operation: ANEW } } },
    ],
    schemas: SCHEMAS,
  }
}

const CHANGE: Part = {
  operationId: 'changeConfig',
  summary: 'Change who votes',
  description:
    'One change at a time. Asking again for what is done already changes nothing. It needs the scope operate: a token, or the operator socket.',
  parameters: [TIMEOUT],
  requestBody: requestOf('ChangeRequest'),
  responses: {
    200: jsonOf('It is done: what was removed may be switched off', 'Changed'),
    202: jsonOf('The time is over, and the change goes on: see `/config`', 'Changing'),
    ...problems(['bad-parameter', 'change-expired', ...JSON_PROBLEMS], false, {}),
  },
}

const ANEW: Part = {
  operationId: 'beginAnew',
  summary: 'Give up the network and begin a new one with what this peer holds',
  description:
    'For when no quorum is left anywhere; what only others held is lost. Refused while a quorum answers. Answered as `/config/changes`.',
  requestBody: requestOf('AnewRequest'),
  responses: {
    202: jsonOf('This peer starts again, as the only voter of the new network', 'Restarting'),
    ...problems(JSON_PROBLEMS, false, {}),
  },
}

const member: Part = object({ id: text, name: peerName, state })

const SCHEMAS: RouteGroup['schemas'] = {
  Config: object({
    networkId: { type: ['string', 'null'] },
    epoch,
    clusters: mapOf(object({ voters: list(member), learners: list(member) })),
    removed: { ...object({ peers: list(text), clusters: list(text) }), description: 'What is no member any more' },
    change: {
      oneOf: [
        { type: 'null' },
        object({
          epoch: count,
          from: idsByCluster,
          to: idsByCluster,
          startedSecondsAgo: { type: 'number' },
          covered: count,
          needed: count,
        }),
      ],
      description: 'The change in flight: `covered` of the `needed` new voters hold all they must',
    },
  }),
  ChangeRequest: {
    ...object(
      {},
      {
        add: { ...list(text), description: 'Peers that vote from now on' },
        remove: { ...list(text), description: 'Peers that have no vote any more, and are no members' },
        removeCluster: { ...text, pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'A cluster that is removed whole' },
        force: { ...flag, default: false, description: 'Also when a quorum of the voters that would be is out of reach' },
        withdraw: { ...flag, default: false, description: 'Withdraw the change in flight; stands alone' },
      },
    ),
    additionalProperties: false,
  },
  Changed: object({ outcome: { type: 'string', enum: ['changed', 'unchanged'] }, epoch: count }),
  Changing: object({ outcome: { const: 'changing' }, epoch: count, covered: count, needed: count }),
  AnewRequest: {
    ...object({ networkId: { ...text, description: 'Of the network that is given up' } }),
    additionalProperties: false,
  },
  Restarting: object({ outcome: { const: 'restarting' }, networkId: { ...text, description: 'Of the new network' }, epoch: count }),
}
