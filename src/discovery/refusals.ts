/** What the DHT was asked for and did not do, and what it holds: for the metrics. */

/**
 * `unproved`: the other end has shown no secret. `too large`: more bytes than any message of ours.
 * `value`: the DHT holds no values. `unfinished`: half a message, and then nothing. `malformed`: no
 * message, or one that makes no sense. `records`: it pushed out another.
 */
export type DhtRefusal = 'unproved' | 'too large' | 'value' | 'unfinished' | 'malformed' | 'records'

export interface DhtCounters {
  /** Messages and streams refused, only ever rising. */
  readonly refused: Record<DhtRefusal, number>
  /** Provider records held now. */
  providersHeld: number
}

export function dhtCounters(): DhtCounters {
  return { refused: { unproved: 0, 'too large': 0, value: 0, unfinished: 0, malformed: 0, records: 0 }, providersHeld: 0 }
}
