/**
 * What hraftd's clients ask, over a log whose stores are key-value stores. It translates and decides
 * nothing: pairs of one POST are one command, and any peer takes it.
 */
import type { PeerId } from '../../../protocols/base/identity.ts'
import { LOG_LIMITS } from '../../../protocols/log/limits.ts'
import type { ReplicaView } from '../../../protocols/log/requests.ts'
import { utf8 } from '../../bytes.ts'
import { isPeerId } from '../../peer-id.ts'
import type { Logs, RoleAnswer } from '../../ports/logs.ts'
import { json, text } from '../../http/answers.ts'
import type { Answer } from '../../http/answers.ts'
import { takeWhole } from '../../http/body.ts'
import type { Exchange } from '../../http/exchange.ts'
import { unlessElsewhere } from '../../http/logs/accel.ts'
import { changeAnswerTo, queryAnswerTo, statusAnswerTo, submitAnswerTo } from '../../http/logs/outcomes.ts'
import { percentDecode } from '../../http/percent.ts'
import { parse } from '../../http/query.ts'
import { pathOf, queryOf } from '../../http/target.ts'

const KEY_PREFIX = '/key/'
const TIMEOUT_MS = 10_000
const JOIN_BYTES_MAX = 65_536
const PAIRS = 'The body is an object of keys and texts, as {"k":"v"}, and no key is empty. Nothing was set.'
const JOIN = 'The body names a peer by its id, as {"addr":"…","id":"12D3KooW…"}. Nobody was added.'
const STATES: Readonly<Record<ReplicaView['role'], string>> = {
  leader: 'Leader',
  follower: 'Follower',
  candidate: 'Candidate',
  learner: 'Follower',
}

export class HraftdHandlers {
  readonly #logs: Logs
  readonly #log: string

  constructor(logs: Logs, log: string) {
    this.#logs = logs
    this.#log = log
  }

  set(exchange: Exchange): void {
    takeWhole(exchange, LOG_LIMITS.commandBytesMax, 'Nothing was set.', (body) => {
      const pairs = pairsOf(body)
      if (pairs === undefined) return exchange.refuse('bad-body', PAIRS)
      this.#write(exchange, { set: pairs })
    })
  }

  delete(exchange: Exchange): void {
    const key = keyOf(exchange)
    if (key !== undefined && exchange.enter()) this.#write(exchange, { delete: [key] })
  }

  get(exchange: Exchange): void {
    const key = keyOf(exchange)
    if (key === undefined) return
    const level = levelOf(exchange)
    if (level === undefined || !exchange.enter()) return
    const query = utf8.encode(JSON.stringify({ get: [key] }))
    const work = this.#logs.query({ log: this.#log, query, consistency: level }, TIMEOUT_MS, exchange.signal)
    exchange.follow(work, TIMEOUT_MS, (answer) => {
      if (answer.kind !== 'answered') return exchange.send(queryAnswerTo(answer))
      const found = JSON.parse(utf8.decode(answer.result)) as Record<string, string | null>
      // A missing key is an empty text, as there.
      exchange.send(json(200, Object.fromEntries([[key, found[key] ?? '']])))
    })
  }

  join(exchange: Exchange): void {
    takeWhole(exchange, JOIN_BYTES_MAX, 'Nobody was added.', (body) => {
      const fields = fieldsOf(body)
      const id = fields?.['id']
      if (typeof fields?.['addr'] !== 'string' || typeof id !== 'string' || !isPeerId(id)) return exchange.refuse('bad-body', JOIN)
      const request = { kind: 'change', log: this.#log, add: [id], remove: [] as PeerId[], isForced: false } as const
      exchange.follow(this.#logs.change(request, TIMEOUT_MS), TIMEOUT_MS, (answer) =>
        exchange.send(answer.kind === 'changing' || answer.kind === 'changed' ? done() : changeAnswerTo(answer)),
      )
    })
  }

  status(exchange: Exchange): void {
    exchange.follow(this.#logs.status(this.#log), 0, (answer) => {
      if (answer.kind !== 'status') return exchange.send(statusAnswerTo(answer))
      const peers = exchange.context.replicator.peers()
      const node = (id: string): object => ({ id, address: peers.find((peer) => peer.id === id)?.addresses[0] ?? '' })
      const self = exchange.context.replicator.status().peerId
      const leader = answer.replicas.toSorted((a, b) => b.term - a.term).find(({ role }) => role === 'leader')?.peer.peerId
      const followers = answer.log.voters.map(({ peerId }) => peerId).filter((peerId) => peerId !== leader)
      exchange.send(
        json(200, {
          me: node(self),
          leader: leader === undefined ? { id: '', address: '' } : node(leader),
          followers: followers.map(node),
        }),
      )
    })
  }

  raft(exchange: Exchange): void {
    exchange.follow(this.#logs.role(this.#log), 0, (answer) =>
      exchange.send(json(200, { State: stateOf(answer), Node: exchange.context.replicator.status().peerId })),
    )
  }

  #write(exchange: Exchange, command: object): void {
    unlessElsewhere(exchange, this.#logs, this.#log, () => this.#submit(exchange, command))
  }

  #submit(exchange: Exchange, command: object): void {
    const submitId = this.#logs.newSubmitId()
    const request = { log: this.#log, submitId, isNamedByClient: false, since: 0, command: utf8.encode(JSON.stringify(command)) }
    exchange.follow(this.#logs.submit(request, TIMEOUT_MS, exchange.signal), TIMEOUT_MS, (answer) => {
      const outcome = answer.kind === 'outcome' ? answer.outcome : undefined
      if (outcome?.kind === 'done') exchange.send(done())
      else if (outcome?.kind === 'rejected') exchange.refuse('bad-body', `${PAIRS} (${outcome.code})`)
      else exchange.send(submitAnswerTo(answer, submitId))
    })
  }
}

function done(): Answer {
  return text(200, 'text/plain', '')
}

function stateOf(answer: RoleAnswer): string {
  const own = answer.kind === 'role' ? answer.own : undefined
  return own === undefined ? 'Follower' : STATES[own.role]
}

function keyOf(exchange: Exchange): string | undefined {
  const { text: key } = percentDecode(pathOf(exchange.request).slice(KEY_PREFIX.length), false)
  if (key !== undefined && key !== '') return key
  exchange.refuse('bad-key', 'The key is no text, or empty.')
  return undefined
}

/** @returns undefined for a level that is not known; the request is then answered */
function levelOf(exchange: Exchange): 'linearizable' | 'local' | undefined {
  const query = queryOf(exchange.request)
  if (query === '') return 'linearizable'
  const values = parse(query, ['level'])
  if (!('parameter' in values) && values.found.get('level') === 'stale') return 'local'
  exchange.refuse(
    'bad-parameter',
    'level=stale asks for what is here, which may be old; without it nothing older than the request is shown.',
    {
      parameter: 'level',
    },
  )
  return undefined
}

function pairsOf(body: Uint8Array): Record<string, string> | undefined {
  const fields = fieldsOf(body)
  const isFit = fields !== undefined && Object.entries(fields).every(([key, value]) => key !== '' && typeof value === 'string')
  return isFit ? (fields as Record<string, string>) : undefined
}

/** Whatever the content type says: curl -d sends another. */
function fieldsOf(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(body))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
