/** The peer as its users see it: requests in, outcomes out. */
import { dataKey } from '../../protocols/base/register.ts'
import type { Outcome } from '../../protocols/effects.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type {
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
import type { Storage } from '../ports/storage.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { clustersView, peersView, statusView } from './views.ts'
import type { Surroundings } from './views.ts'

export interface ServiceInit {
  readonly runtime: Runtime
  readonly storage: Storage
  readonly random: Random
  readonly surroundings: Surroundings
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
    const outcome = await this.init.runtime.ask((client) => ({ ...request, ...times, client }), init.signal)
    if (outcome === undefined) return { kind: 'in-doubt', writeId }
    const ended = putOutcome(outcome)
    this.init.putEnded(ended.kind)
    return ended
  }

  async get(init: GetInit): Promise<GetOutcome> {
    const nowMs = this.clock.nowMs()
    const waitUntilMs = init.waitMs > 0 ? nowMs + init.waitMs : undefined
    const { consistency } = init
    const request = { kind: 'get' as const, key: dataKey(init.key), consistency, waitUntilMs, deadlineMs: nowMs + init.timeoutMs }
    const outcome = await this.init.runtime.ask((client) => ({ ...request, client }), init.signal)
    if (outcome === undefined) return { kind: 'unavailable', detail: 'the client hung up' }
    const ended = getOutcome(outcome)
    this.init.getEnded(ended.kind)
    return ended
  }

  list(prefix: string, after: string, limit: number): { keys: ListedKey[]; more: boolean } {
    try {
      const { entries, more } = this.init.storage.list(prefix, after, limit)
      return { keys: entries.map(({ key, record }): ListedKey => ({ key, record })), more }
    } catch (error) {
      this.init.failed(error as Error)
      throw error
    }
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

  readiness(): Readiness {
    if (this.isStopping) return { ready: false, detail: STOPPING }
    const detail = this.init.runtime.core.missing() ?? (this.isAnnounced ? undefined : STARTING)
    return detail === undefined ? { ready: true } : { ready: false, detail }
  }

  healthy(): boolean {
    return !this.hasFailed
  }
}

function putOutcome(outcome: Outcome): PutOutcome {
  switch (outcome.kind) {
    case 'found':
    case 'absent':
    case 'unavailable':
      throw new TypeError(`a put was answered ${outcome.kind}`)
    default:
      return outcome
  }
}

function getOutcome(outcome: Outcome): GetOutcome {
  switch (outcome.kind) {
    case 'found':
    case 'absent':
    case 'unavailable':
      return outcome
    default:
      throw new TypeError(`a get was answered ${outcome.kind}`)
  }
}
