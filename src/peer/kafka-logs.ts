/**
 * `-log-order`: logs of this peer that Kafka orders. A replica here keeps the store, as `replicator
 * replica` does where there is no peer, and clients of HTTP and of facades are served by it as of any
 * other log. Brokers that are away keep no peer from starting, and none of its keys from being served.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { Incarnation } from '../../protocols/base/identity.ts'
import type { KafkaStatus } from '../../protocols/log/kafka/replica.ts'
import { indexOf, offsetOf, textOf } from '../../protocols/log/kafka/record.ts'
import type { LogView, QueryRequest, ReplicaView, SubmitRequest, VerdictRequest } from '../../protocols/log/requests.ts'
import { utf8 } from '../bytes.ts'
import { cluster } from '../kluster/kluster.ts'
import type { Cluster } from '../kluster/kluster.ts'
import type { Answer, Outcome } from '../kluster/outcomes.ts'
import { TooManyWait } from '../kluster/cluster.ts'
import type { SqlParams, Statement } from '../kluster/cluster.ts'
import { openReplica } from '../kluster/replica.ts'
import type { Replica } from '../kluster/replica.ts'
import type { ChangeAnswer, Logs, QueryAnswer, RoleAnswer, StatusAnswer, SubmitAnswer } from '../ports/logs.ts'
import type { Standing } from '../ports/ordered-topics.ts'
import type { LogOffer, LogOrder, Settings } from '../settings/settings.ts'
import type { TypeFigure } from '../telemetry/metrics.ts'
import { PRIVATE } from './open-store.ts'
import type { Warnings } from './warnings.ts'

/** Of the data directory. */
const FOLDER = 'logs'
/** Between tries to begin, in milliseconds. */
const RETRY_MS = 5_000
/** How long a beginning is waited for at the end, in milliseconds. */
const STOP_MS = 2_000
/** Who says nothing for longer than this is not known to stand as it said, and then is left out. */
const SILENT_MS = 10_000
const GONE_MS = 3_600_000
/** Positions of these logs have no term of any leader of ours. */
const NO_TERM = 0

export interface KafkaLogsInit {
  readonly config: Settings
  /** Of the data. */
  readonly directory: string
  readonly self: Identity
  readonly logger: Logger
  readonly warnings: Warnings
  readonly observe: (figures: readonly TypeFigure[]) => void
}

/** @param closers get what ends them. @returns all logs: those of Kafka, and `others` */
export function withKafkaLogs(init: KafkaLogsInit, others: Logs, closers: (() => Promise<void>)[]): Logs {
  const kept = new Map<string, KafkaLog>()
  for (const order of init.config.logOrders) {
    const offer = init.config.logs.find(({ log }) => log === order.log)
    if (offer !== undefined) kept.set(order.log, new KafkaLog(init, order, offer))
  }
  if (kept.size === 0) return others
  mkdirSync(join(init.directory, FOLDER), { recursive: true, mode: PRIVATE })
  for (const log of kept.values()) {
    log.start()
    closers.push(() => log.stop())
  }
  init.observe(figuresOf([...kept.values()]))
  return {
    newSubmitId: () => others.newSubmitId(),
    submit: (request, timeoutMs, signal) => kept.get(request.log)?.submit(request, timeoutMs) ?? others.submit(request, timeoutMs, signal),
    query: (request, timeoutMs, signal) => kept.get(request.log)?.query(request, timeoutMs) ?? others.query(request, timeoutMs, signal),
    create: async (request, timeoutMs) => {
      const log = kept.get(request.log)
      return log === undefined ? others.create(request, timeoutMs) : { kind: 'exists', log: log.view }
    },
    change: (request, timeoutMs) => kept.get(request.log)?.change(request) ?? others.change(request, timeoutMs),
    list: async () => ({ kind: 'logs', logs: [...(await others.list()).logs, ...[...kept.values()].map(({ view }) => view)] }),
    status: (log) => kept.get(log)?.status() ?? others.status(log),
    role: (log) => kept.get(log)?.role() ?? others.role(log),
    isByOffset: (log) => kept.has(log),
  }
}

class KafkaLog {
  readonly #init: KafkaLogsInit
  readonly #order: LogOrder
  readonly #offer: LogOffer
  readonly #client: Cluster
  readonly #stopping = new AbortController()
  #replica: Replica | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(init: KafkaLogsInit, order: LogOrder, offer: LogOffer) {
    this.#init = init
    this.#order = order
    this.#offer = offer
    this.#client = cluster({ name: order.log, order: order.url })
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    const replica = this.#replica
    await Promise.allSettled([replica?.host.stop(), this.#client.close()])
    // A broker that does not answer holds up no end: the driver gives up by itself.
    await Promise.race([this.#running, delay(STOP_MS, undefined, { ref: false })])
  }

  /** Undefined while it has not begun. */
  get standing(): KafkaStatus | undefined {
    return this.#replica?.host.status
  }

  get view(): LogView {
    const { log, brokers } = this.#order
    const own = this.#ownView()
    return {
      name: log,
      logId: this.#replica?.topicId ?? '',
      store: this.#offer.kind,
      place: `kafka:${brokers.addresses.join(',')}`,
      voters: [],
      learners: [this.#init.self],
      isLeased: false,
      isChanging: false,
      own,
    }
  }

  async submit({ submitId, since, command }: SubmitRequest | Omit<SubmitRequest, 'kind'>, timeoutMs: number): Promise<SubmitAnswer> {
    const asked = askedIn(command)
    if (asked === undefined) return { kind: 'not-ordered', why: 'no-leader' }
    const options = { id: submitId, timeoutMs, ...(since > 0 && { since: offsetOf(since) }) }
    try {
      const outcome =
        asked.kind === 'statements'
          ? await this.#client.transaction(asked.statements, options)
          : await this.#client.exec(asked.sql, asked.params, options)
      return submitAnswerOf(outcome, since)
    } catch (error) {
      // An earlier try by the same name is under way, or this peer is ending.
      return error instanceof TooManyWait ? { kind: 'not-ordered', why: 'overloaded' } : { kind: 'in-doubt', since }
    }
  }

  async query({ query, consistency }: Omit<QueryRequest, 'kind'>, timeoutMs: number): Promise<QueryAnswer> {
    if (consistency === 'local') return this.#local(query)
    const asked = askedIn(query)
    if (asked === undefined) return { kind: 'not-a-query', detail: 'it is no UTF-8' }
    if (asked.kind === 'statements') return { kind: 'not-a-query', detail: 'several statements are a command' }
    const how = typeof consistency === 'object' ? { after: offsetOf(consistency.after.index) } : { linearizable: true }
    const answer = await this.#client.query(asked.sql, asked.params, { ...how, timeoutMs }).catch((): Answer => ({ kind: 'unavailable' }))
    switch (answer.kind) {
      case 'answered':
        if (answer.isCut) return { kind: 'result-too-large' }
        return { kind: 'answered', position: positionAt(answer.position), result: utf8.encode(JSON.stringify(answer.result)) }
      case 'not-a-query':
        return answer
      case 'unavailable':
        return { kind: 'unavailable', why: 'no-majority' }
    }
  }

  async change(request: VerdictRequest | { readonly kind: string }): Promise<ChangeAnswer> {
    if (!isVerdict(request)) return { kind: 'not-ready', detail: `Kafka orders this log, and "${request.kind}" is nothing that it knows` }
    const { index } = request
    const { host } = this.#replica ?? {}
    if (host === undefined) return { kind: 'unavailable', why: 'no-majority' }
    return host.judge(offsetOf(index)).then(
      () => ({ kind: 'changing' }),
      () => ({ kind: 'unavailable', why: 'no-majority' }),
    )
  }

  async status(): Promise<StatusAnswer> {
    const standings = await this.#standings()
    const self = this.#init.self.peerId
    const own = this.#ownView()
    const others = standings.filter(({ replica }) => replica !== self).map((each) => viewOf(each, Date.now()))
    return { kind: 'status', log: this.view, replicas: [...(own === undefined ? [] : [own]), ...others] }
  }

  /** Whoever keeps a store takes writes: to a proxy each leads. */
  async role(): Promise<RoleAnswer> {
    const own = this.#ownView()
    const leading = own && { ...own, role: 'leader' as const, leader: this.#init.self }
    return { kind: 'role', own: leading, isInTouch: own?.state === 'ready' }
  }

  async #standings(): Promise<readonly Standing[]> {
    try {
      const all = (await this.#replica?.topics.standings()) ?? []
      return all.filter(({ toldAtMs }) => Date.now() - toldAtMs < GONE_MS)
    } catch (error) {
      this.#init.logger.debug({ err: error }, 'how other replicas stand is not known')
      return []
    }
  }

  #ownView(): ReplicaView | undefined {
    const { standing } = this
    if (standing === undefined) return undefined
    const { state, why, doneOffset, endOffset } = standing
    const told = { replica: this.#init.self.peerId, state, why, doneOffset, endOffset, toldAtMs: Date.now() }
    return { ...viewOf(told, Date.now()), peer: this.#init.self }
  }

  async #local(query: Uint8Array): Promise<QueryAnswer> {
    const { host } = this.#replica ?? {}
    if (host === undefined || host.lagMs > this.#init.config.logLagMs) return { kind: 'unavailable', why: 'stalled' }
    const said = await host.look(query)
    if (said.kind === 'unavailable') return { kind: 'unavailable', why: 'stalled' }
    if (said.kind === 'not-a-query') return said
    return { kind: 'answered', position: { term: NO_TERM, index: said.index }, result: utf8.encode(said.result) }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { log, url } = this.#order
    const { config, directory, self, logger, warnings } = this.#init
    while (!signal.aborted) {
      try {
        const replica = await openReplica({
          log,
          order: this.#order,
          offer: this.#offer,
          storePassword: config.storePasswords.find((each) => each.log === log)?.path,
          secretMode: config.secretMode,
          directory: join(directory, FOLDER),
          name: self.peerId,
          behindMs: config.logLagMs,
          logger,
          told: (line) => warnings.set(`log ${log}`, line),
        })
        this.#replica = replica
        if (!signal.aborted) await replica.host.start()
        if (signal.aborted) await replica.host.stop()
        return
      } catch (error) {
        const warning = `log ${log}, which ${url.split('?')[0] ?? ''} orders, is not kept here: ${reasonOf(error)}`
        logger.warn(warning)
        warnings.set(`log ${log}`, warning)
        await this.#replica?.host.stop()
        this.#replica = undefined
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }
}

function isVerdict(request: { readonly kind: string }): request is VerdictRequest {
  return request.kind === 'verdict'
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
}

type Asked =
  | { readonly kind: 'one'; readonly sql: string; readonly params: SqlParams }
  | { readonly kind: 'statements'; readonly statements: readonly Statement[] }

/** A text of SQL, or JSON as stores of SQL take it; undefined for what is no text. */
function askedIn(bytes: Uint8Array): Asked | undefined {
  const text = textOf(bytes, utf8)
  if (text === undefined) return undefined
  try {
    const { command, params = [], statements } = JSON.parse(text) as Partial<Statement> & { readonly statements?: readonly Statement[] }
    if (Array.isArray(statements)) return { kind: 'statements', statements }
    if (typeof command === 'string') return { kind: 'one', sql: command, params }
  } catch {
    // It is SQL.
  }
  return { kind: 'one', sql: text, params: [] }
}

function submitAnswerOf(outcome: Outcome<unknown>, since: number): SubmitAnswer {
  switch (outcome.kind) {
    case 'done': {
      const result = utf8.encode(JSON.stringify(outcome.result ?? 'truncated'))
      return { kind: 'outcome', position: positionAt(outcome.position), outcome: { kind: 'done', result } }
    }
    case 'rejected': {
      const { class: named, code, position } = outcome
      return { kind: 'outcome', position: positionAt(position), outcome: { kind: 'rejected', class: named, code, isPartial: false } }
    }
    case 'reused':
    case 'forgotten':
      return { kind: 'outcome', position: positionAt(-1), outcome: { kind: outcome.kind } }
    case 'not-ordered':
      return { kind: 'not-ordered', why: 'no-leader' }
    case 'in-doubt':
      return { kind: 'in-doubt', since }
  }
}

function positionAt(offset: number): { readonly term: number; readonly index: number } {
  return { term: NO_TERM, index: indexOf(offset) }
}

/** As that of any other log. What catches up, or is cut off, does not serve what is newest. */
function viewOf({ replica, state, why, doneOffset, endOffset, toldAtMs }: Standing, nowMs: number): ReplicaView {
  const isSilent = nowMs - toldAtMs > SILENT_MS
  const known = state === 'ready' || state === 'halted' ? state : 'stalled'
  const code = state === 'ready' ? '' : (why ?? state)
  return {
    // Of a replica that is no peer: its name.
    peer: identity(replica as PeerId, NO_INCARNATION),
    role: 'learner',
    state: isSilent ? 'stalled' : known,
    generation: 0,
    term: NO_TERM,
    last: { term: NO_TERM, index: endOffset },
    commit: endOffset,
    applied: doneOffset,
    code: isSilent ? 'silent' : code,
    digest: '',
    leader: undefined,
  }
}

const NO_INCARNATION = '00000000000000000000000000000000' as Incarnation

function figuresOf(logs: readonly KafkaLog[]): readonly TypeFigure[] {
  const standings = (): readonly KafkaStatus[] => logs.flatMap(({ standing }) => standing ?? [])
  return [
    {
      name: 'lag',
      help: 'Records of logs that Kafka orders which the databases of this peer have not applied',
      kind: 'gauge',
      read: () => standings().reduce((sum, { doneOffset, endOffset }) => sum + Math.max(0, endOffset - doneOffset), 0),
    },
    {
      name: 'not_ready',
      help: 'Logs that Kafka orders whose replica at this peer is not ready',
      kind: 'gauge',
      read: () => logs.length - standings().filter(({ state }) => state === 'ready').length,
    },
  ]
}
