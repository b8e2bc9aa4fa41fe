/**
 * As much of protobuf's encoding as it takes to write messages that no library would: fields in any
 * order, of any length.
 */

const BYTES_TYPE = 2

/** A whole number, seven bits a byte, lowest first. */
export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

export function numberField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)])
}

export function bytesField(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + BYTES_TYPE), varint(value.length), value])
}

/** A message with its length before it, as it goes over a stream of libp2p. */
export function delimited(...fields: readonly Uint8Array[]): Buffer {
  const message = Buffer.concat(fields)
  return Buffer.concat([varint(message.length), message])
}
