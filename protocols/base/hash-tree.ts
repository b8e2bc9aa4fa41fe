/**
 * The hash tree over the rows of a collection, such as chosen keys: 65,536 leaves by key hash, 256
 * groups of 256 leaves, one root. A leaf is the sum (modulo 2^128, so without order) of the digests
 * of its rows; a group is the sum of its leaves and the root the sum of all. So whatever happens to
 * a row touches three sums: what it adds can be taken away again.
 *
 * The tree holds no rows. Whoever replaces or removes one says by which digest it was in the tree.
 */

export const LEAVES = 65_536
export const GROUPS = 256
export const LEAVES_PER_GROUP = 256
/** Bytes of a digest and of a sum. */
export const HASH_BYTES = 16
/** 32-bit words of a sum. */
const WORDS = 4

/**
 * The leaf of a key: FNV-1a (32 bits, RFC 9923) over its UTF-16 code units as two bytes each, high
 * byte first, folded to 16 bits by exclusive or of its halves.
 */
export function leafOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index += 1) {
    const unit = key.charCodeAt(index)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
  }
  return (hash >>> 16) ^ (hash & 0xffff)
}

/** Roots remembered: one for each change of a row lately. */
const PAST_ROOTS = 512

/** What a group without keys shows. */
const NO_LEAVES = new Uint32Array(LEAVES_PER_GROUP * WORDS)

export class HashTree {
  /** The leaves of each group that has a key. */
  private readonly leaves: (Uint32Array | undefined)[] = []
  private readonly groups = new Uint32Array(GROUPS * WORDS)
  private readonly root = new Uint32Array(WORDS)
  /**
   * The roots after the last changes, in a circle; the root without keys is among them for good.
   */
  private readonly past = new Uint32Array((PAST_ROOTS + 1) * WORDS)
  private keys = 0
  private changes = 0

  get keyCount(): number {
    return this.keys
  }

  /** A row that was not here. @param digest 16 bytes */
  add(key: string, digest: Uint8Array): void {
    this.keys += 1
    this.change(key, digest, addTo)
    this.remember()
  }

  /**
   * A row that was here is another now. @param before the digest that it was added by @param digest
   * 16 bytes
   */
  replace(key: string, before: Uint8Array, digest: Uint8Array): void {
    this.change(key, before, takeFrom)
    this.change(key, digest, addTo)
    this.remember()
  }

  /** A row is gone. @param digest that it was added by */
  remove(key: string, digest: Uint8Array): void {
    this.keys -= 1
    this.change(key, digest, takeFrom)
    // Whoever has a root of before may hold the row, and two that each had the other's would never
    // compare.
    this.past.fill(0)
    this.remember()
  }

  /**
   * True for the root as it is, or as it was not many changes ago: whoever has it now holds nothing
   * that this tree has not had.
   */
  hadRoot(root: Uint8Array): boolean {
    const { past } = this
    const view = new DataView(root.buffer, root.byteOffset, HASH_BYTES)
    const words = Array.from({ length: WORDS }, (_, word) => view.getUint32(word * 4))
    for (let place = 0; place < past.length; place += WORDS) {
      if (words.every((word, index) => past[place + index] === word)) return true
    }
    return false
  }

  /** 16 bytes. */
  rootHash(): Uint8Array {
    return bytesOf(this.root)
  }

  /** The sums of all groups, 16 bytes each. */
  groupHashes(): Uint8Array {
    return bytesOf(this.groups)
  }

  /** The sums of the leaves of one group, 16 bytes each. */
  leafHashes(group: number): Uint8Array {
    return bytesOf(this.leaves[group] ?? NO_LEAVES)
  }

  private change(key: string, digest: Uint8Array, apply: (sums: Uint32Array, place: number, digest: DataView) => void): void {
    const leaf = leafOf(key)
    const view = new DataView(digest.buffer, digest.byteOffset, HASH_BYTES)
    const group = Math.floor(leaf / LEAVES_PER_GROUP)
    const leaves = (this.leaves[group] ??= new Uint32Array(LEAVES_PER_GROUP * WORDS))
    apply(leaves, leaf % LEAVES_PER_GROUP, view)
    apply(this.groups, group, view)
    apply(this.root, 0, view)
  }

  private remember(): void {
    this.past.set(this.root, (this.changes % PAST_ROOTS) * WORDS)
    this.changes += 1
  }
}

/** The places at which two rows of sums differ. */
export function differences(a: Uint8Array, b: Uint8Array): number[] {
  const places: number[] = []
  for (let place = 0; place * HASH_BYTES < a.length; place += 1) {
    const from = place * HASH_BYTES
    for (let index = from; index < from + HASH_BYTES; index += 1) {
      if (a[index] === b[index]) continue
      places.push(place)
      break
    }
  }
  return places
}

function addTo(sums: Uint32Array, place: number, digest: DataView): void {
  let carry = 0
  for (let word = WORDS - 1; word >= 0; word -= 1) {
    const at = place * WORDS + word
    const sum = (sums[at] ?? 0) + digest.getUint32(word * 4) + carry
    sums[at] = sum
    carry = sum > 0xffffffff ? 1 : 0
  }
}

function takeFrom(sums: Uint32Array, place: number, digest: DataView): void {
  let borrow = 0
  for (let word = WORDS - 1; word >= 0; word -= 1) {
    const at = place * WORDS + word
    const difference = (sums[at] ?? 0) - digest.getUint32(word * 4) - borrow
    sums[at] = difference
    borrow = difference < 0 ? 1 : 0
  }
}

function bytesOf(sums: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(sums.length * 4)
  const view = new DataView(bytes.buffer)
  for (let word = 0; word < sums.length; word += 1) view.setUint32(word * 4, sums[word] ?? 0)
  return bytes
}
