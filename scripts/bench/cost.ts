/**
 * What a put costs at all peers together: messages, bytes, syncs, time on the processor, and the
 * disk that its key takes.
 */
import { diskBytes, processorSeconds } from '../usage.ts'
import { CONTENT_BYTES } from './contender.ts'
import type { Replicator } from './replicator.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'
import { newName } from './throughput.ts'

const CONNECTIONS = 64
const MICROSECONDS = 1e6

interface Cost {
  readonly contender: string
  readonly puts: number
  readonly messages: number
  readonly bytes: number
  readonly syncs: number
  readonly processorUs: number
  readonly diskBytesPerKey: number
}

export async function measureCosts(contenders: readonly Replicator[], seconds: number): Promise<Table> {
  const costs: Cost[] = []
  for (const contender of contenders) costs.push(await costOf(contender, seconds))
  return {
    title: 'What a put costs',
    note: `${CONNECTIONS} connections for ${seconds} s; everything of all peers together, heartbeats included, for each put. A key with its value has ${CONTENT_BYTES} bytes; the disk is one peer's.`,
    columns: ['', 'messages', 'bytes sent', 'syncs', 'processor µs', 'disk bytes a key'],
    rows: costs.map(({ contender, messages, bytes, syncs, processorUs, diskBytesPerKey }) => [
      contender,
      figure(messages),
      figure(bytes),
      figure(syncs),
      figure(processorUs),
      figure(diskBytesPerKey),
    ]),
    raw: costs,
  }
}

async function costOf(contender: Replicator, seconds: number): Promise<Cost> {
  await contender.whole()
  const before = await contender.counters()
  const diskBefore = await diskBytes(contender.directory)
  const secondsBefore = processorSeconds(contender.processIds)
  await contender.drive({ workload: 'puts', connections: CONNECTIONS, seconds, name: newName(), pauseMs: 0 })
  // What was put is learned by all a moment later.
  await contender.whole()
  const processorUs = (processorSeconds(contender.processIds) - secondsBefore) * MICROSECONDS
  const grownBytes = (await diskBytes(contender.directory)) - diskBefore
  const after = await contender.counters()
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  const puts = grown('replicator_puts_total{outcome="created"}')
  return {
    contender: contender.name,
    puts,
    messages: grown('replicator_messages_sent_total') / puts,
    bytes: grown('replicator_sent_bytes_total') / puts,
    syncs: grown('replicator_persist_batch_writes_count') / puts,
    processorUs: processorUs / puts,
    diskBytesPerKey: grownBytes / puts,
  }
}
