/**
 * What must be found in the end: of each element, stamps that are not below those of any operation
 * that was answered. The stamp of an insert or a delete is given by the node; it is not below the
 * node's clock when the operation was sent.
 */
import type { Stamps } from './node.ts'

/** An element with the least that its stamps may be. */
export type Row = readonly [element: string, added: number, removed: number]

export class Model {
  readonly #least: Map<string, { added: number; removed: number }> = new Map()
  #answered = 0

  /** Operations that were answered. */
  get answeredCount(): number {
    return this.#answered
  }

  /** An operation was answered. @param stamp the least that its stamp may be */
  answered(kind: 'insert' | 'delete', elements: readonly number[], stamp: number): void {
    this.#answered += 1
    for (const element of elements) {
      this.raise(kind === 'insert' ? [String(element), stamp, -1] : [String(element), -1, stamp])
    }
  }

  /** A replica was merged. */
  merged(entries: Stamps, shiftMs: number): void {
    const moved = (stamp: number): number => (stamp < 0 ? stamp : stamp + shiftMs)
    this.#answered += entries.size
    for (const [element, { added, removed }] of entries) this.raise([element, moved(added), moved(removed)])
  }

  rows(): Row[] {
    return Array.from(this.#least, ([element, { added, removed }]) => [element, added, removed])
  }

  /** Takes in what another process has found. */
  join(rows: readonly Row[], answered: number): void {
    this.#answered += answered
    for (const row of rows) this.raise(row)
  }

  /** What of it is not in a replica, in words. */
  missing(entries: Stamps): string[] {
    return this.rows().flatMap(([element, added, removed]) => {
      const found = entries.get(element) ?? { added: -1, removed: -1 }
      return [
        ...(found.added < added ? [`${element} was inserted at ${added} or later, and is known as inserted at ${found.added}`] : []),
        ...(found.removed < removed ? [`${element} was deleted at ${removed} or later, and is known as deleted at ${found.removed}`] : []),
      ]
    })
  }

  private raise([element, added, removed]: Row): void {
    const least = this.#least.get(element) ?? { added: -1, removed: -1 }
    this.#least.set(element, { added: Math.max(least.added, added), removed: Math.max(least.removed, removed) })
  }
}
