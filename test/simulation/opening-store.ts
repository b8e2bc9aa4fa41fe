/**
 * The disk of a simulated peer while it opens: all or nothing is written, some syncs take a while,
 * and a full disk takes none of it.
 */
import type { OpeningStore } from '../../protocols/opening.ts'
import type { Agenda } from './agenda.ts'
import type { Chance } from './chance.ts'
import type { SimulatedDisk } from './disk.ts'

/** The sync of an opening that is slow takes so long at most. */
const SLOW_OPENING_MS = 400

export interface OpeningInit {
  readonly disk: SimulatedDisk
  readonly agenda: Agenda
  readonly chance: Chance
  /** Openings whose sync takes a while. */
  readonly slowRate: number
  /** The process that opens is no more, or has another disk. */
  readonly isGone: () => boolean
  readonly isFull: () => boolean
  /** The sync failed: the peer must stop. */
  readonly failed: () => void
}

export function openingStore({ disk, agenda, chance, slowRate, isGone, isFull, failed }: OpeningInit): OpeningStore {
  const write: OpeningStore['write'] = (writes, synced) => {
    const sequences = writes.map((each) => disk.write(each))
    const sync = (): void => {
      if (isGone()) return
      if (isFull()) return failed()
      for (const sequence of sequences) disk.sync(sequence)
      synced()
    }
    if (chance.happens(slowRate)) agenda.after(chance.span(0, SLOW_OPENING_MS), sync)
    else sync()
  }
  return { ceiling: disk.ceilingSynced, newestEpoch: disk.newestEpoch(), write, replaceConfigs: write }
}
