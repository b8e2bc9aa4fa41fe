/** `/logs`: ordered commands onto stores. */
import type { Logs } from '../../ports/logs.ts'
import type { Exchange } from '../exchange.ts'
import { LogHandlers } from '../logs/handlers.ts'
import { SINCE_HEADER } from '../logs/query.ts'
import { ALWAYS, headerOf, headerParameter, jsonOf, problems, queryParameter, TIMEOUT } from '../openapi-parts.ts'
import type { Part } from '../openapi-parts.ts'
import type { ProblemName } from '../problems.ts'
import { reading } from '../reading.ts'
import type { Route, RouteGroup } from '../route.ts'
import { count, flag, list, object, text } from '../schemas.ts'
import { STORE_KINDS } from '../../settings/settings.ts'

export function logRoutes(logs: Logs): RouteGroup {
  const handlers = new LogHandlers(logs)
  const ask = (exchange: Exchange): void => handlers.ask(exchange)
  const rows: readonly Route[] = [
    {
      path: '/logs/{name}',
      isDirect: true,
      methods: {
        ...reading({ ...ASK, handle: ask }),
        PUT: { scope: 'operate', handle: (exchange) => handlers.create(exchange), operation: CREATE },
        POST: { scope: 'write', handle: (exchange) => handlers.submit(exchange), operation: SUBMIT },
      },
    },
    {
      path: '/logs/{name}/query',
      isDirect: true,
      methods: { POST: { scope: 'read', handle: (exchange) => handlers.query(exchange), operation: QUERY } },
    },
    {
      path: '/logs/{name}/change',
      methods: { POST: { scope: 'operate', handle: (exchange) => handlers.change(exchange), operation: CHANGE } },
    },
    {
      path: '/logs/{name}/transfer',
      methods: { POST: { scope: 'operate', handle: (exchange) => handlers.transfer(exchange), operation: TRANSFER } },
    },
    {
      path: '/logs/{name}/verdict',
      methods: { POST: { scope: 'operate', handle: (exchange) => handlers.verdict(exchange), operation: VERDICT } },
    },
    {
      path: '/logs/{name}/refill',
      methods: { POST: { scope: 'operate', handle: (exchange) => handlers.refill(exchange), operation: REFILL } },
    },
    {
      path: '/logs/{name}/check',
      methods: { POST: { scope: 'operate', handle: (exchange) => handlers.check(exchange), operation: CHECK } },
    },
    {
      path: '/logs/{name}/recover',
      methods: { POST: { scope: 'operate', handle: (exchange) => handlers.recover(exchange), operation: RECOVER } },
    },
    {
      path: '/logs/{name}/end',
      methods: { POST: { scope: 'operate', handle: (exchange) => handlers.end(exchange), operation: END } },
    },
    { path: '/logs/{name}/status', methods: reading({ ...STATUS, handle: (exchange) => handlers.status(exchange) }) },
    { path: '/logs/{name}/role', methods: reading({ ...ROLE, handle: (exchange) => handlers.role(exchange) }) },
  ]
  const all: Route = { path: '/logs', isList: true, methods: reading({ ...LIST, handle: (exchange) => handlers.list(exchange) }) }
  return { routes: [all, ...rows.map((row) => ({ ...row, parameters: [NAME] }))], schemas: SCHEMAS }
}

const NAME: Part = {
  name: 'name',
  in: 'path',
  required: true,
  description: '1 to 64 of letters, digits, `.`, `_`, `-`',
  schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
}

const BODY_PROBLEMS: readonly ProblemName[] = [
  'bad-name',
  'bad-parameter',
  'forbidden',
  'body-timeout',
  'too-large',
  'overloaded',
  ...ALWAYS,
]
const READ_PROBLEMS: readonly ProblemName[] = [
  'bad-name',
  'bad-parameter',
  'not-a-query',
  'unknown-log',
  'log-ended',
  'too-large',
  'unavailable',
  'overloaded',
]

const READ_PARAMETERS: readonly Part[] = [
  queryParameter(
    'consistency',
    '`local`: whatever the store at hand holds, which may be old. `lease`: as new as `linearizable`, and quicker where the log has leases',
    {
      type: 'string',
      enum: ['linearizable', 'lease', 'local'],
      default: 'linearizable',
    },
  ),
  queryParameter(
    'after',
    'In place of `consistency`: a position, as TERM.INDEX, that what is found is at or behind; the offset alone where Kafka orders the log',
    { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?$' },
  ),
  TIMEOUT,
]

const LIST = {
  scope: 'read',
  operationId: 'listLogs',
  summary: 'The logs known here',
  responses: { 200: jsonOf('Each with its store, its place and its members', 'Logs') },
} as const

const ASK = {
  scope: 'read',
  operationId: 'queryLog',
  summary: 'Ask the store of a log',
  parameters: [
    {
      ...queryParameter('q', 'The query, as the store takes it: `{"get":["k"]}`, `{"list":"prefix"}`', { type: 'string' }),
      required: true,
    },
    ...READ_PARAMETERS,
  ],
  responses: { 200: jsonOf('What was found, and at which position', 'Found') },
  refusals: READ_PROBLEMS,
} as const

const STATUS = {
  scope: 'read',
  operationId: 'readLogStatus',
  summary: 'How the replicas of a log stand, as far as they answer within a second',
  responses: { 200: jsonOf('The replicas, and who leads', 'LogStatus') },
  refusals: ['bad-name', 'unknown-log', 'log-ended'],
} as const

const ROLE_HEADERS = { 'Replicator-Role': headerOf(), 'Replicator-Leader': headerOf() }

const ROLE = {
  scope: 'read',
  operationId: 'readLogRole',
  summary: 'What the replica here is, for proxies',
  parameters: [queryParameter('for', 'A method: for any but GET and HEAD the answer is 403 unless this replica leads', { type: 'string' })],
  responses: { 200: { ...jsonOf('The role, and who leads', 'LogRole'), headers: ROLE_HEADERS } },
  refusals: ['bad-name', 'bad-parameter', 'forbidden', 'unknown-log', 'log-ended', 'stalled', 'unavailable'],
} as const

const CREATE: Part = {
  operationId: 'createLog',
  summary: 'Have a log born',
  requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Creation' } } } },
  responses: {
    200: jsonOf('It was born so before', 'Log'),
    201: jsonOf('It is born', 'Log'),
    ...problems(['bad-body', 'log-exists', 'not-ready', ...BODY_PROBLEMS], false, {}),
  },
}

const CHANGE_PROBLEMS: readonly ProblemName[] = [
  'bad-body',
  'change-in-flight',
  'change-refused',
  'not-ready',
  'unknown-log',
  'log-ended',
  'unavailable',
  ...BODY_PROBLEMS,
]

const CHANGE_RESPONSES: Part = {
  200: jsonOf('Nothing was to do', 'LogChanging'),
  202: jsonOf('It is under way, and goes on by itself', 'LogChanging'),
  ...problems(CHANGE_PROBLEMS, false, {}),
}

const CHANGE: Part = {
  operationId: 'changeLog',
  summary: 'Add voters to a log and remove members, or say anew where its voters are to be',
  requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/MemberChanges' } } } },
  responses: CHANGE_RESPONSES,
}

const TRANSFER: Part = {
  operationId: 'transferLog',
  summary: 'Give the lead to another voter',
  requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/NextLeader' } } } },
  responses: CHANGE_RESPONSES,
}

const VERDICT: Part = {
  operationId: 'judgeEntry',
  summary: 'Have the entry at an index, which stores cannot apply, count as rejected. Refused while a member may have applied it',
  requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Verdict' } } } },
  responses: CHANGE_RESPONSES,
}

const REFILL: Part = {
  operationId: 'refillStore',
  summary: 'Have the store here forget what it holds of the log, and be filled anew from another',
  requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Nothing' } } } },
  responses: CHANGE_RESPONSES,
}

const NOTHING_TO_SAY: Part = { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Nothing' } } } }

const CHECK: Part = {
  operationId: 'checkLog',
  summary: 'Compare the contents of all stores, slice by slice. One that is not like most others stops, and its replica says so',
  requestBody: NOTHING_TO_SAY,
  responses: CHANGE_RESPONSES,
}

const RECOVER: Part = {
  operationId: 'recoverLog',
  summary:
    'Have the log go on from the survivor that has most of it, when the majority of its voters is gone for good. Commands that were acknowledged may be lost',
  requestBody: NOTHING_TO_SAY,
  responses: {
    202: jsonOf('What each survivor held, and which of them goes on', 'LogRecovered'),
    ...problems(CHANGE_PROBLEMS, false, {}),
  },
}

const END: Part = {
  operationId: 'endLog',
  summary: 'End the log for good. Its replicas drop what they hold of it; stores keep theirs',
  requestBody: NOTHING_TO_SAY,
  responses: { 200: jsonOf('It has ended', 'LogEnded'), ...problems(CHANGE_PROBLEMS, false, {}) },
}

const SINCE = { [SINCE_HEADER]: headerOf() }

const SUBMIT: Part = {
  operationId: 'submitCommand',
  summary: 'Order a command, and wait until a store has applied it',
  parameters: [
    TIMEOUT,
    headerParameter(
      'Idempotency-Key',
      'Names the command: 1 to 128 visible ASCII characters. It takes effect once, however often it is sent',
    ),
    headerParameter('Replicator-Accel', '`yes`, from a proxy: where another replica leads, 503 names its location in `X-Accel-Redirect`'),
    headerParameter(SINCE_HEADER, 'In a retry: what the answer to the first try said'),
  ],
  requestBody: {
    required: true,
    description:
      'The command, as the store takes it. In a Redis a text of Lua, `redis.call(\'set\', \'hello\', \'world\')`. In a store of SQL a statement, `insert into t values (1)`, or JSON: `{"command":"insert into t values (?)","params":[1]}` (`$1` in PostgreSQL), `{"statements":[…]}`. In kv `{"set":{"k":"v"}}`, `{"delete":["k"]}`, `{"add":{"k":1}}`, `{"append":{"k":"x"}}`, `{"cas":{"k":["old","new"]}}`',
    content: { '*/*': { schema: {} } },
  },
  responses: {
    200: { ...jsonOf('It took effect', 'Ordered'), headers: SINCE },
    ...problems(
      [
        'bad-header',
        'unsupported-encoding',
        'unknown-log',
        'log-ended',
        'outcome-forgotten',
        'rejected',
        'idempotency-key-reused',
        'not-ordered',
        'stalled',
        'in-doubt',
        ...BODY_PROBLEMS,
      ],
      false,
      {},
    ),
  },
}

const QUERY: Part = {
  operationId: 'queryLogByBody',
  summary: 'Ask the store of a log, with the query as the body',
  parameters: READ_PARAMETERS,
  requestBody: { required: true, description: 'The query', content: { '*/*': { schema: {} } } },
  responses: {
    200: jsonOf('What was found, and at which position', 'Found'),
    ...problems([...READ_PROBLEMS, ...BODY_PROBLEMS], false, {}),
  },
}

const position: Part = object({ term: count, index: count }, { offset: { ...count, description: 'Of a log that Kafka orders' } })
const noneOr = (schema: Part): Part => ({ oneOf: [{ type: 'null' }, schema] })
const replicaRole: Part = { enum: ['leader', 'follower', 'candidate', 'learner'] }

const LOG = {
  name: text,
  logId: text,
  store: text,
  place: text,
  lease: { ...flag, description: 'Its leader may answer reads by lease' },
  members: list(object({ peer: text, role: { enum: ['voter', 'learner'] } })),
  role: noneOr(replicaRole),
}

const SCHEMAS: RouteGroup['schemas'] = {
  Log: object(LOG),
  Logs: object({ logs: list(object(LOG)) }),
  LogRole: object({ role: replicaRole, leader: noneOr(text) }),
  LogStatus: object({
    ...LOG,
    leader: noneOr(text),
    term: count,
    commit: count,
    changing: flag,
    generation: { ...count, description: 'How often the log went on from one survivor' },
    replicas: list(
      object({
        peer: text,
        role: replicaRole,
        state: { enum: ['ready', 'stalled', 'no-store', 'halted'] },
        term: count,
        last: { ...position, description: 'Where its log ends, committed or not' },
        commit: count,
        applied: count,
        lag: { ...count, description: 'Entries committed and not in its store' },
        stalled: { ...noneOr(text), description: 'What its store refuses with' },
        digest: { ...noneOr(text), description: 'Of all outcomes: equal where as much is applied' },
      }),
    ),
  }),
  Creation: object(
    { store: { enum: [...STORE_KINDS] } },
    {
      place: { ...text, description: '`cluster:ID`, `spread:N` or `peers:ID,ID,ID`; the cluster of the peer asked where left out' },
      lease: { ...flag, description: 'Its leader may answer reads by lease, where clocks of voters run at most a tenth apart' },
    },
  ),
  LogChanging: object({ changing: flag }),
  LogEnded: object({ ended: { const: true } }),
  LogRecovered: object({
    generation: count,
    survivor: text,
    replicas: list(object({ peer: text, state: text, term: count, index: count, applied: count })),
  }),
  MemberChanges: object(
    {},
    {
      add: { ...list(text), description: 'Peer ids' },
      remove: list(text),
      force: { ...flag, description: 'Though a majority of the members after it is not in touch' },
      place: { ...text, description: 'Alone: `cluster:ID`, `spread:N` or `peers:ID,ID,ID`. The leader carries it out' },
    },
  ),
  NextLeader: object({ to: text }),
  Verdict: object({ index: { ...count, minimum: 1 } }),
  Nothing: object({}),
  Ordered: object({ position, outcome: { const: 'done' }, result: {} }),
  Found: object({ position, result: {} }),
}
