/**
 * Replicas of several makes may take a command differently: one takes it, another rejects it. Each
 * says now and then what became of the entries of one stretch of the topic, in the topic itself. A
 * replica that stands against more than stand with it stops; where nobody is outvoted it is told.
 */
import type { StoreOutcome } from '../outcome.ts'
import type { Tools } from './record.ts'

/** What one replica says of one stretch: the offsets from `stretch` times the length on. */
export interface Said {
  readonly by: string
  readonly stretch: number
  /** 32 hexadecimal digits. */
  readonly digest: string
}

/** `outvoted`: more replicas say otherwise than say so. */
export type Difference = 'none' | 'some' | 'outvoted'

/** Stretches that are remembered. */
const STRETCHES_MAX = 64
/** Replicas whose word on one stretch is kept. */
const REPLICAS_MAX = 64
const DIGEST_BYTES = 16

export class Comparing {
  private readonly length: number
  private readonly tools: Tools
  private readonly said = new Map<number, Map<string, string>>()
  private readonly own = new Map<number, string>()
  /** What became of the entries of the stretch under way, and whether all of it was seen. */
  private parts: string[] = []
  private stretch = 0
  private isWhole = false

  constructor(length: number, tools: Tools) {
    this.length = length
    this.tools = tools
  }

  /** All below the offset was applied before. */
  begin(offset: number): void {
    this.stretch = Math.floor(offset / this.length)
    this.isWhole = offset === this.stretch * this.length
    this.parts = []
  }

  /** @returns a stretch that ended before this entry, with its digest */
  applied(offset: number, { kind }: StoreOutcome): Omit<Said, 'by'> | undefined {
    const stretch = Math.floor(offset / this.length)
    let ended: Omit<Said, 'by'> | undefined
    if (stretch !== this.stretch) {
      if (this.isWhole) ended = this.end()
      this.stretch = stretch
      this.isWhole = true
      this.parts = []
    }
    // What a command is rejected with differs by make; that it has no effect does not.
    this.parts.push(`${offset} ${kind}`)
    return ended
  }

  /** A verdict came over an entry of the stretch under way: what was said of it before may differ rightly. */
  judged(): void {
    this.isWhole = false
  }

  /** @returns how the own word stands among those that were said of the stretch */
  heard({ by, stretch, digest }: Said): Difference {
    const said = this.said.get(stretch) ?? new Map<string, string>()
    if (said.size < REPLICAS_MAX) said.set(by, digest)
    this.said.set(stretch, said)
    bound(this.said)
    return this.differenceOf(stretch)
  }

  differenceOf(stretch: number): Difference {
    const own = this.own.get(stretch)
    const said = [...(this.said.get(stretch)?.values() ?? [])]
    if (own === undefined || said.every((digest) => digest === own)) return 'none'
    const counts = Object.values(Object.groupBy(said, (digest) => digest)).map((group) => group?.length ?? 0)
    // The own word counts once, whether it was read by now or not.
    const alike = Math.max(1, said.filter((digest) => digest === own).length)
    return Math.max(...counts) > alike ? 'outvoted' : 'some'
  }

  private end(): Omit<Said, 'by'> {
    const { utf8, sha256 } = this.tools
    const bytes = sha256(utf8.encode(this.parts.join('\n'))).slice(0, DIGEST_BYTES)
    const digest = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    this.own.set(this.stretch, digest)
    bound(this.own)
    return { stretch: this.stretch, digest }
  }
}

function bound(map: Map<number, unknown>): void {
  for (const [oldest] of map) if (map.size > STRETCHES_MAX) map.delete(oldest)
}
