/**
 * All chance of a simulation, from one seed: xoshiro128** (Blackman and Vigna, 2018), its state
 * filled by splitmix32. Nothing in a simulation may ask anybody else.
 */

const RANGE_32_BITS = 0x1_0000_0000

export class Chance {
  private a = 0
  private b = 0
  private c = 0
  private d = 0

  /** @param seed a whole number, not negative */
  constructor(seed: number) {
    let state = (seed ^ Math.floor(seed / RANGE_32_BITS)) >>> 0
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0
      let mixed = state ^ (state >>> 16)
      mixed = Math.imul(mixed, 0x21f0aaad)
      mixed ^= mixed >>> 15
      mixed = Math.imul(mixed, 0x735a2d97)
      return (mixed ^ (mixed >>> 15)) >>> 0
    }
    this.a = next()
    this.b = next()
    this.c = next()
    this.d = next() | 1
  }

  /** From 0 up to, not including, 1. */
  number(): number {
    return this.bits() / RANGE_32_BITS
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor((this.bits() / RANGE_32_BITS) * limit)
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** Any number from `low` up to `high`. */
  span(low: number, high: number): number {
    return low + this.number() * (high - low)
  }

  happens(probability: number): boolean {
    return this.number() < probability
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new Error('nothing to pick from')
    return value
  }

  /** The values in another order; those given stay as they are. */
  shuffled<Value>(values: readonly Value[]): Value[] {
    const result = [...values]
    for (let index = result.length - 1; index > 0; index -= 1) {
      const other = this.below(index + 1)
      const held = result[index] as Value
      result[index] = result[other] as Value
      result[other] = held
    }
    return result
  }

  /** Lower-case hexadecimal digits. */
  hex(digits: number): string {
    let text = ''
    while (text.length < digits) text += this.bits().toString(16).padStart(8, '0')
    return text.slice(0, digits)
  }

  /** Chance of its own, so that more questions here do not change the answers there. */
  fork(): Chance {
    return new Chance(this.bits())
  }

  private bits(): number {
    const product = Math.imul(this.b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = this.b << 9
    this.c ^= this.a
    this.d ^= this.b
    this.b ^= this.c
    this.a ^= this.d
    this.c ^= shifted
    this.d = (this.d << 11) | (this.d >>> 21)
    return result
  }
}
