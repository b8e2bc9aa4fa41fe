/**
 * The encryption of connections: Noise, kept from doing small work many times. The only place that
 * names its package. Each of the measures below was found in a profile of puts; none changes a byte
 * that the other end decrypts.
 */
import { createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import type { NoiseExtensions } from '@chainsafe/libp2p-noise'
import { asCrypto, defaultCrypto, nodeCrypto } from '@chainsafe/libp2p-noise/crypto'
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'

/**
 * From here on OpenSSL is quicker than WebAssembly, for packets of the usual size twice as quick.
 * Noise by itself changes over at 1,200 bytes, for it makes its key ready anew for each packet.
 */
const NATIVE_BYTES_LEAST = 512
/** What the length before an encrypted packet takes. */
const LENGTH_BYTES = 2

type Bytes = Parameters<MessageStream['send']>[0]
type BytesInPieces = Exclude<Bytes, Uint8Array>
type Crypto = typeof defaultCrypto
type Key = Parameters<Crypto['chaCha20Poly1305Encrypt']>[3]

/** What is used of Noise beyond its port. */
interface EncryptedInside {
  readonly decoder: { lengthDecoder: (bytes: BytesInPieces) => number }
}
interface SocketInside {
  sendData(pieces: BytesInPieces): unknown
}

type Encrypter = ConnectionEncrypter<NoiseExtensions>
type Secured = Awaited<ReturnType<Encrypter['secureInbound']>>

/** Noise as libp2p takes it. */
export function frugalNoise(): (components: Parameters<ReturnType<typeof noise>>[0]) => Encrypter {
  const create = noise({ crypto: withReadyKeys() })
  return (components) => {
    const encrypter = create(components)
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
function withReadyKeys(): Crypto {
  const keys = new WeakMap<Key, KeyObject>()
  const ready = (key: Key): Key => {
    let made = keys.get(key)
    if (made === undefined) keys.set(key, (made = createSecretKey(key)))
    // OpenSSL takes it as it takes the bytes, which is all that Noise declares.
    return made as unknown as Key
  }
  return {
    ...defaultCrypto,
    chaCha20Poly1305Encrypt: (text, nonce, ad, key) =>
      text.byteLength < NATIVE_BYTES_LEAST
        ? asCrypto.chaCha20Poly1305Encrypt(text, nonce, ad, key)
        : nodeCrypto.chaCha20Poly1305Encrypt(text, nonce, ad, ready(key)),
    chaCha20Poly1305Decrypt: (text, nonce, ad, key, to) =>
      text.byteLength < NATIVE_BYTES_LEAST
        ? asCrypto.chaCha20Poly1305Decrypt(text, nonce, ad, key, to)
        : nodeCrypto.chaCha20Poly1305Decrypt(text, nonce, ad, ready(key), to),
  }
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
 * After each packet the decoder looks for the next one. Noise says by an error that its length is
 * not here, and an error costs more than a packet. A length of 0 says the same: the two bytes of
 * the length itself are not here.
 */
function waitQuietly(secured: Secured): Secured {
  const { decoder } = secured.connection as unknown as EncryptedInside
  decoder.lengthDecoder = (bytes) => (bytes.byteLength < LENGTH_BYTES ? 0 : bytes.get(0) * 256 + bytes.get(1))
  return secured
}
