/**
 * What will happen, by simulated time: a binary heap. What is due at one time happens in the order
 * in which it was planned.
 */

interface Entry {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

export class Agenda {
  private readonly heap: Entry[] = []
  private orders = 0
  private currentMs = 0
  private taken = 0

  /** The simulated time. */
  get nowMs(): number {
    return this.currentMs
  }

  /** How many things have happened. */
  get happened(): number {
    return this.taken
  }

  /** Plans something; what lies in the past happens now. */
  at(atMs: number, run: () => void): void {
    this.orders += 1
    this.push({ atMs: Math.max(atMs, this.currentMs), order: this.orders, run })
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.currentMs + delayMs, run)
  }

  /** Lets everything happen that is due up to this time, which is then the time. */
  runUntil(endMs: number): void {
    for (let first = this.heap[0]; first !== undefined && first.atMs <= endMs; first = this.heap[0]) {
      this.pop()
      this.currentMs = first.atMs
      this.taken += 1
      first.run()
    }
    this.currentMs = Math.max(this.currentMs, endMs)
  }

  private push(entry: Entry): void {
    const { heap } = this
    let place = heap.length
    heap.push(entry)
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above] as Entry
      if (!isBefore(entry, parent)) break
      heap[place] = parent
      place = above
    }
    heap[place] = entry
  }

  private pop(): void {
    const { heap } = this
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Entry, heap[below] as Entry)) below += 1
      const child = heap[below] as Entry
      if (!isBefore(child, last)) break
      heap[place] = child
      place = below
    }
    heap[place] = last
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
