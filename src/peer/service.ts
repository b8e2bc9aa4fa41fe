/** The peer as its users see it: requests in, outcomes out. */
import { dataKey } from '../../protocols/base/register.ts'
import type { NetworkId } from '../../protocols/base/identity.ts'
import { holdsMajority } from '../../protocols/base/quorum.ts'
import type { ChangeOutcome } from '../../protocols/effects.ts'
import type { ClientId } from '../../protocols/events.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type {
  AnewOutcome,
  ChangeInit,
  ConfigView,
  Counted,
  GetInit,
  GetOutcome,
  ListedKey,
  PeerView,
  PutInit,
  PutOutcome,
  Readiness,
  Replicator,
  StatusView,
} from '../ports/replicator.ts'
import type { TypePort } from '../ports/types.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { clustersView, configView, peersView, statusView } from './views.ts'
import type { Surroundings } from './views.ts'

export interface ServiceInit {
  readonly runtime: Runtime
  readonly random: Random
  readonly surroundings: Surroundings
  /**
   * Ends this peer and starts it again in the network of this id, which begins with what it holds.
   */
  readonly restart: (networkId: NetworkId) => void
  /** The store cannot be read: the process must end. */
  readonly failed: (error: Error) => void
  /** How each request ended, for the counters. */
  readonly putEnded: (kind: PutOutcome['kind']) => void
  readonly getEnded: (kind: GetOutcome['kind']) => void
}

const STARTING = 'the peer is starting'
const STOPPING = 'the peer is stopping'

export class PeerService implements Replicator {
  private readonly init: ServiceInit
  private readonly clock: Clock
  private isAnnounced = false
  private isStopping = false
  private hasFailed = false

  constructor(init: ServiceInit) {
    this.init = init
    this.clock = init.surroundings.clock
  }

  /** The start-up line was printed: from now on readiness is told as it is. */
  announce(): void {
    this.isAnnounced = true
  }

  /** From now on the peer is not ready; what was begun is finished. */
  stopping(): void {
    this.isStopping = true
  }

  /** The process can serve no more. */
  failed(): void {
    this.hasFailed = true
  }

  async put(init: PutInit): Promise<PutOutcome> {
    const { value, contentType } = init
    const writeId = init.writeId ?? this.init.random.id()
    const deadlineMs = this.clock.nowMs() + init.timeoutMs
    const times = { writtenAtMs: this.clock.wallMs(), deadlineMs }
    const request = { kind: 'put' as const, key: dataKey(init.key), value, contentType, writeId, writeIdGiven: init.writeId !== undefined }
    const outcome = await this.init.runtime.ask((client) => ({ ...request, ...times, client }), init)
    if (outcome === undefined) return { kind: 'in-doubt', writeId }
    this.init.putEnded(outcome.kind)
    return outcome
  }

  async get(init: GetInit): Promise<GetOutcome> {
    const nowMs = this.clock.nowMs()
    const waitUntilMs = init.waitMs > 0 ? nowMs + init.waitMs : undefined
    const { consistency } = init
    const request = { kind: 'get' as const, key: dataKey(init.key), consistency, waitUntilMs, deadlineMs: nowMs + init.timeoutMs }
    const outcome = await this.init.runtime.ask((client) => ({ ...request, client }), init)
    if (outcome === undefined) return { kind: 'unavailable', detail: 'the client hung up' }
    this.init.getEnded(outcome.kind)
    return outcome
  }

  valueBytes(key: string): number {
    return this.readStore(() => this.init.runtime.valueBytes(dataKey(key)))
  }

  list(prefix: string, after: string, limit: number): { keys: ListedKey[]; more: boolean } {
    const { entries, more } = this.readStore(() => this.init.runtime.list(prefix, after, limit))
    return { keys: entries.map(({ key, record }): ListedKey => ({ key, record })), more }
  }

  count(prefix: string, after: string, limit: number): Counted {
    return this.readStore(() => this.init.runtime.count(prefix, after, limit))
  }

  peers(): PeerView[] {
    return peersView(this.init.runtime.core, this.init.surroundings)
  }

  clusters(): Record<string, readonly string[]> {
    return clustersView(this.init.runtime.core)
  }

  status(): StatusView {
    return statusView(this.init.runtime.core, this.init.surroundings)
  }

  config(): ConfigView {
    return configView(this.init.runtime.core, this.init.surroundings)
  }

  async change({ request, timeoutMs, signal }: ChangeInit): Promise<ChangeOutcome> {
    const event = { kind: 'change' as const, request, deadlineMs: this.clock.nowMs() + timeoutMs }
    const outcome = await this.init.runtime.ask((client) => ({ ...event, client }), { signal })
    return outcome ?? { kind: 'change-expired', detail: 'the client hung up' }
  }

  readonly types: TypePort = {
    ask: async (type, request, timeoutMs, signal) => {
      const event = { kind: 'typed' as const, type, request, deadlineMs: this.clock.nowMs() + timeoutMs }
      const outcome = await this.init.runtime.ask((client) => ({ ...event, client }), { signal })
      return outcome?.answer
    },
    watch: (type, request, told) => {
      const build = (asked: unknown) => (client: ClientId) => ({
        kind: 'typed' as const,
        type,
        request: asked,
        deadlineMs: Number.POSITIVE_INFINITY,
        client,
      })
      const { say, end } = this.init.runtime.watch(build(request), ({ answer }, isLast) => told(answer, isLast))
      return { say: (more) => say(build(more)), end }
    },
  }

  beginAnew(confirmed: string): AnewOutcome {
    const { core } = this.init.runtime
    const { config } = core
    const refused = (detail: string): AnewOutcome => ({ kind: 'change-refused', detail })
    if (this.isStopping) return refused(STOPPING)
    if (config === undefined) return refused('this peer is in no network yet')
    if (confirmed !== config.networkId) return refused(`this peer is in network ${config.networkId}, not in ${confirmed}`)
    if (holdsMajority(config.clusters, (voter) => core.hasAnswered(voter))) {
      return refused('a quorum of the voters answers, so nothing needs to be given up: remove the peers or clusters that are lost')
    }
    const networkId = this.init.random.id() as NetworkId
    this.stopping()
    this.init.restart(networkId)
    return { kind: 'restarting', networkId, epoch: config.epoch + 1 }
  }

  readiness(): Readiness {
    if (this.isStopping) return { ready: false, detail: STOPPING }
    const detail = this.init.runtime.core.missing() ?? (this.isAnnounced ? undefined : STARTING)
    return detail === undefined ? { ready: true } : { ready: false, detail }
  }

  healthy(): boolean {
    return !this.hasFailed
  }

  private readStore<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      this.init.failed(error as Error)
      throw error
    }
  }
}
