/** Logs that answer as a test says: what HTTP is tried over. */
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import type { SubmitId } from '../../protocols/log/entry.ts'
import type { ChangeRequest, LogAnswerOf, LogView, ReplicaView, TransferRequest } from '../../protocols/log/requests.ts'
import { utf8 } from '../../src/bytes.ts'
import type { ChangeAnswer, CreateAnswer, Logs, QueryAnswer, RoleAnswer, StatusAnswer, SubmitAnswer } from '../../src/ports/logs.ts'

/** The name of a command that its client did not name. */
export const DRAWN_SUBMIT = 'drawn-0002'
export const PEER: Identity = identity('12D3KooWone' as PeerId, '0'.repeat(32) as Incarnation)

export const REPLICA: ReplicaView = {
  peer: PEER,
  role: 'leader',
  state: 'ready',
  generation: 0,
  term: 3,
  last: { term: 3, index: 9 },
  commit: 9,
  applied: 8,
  code: '',
  digest: 'd'.repeat(32),
  leader: PEER,
}

export const LOG_VIEW: LogView = {
  name: 'orders',
  logId: '1'.repeat(32),
  store: 'kv',
  place: 'cluster:c1',
  voters: [PEER],
  learners: [],
  isLeased: false,
  isChanging: false,
  own: REPLICA,
}

export class FakeLogs implements Logs {
  /** What was asked, in order, without signals. */
  readonly asked: unknown[] = []
  onSubmit: SubmitAnswer = {
    kind: 'outcome',
    position: { term: 3, index: 9 },
    outcome: { kind: 'done', result: utf8.encode('{"add":{"n":1}}') },
    since: 7,
  }
  onQuery: QueryAnswer = { kind: 'answered', position: { term: 3, index: 9 }, result: utf8.encode('{"k":"v"}') }
  onCreate: CreateAnswer = { kind: 'created', log: LOG_VIEW, isNew: true }
  onChange: ChangeAnswer = { kind: 'changing' }
  onStatus: StatusAnswer = { kind: 'status', log: LOG_VIEW, replicas: [REPLICA] }
  onRole: RoleAnswer = { kind: 'role', own: REPLICA, isInTouch: true }

  newSubmitId(): SubmitId {
    return DRAWN_SUBMIT as SubmitId
  }

  async submit({ command, ...request }: Parameters<Logs['submit']>[0], timeoutMs: number): Promise<SubmitAnswer> {
    this.asked.push({ ...request, command: utf8.decode(command), timeoutMs })
    return this.onSubmit
  }

  async query({ query, ...request }: Parameters<Logs['query']>[0], timeoutMs: number): Promise<QueryAnswer> {
    this.asked.push({ ...request, query: utf8.decode(query), timeoutMs })
    return this.onQuery
  }

  async create(request: Parameters<Logs['create']>[0]): Promise<CreateAnswer> {
    this.asked.push(request)
    return this.onCreate
  }

  async change(request: ChangeRequest | TransferRequest): Promise<ChangeAnswer> {
    this.asked.push(request)
    return this.onChange
  }

  async list(): Promise<Extract<LogAnswerOf, { readonly kind: 'logs' }>> {
    return { kind: 'logs', logs: [LOG_VIEW, { ...LOG_VIEW, name: 'team', own: undefined }] }
  }

  async status(): Promise<StatusAnswer> {
    return this.onStatus
  }

  async role(): Promise<RoleAnswer> {
    return this.onRole
  }
}
