/**
 * What happened, as a hash that is always kept and as lines that are kept when asked for. Two runs
 * of one seed must have the same hash; a difference means that something in the simulation is not
 * drawn from the seed.
 */

/** The last lines are shown with a violation; more would not be read. */
const TAIL_LINES = 400

export class Trace {
  private readonly keepsLines: boolean
  private readonly kept: string[] = []
  private hashA = 0x811c9dc5
  private hashB = 0x01000193

  constructor(keepsLines: boolean) {
    this.keepsLines = keepsLines
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return (this.hashA >>> 0).toString(16).padStart(8, '0') + (this.hashB >>> 0).toString(16).padStart(8, '0')
  }

  get lines(): readonly string[] {
    return this.kept
  }

  /** The end of the lines kept. */
  tail(count: number = TAIL_LINES): string[] {
    return this.kept.slice(-count)
  }

  /** Takes a number into the hash. */
  mix(value: number): void {
    const high = Math.floor(value)
    const low = ((value - high) * 0x1_0000_0000) | 0
    this.hashA = Math.imul(this.hashA ^ high, 0x01000193)
    this.hashB = Math.imul((this.hashB ^ low ^ this.hashA) + 0x9e3779b9, 0x85ebca6b)
    this.hashB ^= this.hashB >>> 15
  }

  /** Takes text into the hash. */
  mixText(text: string): void {
    let hash = this.hashA
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
    this.hashA = hash
    this.hashB = Math.imul(this.hashB ^ hash, 0x85ebca6b)
  }

  /** Keeps a line, made only when somebody will read it. */
  line(nowMs: number, text: () => string): void {
    if (this.keepsLines) this.kept.push(`${nowMs.toFixed(1).padStart(9)} ${text()}`)
  }
}
