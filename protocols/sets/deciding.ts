/**
 * What sets have decided once for the whole network: the stamp of each cut, and who held the whole
 * first.
 */
import type { Utf8 } from '../base/bytes.ts'
import type { IdentityId } from '../base/identity.ts'
import type { TypeContext } from '../data-type.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import { readStamp, writeStamp } from './messages.ts'
import type { Stamp } from './requests.ts'

/** A decision that has not come by then is tried again later, if it is still wanted. */
const DECIDED_WITHIN_MS = 20_000

export class Deciding {
  private readonly types: TypeContext
  private readonly utf8: Utf8

  constructor(types: TypeContext) {
    this.types = types
    this.utf8 = types.codec.utf8
  }

  /** @param number of the cut */
  cut(set: string, number: number, stamp: Stamp, settled: (chosen: Stamp | undefined) => void): void {
    const writer = new ByteWriter(this.utf8)
    writeStamp(writer, stamp)
    this.once(`set-cut/${set}/${number}`, writer.finish(), (chosen) =>
      settled(chosen === undefined ? undefined : readStamp(new ByteReader(chosen, this.utf8))),
    )
  }

  /**
   * @param place 0 for the first choice; above, for one that is needed because those before it are
   * lost
   */
  beginning(place: number, candidate: IdentityId, settled: (chosen: IdentityId | undefined) => void): void {
    this.once(`set-beginning/${place}`, this.utf8.encode(candidate), (chosen) =>
      settled(chosen === undefined ? undefined : (this.utf8.decode(chosen) as IdentityId)),
    )
  }

  private once(name: string, bytes: Uint8Array, settled: (chosen: Uint8Array | undefined) => void): void {
    const { types } = this
    // Voters of an earlier build would not know that the key is no client's.
    if (types.isOpen) types.decide(name, bytes, types.moment.nowMs + DECIDED_WITHIN_MS, settled)
    else settled(undefined)
  }
}
