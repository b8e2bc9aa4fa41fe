/** Records out of batches, as a broker sends them: those of transactions that were aborted are left out. */
import type { KafkaRecord as Received, RecordsBatch } from '@platformatic/kafka'
import type { KafkaRecord } from '../../../protocols/log/kafka/record.ts'

/** Bits of the attributes of a batch. */
const LOG_APPEND_TIME = 0b00_1000
const IS_TRANSACTIONAL = 0b01_0000
const IS_CONTROL = 0b10_0000
/** Where the key of a marker says what it marks, and what says that a transaction was aborted. */
const MARKER_TYPE_AT = 2
const ABORTED = 0

export function committedRecords(
  batches: readonly RecordsBatch[],
  aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[],
): readonly KafkaRecord[] {
  const begun = aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  const open = new Set<bigint>()
  const records: KafkaRecord[] = []
  for (const batch of batches) {
    const { attributes, producerId, firstOffset, lastOffsetDelta } = batch
    const lastOffset = firstOffset + BigInt(lastOffsetDelta)
    while (begun[0] !== undefined && begun[0].firstOffset <= lastOffset) open.add((begun.shift() as (typeof begun)[number]).producerId)
    if ((attributes & IS_CONTROL) !== 0) {
      if (isAbort(batch.records[0])) open.delete(producerId)
      continue
    }
    if ((attributes & IS_TRANSACTIONAL) !== 0 && open.has(producerId)) continue
    for (const record of batch.records) records.push(recordOf(batch, record))
  }
  return records
}

function recordOf(batch: RecordsBatch, { offsetDelta, timestampDelta, key, value }: Received): KafkaRecord {
  const isAppendTime = (batch.attributes & LOG_APPEND_TIME) !== 0
  return {
    offset: Number(batch.firstOffset) + offsetDelta,
    leaderEpoch: batch.partitionLeaderEpoch,
    atMs: Number(isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta),
    // Of their own: what the driver gives is a part of all that was received.
    key: key === null ? undefined : Uint8Array.from(key),
    value: value === null ? undefined : Uint8Array.from(value),
  }
}

function isAbort(record: Received | undefined): boolean {
  return record?.key !== null && record !== undefined && record.key.readInt16BE(MARKER_TYPE_AT) === ABORTED
}
