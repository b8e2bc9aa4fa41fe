import type { PeerId } from '../../protocols/base/identity.ts'

/** Refusals told in `/status`; older ones make room. */
const REFUSALS_MAX = 16
/**
 * A refusal that was not repeated for so long is none any more: whoever is refused tries again
 * within a minute.
 */
const REFUSAL_MS = 600_000

/** What an operator should know and the core does not: for `/status`. */
export class Warnings {
  private readonly refusals = new Map<PeerId, { readonly reason: string; readonly atMs: number }>()
  private readonly lasting: string[] = []
  private readonly standing = new Map<string, string>()
  /**
   * What is amiss while nobody was reached; undefined when somebody was, or it is too early to
   * tell.
   */
  alone: string | undefined

  /** Stays for as long as the process runs. */
  add(text: string): void {
    this.lasting.push(text)
  }

  /**
   * Holds until it is told again by the same name. @param text undefined when nothing is amiss any
   * more
   */
  set(name: string, text: string | undefined): void {
    if (text === undefined) this.standing.delete(name)
    else this.standing.set(name, text)
  }

  has(name: string): boolean {
    return this.standing.has(name)
  }

  /** A peer was refused, by this end or the other. */
  refused(peerId: PeerId, reason: string, nowMs: number): void {
    this.refusals.delete(peerId)
    this.refusals.set(peerId, { reason, atMs: nowMs })
    const [oldest] = this.refusals.keys()
    if (this.refusals.size > REFUSALS_MAX && oldest !== undefined) this.refusals.delete(oldest)
  }

  /** Why the last refused peer was refused. */
  get lastRefusal(): string | undefined {
    return [...this.refusals.values()].at(-1)?.reason
  }

  /** @param isLetIn of a peer that was refused earlier and works with this one now */
  all(hasSecret: boolean, nowMs: number, isLetIn: (peerId: PeerId) => boolean): string[] {
    for (const [peerId, { atMs }] of this.refusals) if (nowMs - atMs > REFUSAL_MS || isLetIn(peerId)) this.refusals.delete(peerId)
    const open = hasSecret ? [] : ['no -secret: anybody who can dial this peer may join the network']
    const alone = this.alone === undefined ? [] : [this.alone]
    const refused = [...this.refusals].map(([peerId, { reason }]) => `refused ${peerId}: ${reason}`)
    return [...open, ...alone, ...this.lasting, ...this.standing.values(), ...refused]
  }
}
