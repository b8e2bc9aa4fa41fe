/** The names in the DHT under which peers that belong together say where they are. */
import { createHash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as digest from 'multiformats/hashes/digest'

/** SHA-256 in the table of multihash codes. */
const SHA_256_CODE = 0x12

/**
 * The content id of a rendezvous.
 *
 * @param protocolPrefix prefix of the libp2p protocol ids: networks that speak differently do not
 * meet
 * @param name the rendezvous, alone or with a cluster id
 */
export function rendezvousCid(protocolPrefix: string, name: string): CID {
  const hash = createHash('sha256').update(`replicator/rendezvous/1\n${protocolPrefix}\n${name}`).digest()
  return CID.createV1(raw.code, digest.create(SHA_256_CODE, hash))
}
