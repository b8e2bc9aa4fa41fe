/**
 * One peer of the bench pulls all that another holds, in steps between which anything may happen:
 * the marks, then a leaf at a time.
 */
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import { leafOf } from '../../../../protocols/base/hash-tree.ts'
import { registerCollection } from '../../../../protocols/registers/collection.ts'
import type { RegistersCore } from '../../../../protocols/registers/registers.ts'
import type { Visit } from '../../../../protocols/repair/collection.ts'
import { utf8 } from '../../../../src/bytes.ts'
import type { BenchPeer } from './bench.ts'

const ROWS_MAX = 1_000

export class BenchPull {
  readonly by: string
  readonly source: string
  private readonly puller: BenchPeer
  private readonly pulled: BenchPeer
  private readonly core: RegistersCore
  private readonly sourceCore: RegistersCore
  private readonly ended: (isDone: boolean) => void
  private readonly visit: Visit<string> | undefined
  private leaves: number[] | undefined
  isOver = false

  constructor(puller: BenchPeer, pulled: BenchPeer, ended: (isDone: boolean) => void) {
    this.by = puller.identity.peerId
    this.source = pulled.identity.peerId
    this.puller = puller
    this.pulled = pulled
    this.core = puller.core
    this.sourceCore = pulled.core
    this.ended = ended
    this.visit = registerCollection(puller.core, utf8).visit?.(pulled.identity, 0)
  }

  step(): void {
    if (this.puller.core !== this.core || !this.puller.isUp) this.isOver = true
    if (this.isOver) return
    if (!this.pulled.isUp || this.pulled.core !== this.sourceCore) return this.end(false)
    const source = registerCollection(this.sourceCore, utf8)
    if (this.visit?.told(source.mark?.() ?? new Uint8Array()) === false) return this.end(false)
    this.leaves ??= [...new Set([...keysOf(this.core), ...keysOf(this.sourceCore)].map((key) => leafOf(key)))]
    const leaf = this.leaves.pop()
    if (leaf === undefined) return this.end(true)
    const names = source.leaf(leaf, undefined, ROWS_MAX).map(({ key }) => key)
    this.visit?.listed(leaf, new Set(names))
    const own = registerCollection(this.core, utf8)
    for (const name of names) {
      const row = source.held(name)
      if (row === undefined) return this.end(false)
      own.take([{ key: name, record: row }], this.pulled.identity)
    }
    this.puller.perform()
  }

  private end(isDone: boolean): void {
    this.isOver = true
    this.visit?.ended(isDone)
    this.ended(isDone)
    this.puller.perform()
  }
}

function keysOf(core: RegistersCore): RegisterKey[] {
  return [...core.cells.held('', '')].map(([key]) => key)
}
