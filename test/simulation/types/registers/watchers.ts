/**
 * V10: clients that watch are told each register in the order of its versions, of nothing that is
 * not chosen, and in the end of all that is live; they hang up, go on from their cursors, and try
 * those of a peer's earlier run, which must be refused.
 */
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { REGISTERS } from '../../../../protocols/registers/requests.ts'
import type { WatchAnswer, WatchEvent, WatchRequest } from '../../../../protocols/registers/requests.ts'
import { check } from '../../checkers/violation.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { Lacking, TypeInit } from '../../type.ts'
import type { Chain } from './chain.ts'

const WATCHERS = 2
/** Until a client that hung up comes back. */
const AWAY_MS = 400
const STAY_MS = 3_000
const DEADLINE_MS = 3_600_000

interface Watcher {
  peer: SimulatedPeer
  boots: number
  client: ClientId | undefined
  cursor: string | undefined
  /** What was told last of each register, in this line of cursors. */
  readonly told: Map<RegisterKey, Pick<WatchEvent, 'kind' | 'version'>>
  isListed: boolean
}

export class Watchers {
  private readonly init: TypeInit
  private readonly chainOf: (key: RegisterKey) => Chain
  private readonly watchers: Watcher[] = []
  events = 0

  constructor(init: TypeInit, chainOf: (key: RegisterKey) => Chain) {
    this.init = init
    this.chainOf = chainOf
  }

  begin(): void {
    for (let each = 0; each < WATCHERS; each += 1) {
      const peer = this.init.chance.pick(this.init.peers)
      const watcher: Watcher = { peer, boots: peer.boots, client: undefined, cursor: undefined, told: new Map(), isListed: false }
      this.watchers.push(watcher)
      this.comeLater(watcher)
    }
  }

  told(client: ClientId, answer: WatchAnswer): void {
    const watcher = this.watchers.find((each) => each.client === client)
    if (watcher === undefined) return
    if (answer.kind === 'watching') {
      watcher.cursor = answer.cursor
      watcher.isListed = true
    } else if (answer.kind === 'events') {
      for (const event of answer.events) this.see(watcher, event)
      this.ask(watcher, { kind: 'watched', bytes: answer.events.length * 200 })
    } else {
      watcher.client = undefined
      if (answer.kind === 'cursor-gone') this.forget(watcher)
      else watcher.cursor = answer.cursor
      this.comeLater(watcher)
    }
  }

  /** The peer's process is gone: its watchers may try their cursors at its next run. */
  crashed(peer: SimulatedPeer): void {
    for (const watcher of this.watchers) {
      if (watcher.peer !== peer || watcher.client === undefined) continue
      watcher.client = undefined
      this.comeLater(watcher)
    }
  }

  unsettled(chains: ReadonlyMap<RegisterKey, Chain>): Lacking | undefined {
    for (const { client, peer, told, isListed } of this.watchers) {
      if (client === undefined || !isListed) return { rule: 'V10', detail: `a watcher at ${peer.peerId} is not listened to` }
      for (const [key, { tip }] of chains) {
        const last = told.get(key)
        const isTold = tip === undefined || (tip.record.isDeleted ? last?.kind !== 'put' : last?.version === tip.record.version)
        if (!isTold)
          return {
            rule: 'V10',
            detail: `a watcher at ${peer.peerId} was told version ${last?.version} of ${key} last, not ${tip.record.version}`,
          }
      }
    }
    return undefined
  }

  private see(watcher: Watcher, { kind, key, version, cursor }: WatchEvent): void {
    const register = key as RegisterKey
    const last = watcher.told.get(register)
    const where = (): string => `${watcher.peer.peerId} tells a watcher ${kind} version ${version} of ${key}`
    check(last === undefined || version >= last.version, 'V10', () => `${where()} after ${last?.version}`)
    const isChosen = kind === 'delete' || this.chainOf(register).records.some((record) => record.version === version && !record.isDeleted)
    check(isChosen, 'V10', () => `${where()}, which is not chosen`)
    watcher.told.set(register, { kind, version })
    if (watcher.isListed) watcher.cursor = cursor
    this.events += 1
  }

  private comeLater(watcher: Watcher): void {
    const { agenda, chance } = this.init
    agenda.after(chance.span(1, AWAY_MS), () => this.come(watcher))
  }

  private come(watcher: Watcher): void {
    const { peer } = watcher
    if (watcher.client !== undefined) return
    if (!peer.isUp || peer.isPaused) return this.comeLater(watcher)
    const isOther = watcher.boots !== peer.boots
    watcher.boots = peer.boots
    // What an earlier run told may have been unlearned with what was not on disk: its cursor must
    // be refused, and all begins anew.
    const { cursor } = watcher
    if (isOther && cursor !== undefined) {
      this.ask(watcher, { kind: 'watch', prefix: '', from: { cursor }, values: false })
      watcher.cursor = undefined
      watcher.told.clear()
      watcher.isListed = false
      return
    }
    this.ask(watcher, { kind: 'watch', prefix: '', from: cursor === undefined ? 'start' : { cursor }, values: false })
    this.init.agenda.after(this.init.chance.span(1, STAY_MS), () => this.hangUp(watcher))
  }

  private hangUp(watcher: Watcher): void {
    const { client, peer } = watcher
    if (client === undefined || !peer.isUp || peer.isPaused || !watcher.isListed) return
    watcher.client = undefined
    peer.dispatch({ kind: 'cancel', client })
    this.comeLater(watcher)
  }

  private forget(watcher: Watcher): void {
    watcher.cursor = undefined
    watcher.told.clear()
    watcher.isListed = false
  }

  private ask(watcher: Watcher, request: WatchRequest | { readonly kind: 'watched'; readonly bytes: number }): void {
    const { peer } = watcher
    if (request.kind === 'watch') watcher.client = this.init.nextClient()
    if (watcher.client === undefined) return
    peer.dispatch({ kind: 'typed', type: REGISTERS, client: watcher.client, request, deadlineMs: peer.clockMs + DEADLINE_MS })
  }
}
