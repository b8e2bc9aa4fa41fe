/** Messages of the DHT as bytes, well formed or not, as no DHT of ours would send them. */
import type { Stream } from '@libp2p/interface'
import { DHT_PROTOCOL } from '../../src/discovery/dht-service.ts'
import { until } from '../contract/transport.ts'
import type { Stranger } from './stranger.ts'

export const PUT_VALUE = 0
export const ADD_PROVIDER = 2
export const GET_PROVIDERS = 3

/** Numbers of fields in the DHT's protocol buffers. */
const FIELDS = { type: 1, key: 2, record: 3, providers: 9 }
const PEER_FIELDS = { id: 1, addresses: 2 }

export interface DhtMessage {
  readonly type: number
  readonly key: Uint8Array
  readonly record?: Uint8Array
  readonly providers?: readonly { readonly id: Uint8Array; readonly addresses: readonly Uint8Array[] }[]
}

/** With its length in front. */
export function dhtMessage({ type, key, record, providers = [] }: DhtMessage): Uint8Array {
  const body = Buffer.concat([
    Buffer.from([FIELDS.type << 3, type]),
    field(FIELDS.key, key),
    ...(record === undefined ? [] : [field(FIELDS.record, record)]),
    ...providers.map(({ id, addresses }) =>
      field(
        FIELDS.providers,
        Buffer.concat([field(PEER_FIELDS.id, id), ...addresses.map((address) => field(PEER_FIELDS.addresses, address))]),
      ),
    ),
  ])
  return Buffer.concat([varint(body.length), body])
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}

/** Says something to the DHT at the other end of a stranger's connection. */
export async function tell({ connection }: Pick<Stranger, 'connection'>, bytes: Uint8Array): Promise<Stream> {
  const stream = await connection.newStream(DHT_PROTOCOL)
  if (stream.writeStatus === 'writable') stream.send(bytes)
  return stream
}

/** Asks, and gives what was answered; undefined when the stream was cut instead. */
export async function ask(stranger: Pick<Stranger, 'connection'>, message: DhtMessage): Promise<Buffer | undefined> {
  const stream = await stranger.connection.newStream(DHT_PROTOCOL)
  const received: Uint8Array[] = []
  stream.addEventListener('message', ({ data }) => received.push(data.subarray()))
  if (stream.writeStatus === 'writable') stream.send(dhtMessage(message))
  await until('it answers', () => received.length > 0 || stream.status !== 'open')
  stream.abort(new Error('that is all'))
  return received.length === 0 ? undefined : Buffer.concat(received)
}
