/** The core's notes, as lines of the log and counts. */
import type { Logger } from 'pino'
import { unreachable } from '../../protocols/base/assert.ts'
import type { Note } from '../../protocols/effects.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { Tallies } from '../telemetry/metrics.ts'

/** How much of a value in an alarm is shown. */
const SHOWN_BYTES_MAX = 64

export function noteWriter(logger: Logger, tallies: Tallies): (note: Note) => void {
  return (note) => {
    switch (note.kind) {
      case 'config-installed':
        return logger.info({ epoch: note.epoch, joint: note.joint }, 'config installed')
      case 'change-begun':
        return logger.info({ epoch: note.epoch }, 'deciding the next config')
      case 'caught-up':
        return logger.info({ keyCount: note.keyCount }, 'caught up')
      case 'repaired':
        tallies.keysRepaired += note.keyCount
        return logger.info({ from: note.from, keyCount: note.keyCount }, 'copied missing keys')
      case 'divergence':
        tallies.divergences += 1
        return logger.error(
          { key: note.key, held: shown(note.held), told: shown(note.told) },
          'two chosen records for one key; it is no longer served',
        )
      case 'finished':
        return logger.debug({ key: note.key }, 'finished a key that was in doubt')
      case 'peer-state':
        return logger.info({ peerId: note.peerId, state: note.state, reason: note.reason }, 'peer')
      case 'refused':
        tallies.connectionsRefused += 1
        return logger.warn({ peerId: note.peerId, reason: note.reason }, 'refused a peer')
      default:
        return unreachable(note)
    }
  }
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
