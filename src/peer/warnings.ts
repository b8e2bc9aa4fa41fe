import type { PeerId } from '../../protocols/base/identity.ts'

/** Refusals told in `/status`; older ones make room. */
const REFUSALS_MAX = 16

/** What an operator should know and the core does not: for `/status`. */
export class Warnings {
  private readonly refusals = new Map<PeerId, string>()
  private readonly lasting: string[] = []
  private readonly standing = new Map<string, string>()
  /** What is amiss while nobody was reached; undefined when somebody was, or it is too early to tell. */
  alone: string | undefined

  /** Stays for as long as the process runs. */
  add(text: string): void {
    this.lasting.push(text)
  }

  /** Holds until it is told again by the same name. @param text undefined when nothing is amiss any more */
  set(name: string, text: string | undefined): void {
    if (text === undefined) this.standing.delete(name)
    else this.standing.set(name, text)
  }

  /** A peer was refused, by this end or the other. */
  refused(peerId: PeerId, reason: string): void {
    this.refusals.delete(peerId)
    this.refusals.set(peerId, reason)
    const [oldest] = this.refusals.keys()
    if (this.refusals.size > REFUSALS_MAX && oldest !== undefined) this.refusals.delete(oldest)
  }

  /** Why the last refused peer was refused. */
  get lastRefusal(): string | undefined {
    return [...this.refusals.values()].at(-1)
  }

  all(hasSecret: boolean): string[] {
    const open = hasSecret ? [] : ['no -secret: anybody who can dial this peer may join the network']
    const alone = this.alone === undefined ? [] : [this.alone]
    const refused = [...this.refusals].map(([peerId, reason]) => `refused ${peerId}: ${reason}`)
    return [...open, ...alone, ...this.lasting, ...this.standing.values(), ...refused]
  }
}
