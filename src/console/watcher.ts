/**
 * Asks the peer once a second how it sees the network, for as long as somebody looks: a page in the
 * background asks seldom.
 */
import { ClientFailed } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import { withSample } from './history.ts'
import { readMetrics } from './prometheus.ts'
import type { State, Trouble } from './state.ts'
import type { Store } from './store.ts'

const LOOK_MS = 1_000
const HIDDEN_LOOK_MS = 15_000
/** A peer that takes longer is told of as silent. */
const ANSWER_MS = 1_500

export class Watcher {
  readonly #store: Store<State>
  readonly #clientOf: () => Client
  #timer: ReturnType<typeof setTimeout> | undefined
  #round = 0

  /** @param clientOf with the token that holds now */
  constructor(store: Store<State>, clientOf: () => Client) {
    this.#store = store
    this.#clientOf = clientOf
  }

  /** Looks now, and goes on. What an earlier round still hears is dropped. */
  start(): void {
    clearTimeout(this.#timer)
    this.#round += 1
    void this.#look(this.#round)
  }

  async #look(round: number): Promise<void> {
    const found = await this.#ask()
    if (round !== this.#round) return
    this.#store.change(found)
    this.#timer = setTimeout(() => void this.#look(round), document.hidden ? HIDDEN_LOOK_MS : LOOK_MS)
  }

  async #ask(): Promise<Partial<State>> {
    const client = this.#clientOf()
    const signal = AbortSignal.timeout(ANSWER_MS)
    const { samples, view } = this.#store.state
    try {
      const [status, peers, metrics] = await Promise.all([
        client.status({ signal }),
        client.peers({ signal }),
        view === 'network' ? client.metrics({ signal }) : undefined,
      ])
      const config = status.changing ? await client.config({ signal }) : undefined
      const readings = metrics === undefined ? null : readMetrics(metrics)
      const atMs = Date.now()
      return {
        network: { status, peers, config, atMs },
        trouble: undefined,
        samples: withSample(samples, atMs, status.keys.count, readings),
        nowMs: atMs,
      }
    } catch (error) {
      if (!(error instanceof ClientFailed)) throw error
      const nowMs = Date.now()
      const trouble = this.#troubleOf(error, nowMs)
      // Whoever may not be told is shown nothing of what was told before, either.
      if (trouble.kind !== 'silent') return { trouble, network: undefined, samples: [], nowMs }
      return { trouble, samples: withSample(samples, nowMs, null, null), nowMs }
    }
  }

  #troubleOf({ outcome }: ClientFailed, nowMs: number): Trouble {
    if (outcome.kind === 'refused') return { kind: outcome.status === 401 ? 'token' : 'forbidden', detail: outcome.detail }
    const { network, trouble } = this.#store.state
    return trouble?.kind === 'silent' ? trouble : { kind: 'silent', sinceMs: network?.atMs ?? nowMs }
  }
}
