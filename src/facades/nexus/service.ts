/**
 * What the clients of Nexus ask, over a log. It translates and decides nothing: Save is a submit,
 * Load a query, nodes are the members of the log. It knows nothing of gRPC but its messages.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Identity, PeerId } from '../../../protocols/base/identity.ts'
import type { ChangeRequest, LogView } from '../../../protocols/log/requests.ts'
import { utf8 } from '../../bytes.ts'
import { changeAnswerTo, leaderIn, queryAnswerTo, statusAnswerTo, submitAnswerTo } from '../../http/logs/outcomes.ts'
import type { Logs } from '../../ports/logs.ts'
import type { PeerView } from '../../ports/replicator.ts'
import { CallRefused, refusal, refusalOf } from './refusals.ts'
import { OK, SERVICE } from './messages.ts'
import type {
  Arguments,
  DataRequest,
  DataResponse,
  HealthCheckRequest,
  HealthCheckResponse,
  ListNodesResponse,
  NodeRequest,
  ReplicateRequest,
  ServingStatus,
  Status,
} from './messages.ts'
import { nodeIdOf, nodesOf, peerOf } from './nodes.ts'

/** Between looks at whether a change of the members has come to its end. */
const LOOK_MS = 100
const NULL = utf8.encode('null')
const ID = /^[\x21-\x7e]{1,128}$/

/** How a call goes on while it is served. */
export interface Call {
  /** The longest that it may take. */
  readonly timeoutMs: number
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
  /** The index at the first try; 0 where the client does not say. */
  readonly since: number
  /** Has the answer say where a retry begins. */
  readonly tellSince: (since: number) => void
}

export interface NexusServiceInit {
  readonly logs: Logs
  readonly log: string
  readonly peers: () => readonly PeerView[]
  /** The database number of the store here, as its URL has it; undefined for a store without. */
  readonly database: string | undefined
}

/** Each call ends with its message, or throws CallRefused. */
export class NexusService {
  readonly #init: NexusServiceInit

  constructor(init: NexusServiceInit) {
    this.#init = init
  }

  async save({ data, args }: DataRequest, call: Call): Promise<DataResponse> {
    this.#assertKnown(args, ['id', 'db.index'])
    const id = textOf(args, 'id')
    if (id !== undefined && !ID.test(id)) throw bad('The id is 1 to 128 visible characters of ASCII.')
    return { status: OK, reqData: data, resData: await this.#submit(data, id, call) }
  }

  /** As the first version has it. The message is the result, and empty where there is none. */
  async replicate({ data }: ReplicateRequest, call: Call): Promise<Status> {
    const result = utf8.decode(await this.#submit(data, undefined, call))
    return { code: 0, message: result === 'null' ? '' : result }
  }

  async load({ data, args }: DataRequest, { timeoutMs, signal }: Call): Promise<DataResponse> {
    this.#assertKnown(args, ['consistency', 'db.index'])
    const consistency = textOf(args, 'consistency') ?? 'linearizable'
    if (consistency !== 'linearizable' && consistency !== 'local') throw bad('The consistency is linearizable or local.')
    const answer = await this.#init.logs.query({ log: this.#init.log, query: data, consistency }, timeoutMs, signal)
    if (answer.kind !== 'answered') throw new CallRefused(refusalOf(queryAnswerTo(answer)))
    return { status: OK, reqData: data, resData: answer.result }
  }

  addNode(request: NodeRequest, call: Call): Promise<Status> {
    return this.#change(
      request,
      call,
      (peerId) => ({ add: [peerId], remove: [] }),
      (log, peerId) => !log.isChanging && has(log.voters, peerId),
    )
  }

  removeNode(request: NodeRequest, call: Call): Promise<Status> {
    const isGone = (log: LogView, peerId: PeerId): boolean => !has([...log.voters, ...log.learners], peerId)
    return this.#change(
      request,
      call,
      (peerId) => ({ add: [], remove: [peerId] }),
      (log, peerId) => !log.isChanging && isGone(log, peerId),
    )
  }

  async listNodes(): Promise<ListNodesResponse> {
    const answer = await this.#init.logs.status(this.#init.log)
    if (answer.kind !== 'status') throw new CallRefused(refusalOf(statusAnswerTo(answer)))
    const { log, replicas } = answer
    const leading = leaderIn(replicas)
    const leader = leading === undefined ? '0' : nodeIdOf(leading.peerId)
    return { status: OK, leader, nodes: nodesOf(log, replicas, this.#init.peers()) }
  }

  async check({ service }: HealthCheckRequest): Promise<HealthCheckResponse> {
    return { status: service === '' || service === SERVICE ? await this.serving() : 'UNKNOWN' }
  }

  /** A peer without a replica passes on what it is asked, and so serves once it knows the log. */
  async serving(): Promise<ServingStatus> {
    const answer = await this.#init.logs.role(this.#init.log)
    if (answer.kind !== 'role') return 'NOT_SERVING'
    const { own, isInTouch } = answer
    return own === undefined || (own.state === 'ready' && isInTouch) ? 'SERVING' : 'NOT_SERVING'
  }

  async #submit(command: Uint8Array, id: string | undefined, { timeoutMs, signal, since, tellSince }: Call): Promise<Uint8Array> {
    const { logs, log } = this.#init
    const submitId = (id as ReturnType<Logs['newSubmitId']> | undefined) ?? logs.newSubmitId()
    const request = { log, submitId, isNamedByClient: id !== undefined, since, command }
    const answer = await logs.submit(request, timeoutMs, signal)
    if (answer.kind !== 'outcome' || answer.outcome.kind !== 'done') throw new CallRefused(refusalOf(submitAnswerTo(answer, submitId)))
    if (answer.since !== undefined && answer.since > 0) tellSince(answer.since)
    const { result } = answer.outcome
    return result.length === 0 ? NULL : result
  }

  /** Waits for the end of the change as long as the call may take; it goes on after that. */
  async #change(
    { nodeUrl }: NodeRequest,
    { timeoutMs, signal }: Call,
    membersOf: (peerId: PeerId) => Pick<ChangeRequest, 'add' | 'remove'>,
    isSo: (log: LogView, peerId: PeerId) => boolean,
  ): Promise<Status> {
    const { logs, log, peers } = this.#init
    const peerId = peerOf(nodeUrl, peers())
    if (peerId === undefined)
      throw bad(`No peer is known by ${JSON.stringify(nodeUrl)}: name one by its peer id, or by a multiaddr where it listens.`)
    const deadlineMs = performance.now() + timeoutMs
    const answer = await logs.change({ kind: 'change', log, isForced: false, ...membersOf(peerId) }, timeoutMs)
    if (answer.kind === 'changed') return OK
    if (answer.kind !== 'changing') throw new CallRefused(refusalOf(changeAnswerTo(answer)))
    while (!signal.aborted && performance.now() + LOOK_MS < deadlineMs) {
      await delay(LOOK_MS)
      const view = await logs.status(log)
      if (view.kind === 'status' && isSo(view.log, peerId)) return OK
    }
    return { code: 0, message: 'The change is under way.' }
  }

  #assertKnown(args: Arguments, names: readonly string[]): void {
    const unknown = Object.keys(args).find((name) => !names.includes(name))
    if (unknown !== undefined) throw bad(`The argument ${JSON.stringify(unknown)} is not known here; there are ${names.join(', ')}.`)
    const index = textOf(args, 'db.index')
    const { database } = this.#init
    if (index === undefined || index === database) return
    throw bad(
      database === undefined
        ? 'The store here has no database numbers.'
        : `The store here is the database ${database}, and no other is kept.`,
    )
  }
}

function textOf(args: Arguments, name: string): string | undefined {
  const value = args[name]
  try {
    return value === undefined ? undefined : utf8.decode(value)
  } catch {
    throw bad(`The argument ${name} is no text.`)
  }
}

function has(members: readonly Identity[], peerId: PeerId): boolean {
  return members.some((member) => member.peerId === peerId)
}

function bad(detail: string): CallRefused {
  return new CallRefused(refusal('bad-parameter', detail))
}
