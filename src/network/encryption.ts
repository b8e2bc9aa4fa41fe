/**
 * The encryption of connections: Noise, kept from doing small work many times. The only place that
 * names its package. Each of the three measures below was found in a profile of puts; none changes
 * a byte that the other end decrypts.
 */
import { createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import type { NoiseExtensions } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'

/**
 * Below this Noise encrypts in WebAssembly, which wants the key's bytes; from here on in OpenSSL.
 */
const NATIVE_BYTES_LEAST = 1_200
/** What the length before an encrypted packet takes. */
const LENGTH_BYTES = 2
/**
 * Told to the decoder over and over: that it must wait for more. Made once, for a stack trace costs
 * more than a packet.
 */
const TOO_SHORT = new RangeError('the length of a packet has not arrived yet')

type Bytes = Parameters<MessageStream['send']>[0]
type BytesInPieces = Exclude<Bytes, Uint8Array>
type Cipher = (text: Bytes, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array | KeyObject, to?: Uint8Array) => Bytes

/** What is used of Noise beyond its port. */
interface NoiseInside {
  crypto: { encrypt: Cipher; decrypt: Cipher }
}
interface EncryptedInside {
  readonly decoder: { lengthDecoder: (bytes: Bytes) => number }
}
interface SocketInside {
  sendData(pieces: BytesInPieces): unknown
}

type Encrypter = ConnectionEncrypter<NoiseExtensions>
type Secured = Awaited<ReturnType<Encrypter['secureInbound']>>

/** Noise as libp2p takes it. */
export function frugalNoise(): (components: Parameters<ReturnType<typeof noise>>[0]) => Encrypter {
  const create = noise()
  return (components) => {
    const encrypter = create(components)
    keepKeys(encrypter as unknown as NoiseInside)
    const secureInbound = encrypter.secureInbound.bind(encrypter)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    encrypter.secureInbound = async (connection, options) => {
      writeWhole(connection as unknown as SocketInside)
      return waitQuietly(await secureInbound(connection, options))
    }
    encrypter.secureOutbound = async (connection, options) => {
      writeWhole(connection as unknown as SocketInside)
      return waitQuietly(await secureOutbound(connection, options))
    }
    return encrypter
  }
}

/** Makes the key of a connection ready for OpenSSL once, not for each packet. */
function keepKeys(encrypter: NoiseInside): void {
  const { encrypt, decrypt } = encrypter.crypto
  const keys = new WeakMap<Uint8Array, KeyObject>()
  const ready = (key: Uint8Array): KeyObject => {
    const known = keys.get(key)
    if (known !== undefined) return known
    const made = createSecretKey(key)
    keys.set(key, made)
    return made
  }
  const withReady =
    (cipher: Cipher): Cipher =>
    (text, nonce, ad, key, to) =>
      cipher(text, nonce, ad, text.byteLength < NATIVE_BYTES_LEAST || !(key instanceof Uint8Array) ? key : ready(key), to)
  encrypter.crypto = { ...encrypter.crypto, encrypt: withReady(encrypt), decrypt: withReady(decrypt) }
}

/**
 * An encrypted packet comes in pieces (length, parts, tag). Written one by one, each is a system
 * call, a segment, and a wake-up of the other end.
 */
function writeWhole(connection: SocketInside): void {
  const sendData = connection.sendData.bind(connection)
  connection.sendData = (pieces) => {
    const whole = pieces.subarray()
    pieces.consume(pieces.byteLength)
    pieces.append(whole)
    return sendData(pieces)
  }
}

/**
 * After each packet the decoder looks for the next one, and is told by an error that there is none.
 */
function waitQuietly(secured: Secured): Secured {
  const { decoder } = secured.connection as unknown as EncryptedInside
  const { lengthDecoder } = decoder
  decoder.lengthDecoder = (bytes) => {
    if (bytes.byteLength < LENGTH_BYTES) throw TOO_SHORT
    return lengthDecoder(bytes)
  }
  return secured
}
