/** Registers as repair sees them: merging takes the higher entry, and what a change must carry over are those in doubt. */
import type { Utf8 } from '../base/bytes.ts'
import { dataKey } from '../base/register.ts'
import type { RowCollection } from '../repair/collection.ts'
import { MalformedBytes } from '../wire/malformed.ts'
import { ByteReader } from '../wire/reader.ts'
import { readEntry } from './fields.ts'
import type { Entry } from './record.ts'
import type { RegistersCore } from './registers.ts'

export function registerCollection(core: RegistersCore, utf8: Utf8): RowCollection {
  const { index } = core.cells
  return {
    isCarriedOver: true,
    tree: index.tree,
    leaf: (leaf, after, limit) => index.leaf(leaf, after, limit),
    lacks: (name, digest) => index.lacks(name, digest),
    // One under a divergence alarm is listed and not delivered, which fails the pull: else it would look gone.
    held: (name) => (core.isDiverged(dataKey(name)) ? undefined : index.get(name)),
    isWithheld: () => false,
    take(name, bytes) {
      const entry = entryOf(bytes, utf8)
      return entry !== undefined && core.learn(dataKey(name), entry.ballot, entry.record.version, entry.record) === 'learned'
    },
    page: (after, limit) => core.doubts.page(after === undefined ? undefined : dataKey(after), limit),
    settle: (name, settled) => core.finisher.finish(dataKey(name), settled),
  }
}

/** Undefined for what no peer writes. */
function entryOf(bytes: Uint8Array, utf8: Utf8): Entry | undefined {
  try {
    return readEntry(new ByteReader(bytes, utf8))
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
