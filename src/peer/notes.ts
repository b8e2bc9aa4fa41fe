/** The core's notes, as lines of the log and counts. */
import type { Logger } from 'pino'
import { unreachable } from '../../protocols/base/assert.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { describePair } from '../../protocols/membership/reachability.ts'
import type { Note } from '../../protocols/effects.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { Storage } from '../ports/storage.ts'
import type { Tallies } from '../telemetry/metrics.ts'

/** How much of a value in an alarm is shown. */
const SHOWN_BYTES_MAX = 64
/** How many diverged keys are named at a start. */
const RECALLED_MAX = 100

export function noteWriter(logger: Logger, tallies: Tallies): (note: Note) => void {
  return (note) => {
    switch (note.kind) {
      case 'config-installed':
        return logger.info({ epoch: note.epoch, joint: note.joint }, 'config installed')
      case 'change-begun':
        return logger.info({ epoch: note.epoch }, 'deciding the next config')
      case 'caught-up':
        return logger.info({ keyCount: note.keyCount, ...ofType(note) }, 'caught up')
      case 'repaired':
        if (note.type === 'keys') tallies.keysRepaired += note.keyCount
        return logger.info({ from: note.from, keyCount: note.keyCount, ...ofType(note) }, 'copied missing keys')
      case 'divergence':
        tallies.divergences += 1
        return alarm(logger, note.key, note.held, note.told)
      case 'type-note':
        if (note.isAlarm) tallies.divergences += 1
        return note.isAlarm ? logger.error({ type: note.type }, note.text) : logger.info({ type: note.type }, note.text)
      case 'finished':
        return logger.debug({ key: note.key }, 'finished a key that was in doubt')
      case 'peer-state':
        return logger.info({ peerId: note.peerId, state: note.state, reason: note.reason }, 'peer')
      case 'refused':
        tallies.connectionsRefused += 1
        return logger.warn({ peerId: note.peerId, reason: note.reason }, 'refused a peer')
      case 'too-old':
        return logger.warn({ peerId: note.peerId }, 'a peer speaks only protocol versions that are too old to vote; it learns')
      case 'apart':
        return logger.warn({ peers: note.pair }, describePair(note.pair))
      default:
        return unreachable(note)
    }
  }
}

/** Which type it is that a line speaks of, where it is not keys. */
function ofType({ type }: { readonly type: string }): object {
  return type === 'keys' ? {} : { type }
}

/**
 * Says again at a start what is not served, so that the alarm outlives the log that it was first
 * told in.
 */
export function recallDivergences(logger: Logger, tallies: Tallies, storage: Storage): void {
  let count = 0
  for (const { key, told } of storage.registers.diverged()) {
    count += 1
    const held = storage.registers.read(key)?.chosen
    if (count <= RECALLED_MAX && held !== undefined) alarm(logger, key, held, told)
  }
  tallies.divergences = count
  if (count > RECALLED_MAX) logger.error({ count }, `keys have two chosen records and are not served; ${RECALLED_MAX} of them were named`)
}

function alarm(logger: Logger, key: RegisterKey, held: ValueRecord, told: ValueRecord): void {
  logger.error({ key, held: shown(held), told: shown(told) }, 'two chosen records for one key; it is not served')
}

function shown({ writeId, contentType, writtenAtMs, value }: ValueRecord): object {
  return {
    writeId,
    contentType,
    writtenAtMs,
    bytes: value.length,
    start: Buffer.from(value.subarray(0, SHOWN_BYTES_MAX)).toString('base64'),
  }
}
