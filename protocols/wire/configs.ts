/** Configs as bytes, and back. Equal configs are equal bytes. */
import { assert } from '../base/assert.ts'
import { compareIdentities } from '../base/identity.ts'
import type { ClusterId, Identity } from '../base/identity.ts'
import { BARRED_MAX, VOTERS_PER_CLUSTER_MAX, VOTING_CLUSTERS_MAX } from '../base/config.ts'
import type { Barred, Clusters, Config } from '../base/config.ts'
import { refuse } from './malformed.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import {
  readClusterId,
  readFlag,
  readIdentity,
  readList,
  readNetworkId,
  readPeerId,
  writeClusterId,
  writeCount,
  writeFlag,
  writeIdentity,
  writeNetworkId,
  writePeerId,
} from './fields.ts'
import { CONFIGS_PER_MESSAGE_MAX } from '../base/limits.ts'

/** Which parts a config has beside those that each has; added up in one byte. */
const HAS_NEXT = 1
const HAS_BARRED = 2
const HAS_NEXT_BARRED = 4

/** Clusters and voters are written in the order of their ids. */
export function writeConfig(writer: ByteWriter, config: Config): void {
  writeNetworkId(writer, config.networkId)
  writer.varint(config.epoch)
  writeFlag(writer, config.forming)
  writer.varint(config.protocolMin)
  writeClusters(writer, config.clusters)
  const { next, barred, nextBarred } = config
  if (nextBarred !== undefined) assert(next !== undefined, `config ${config.epoch} says whom to bar next, without a next`)
  writer.u8(
    (next === undefined ? 0 : HAS_NEXT) + (barred === undefined ? 0 : HAS_BARRED) + (nextBarred === undefined ? 0 : HAS_NEXT_BARRED),
  )
  if (next !== undefined) writeClusters(writer, next)
  if (barred !== undefined) writeBarred(writer, barred)
  if (nextBarred !== undefined) writeBarred(writer, nextBarred)
}

export function readConfig(reader: ByteReader): Config {
  const networkId = readNetworkId(reader)
  const epoch = reader.varint()
  const forming = readFlag(reader)
  const protocolMin = reader.varint()
  const clusters = readClusters(reader)
  const parts = reader.u8()
  if (parts > HAS_NEXT + HAS_BARRED + HAS_NEXT_BARRED || (parts & (HAS_NEXT + HAS_NEXT_BARRED)) === HAS_NEXT_BARRED) {
    refuse(`config of unknown parts: ${parts}`)
  }
  return {
    networkId,
    epoch,
    clusters,
    forming,
    protocolMin,
    ...((parts & HAS_NEXT) > 0 && { next: readClusters(reader) }),
    ...((parts & HAS_BARRED) > 0 && { barred: readBarred(reader) }),
    ...((parts & HAS_NEXT_BARRED) > 0 && { nextBarred: readBarred(reader) }),
  }
}

export function writeConfigs(writer: ByteWriter, configs: readonly Config[]): void {
  writeCount(writer, configs.length, CONFIGS_PER_MESSAGE_MAX)
  for (const config of configs) writeConfig(writer, config)
}

export function readConfigs(reader: ByteReader): Config[] {
  return readList(reader, CONFIGS_PER_MESSAGE_MAX, readConfig)
}

function writeClusters(writer: ByteWriter, clusters: Clusters): void {
  writeCount(writer, clusters.size, VOTING_CLUSTERS_MAX)
  for (const clusterId of [...clusters.keys()].sort()) {
    const voters = [...(clusters.get(clusterId) ?? [])].sort(compareIdentities)
    assert(voters.length > 0, `cluster ${clusterId} has no voters and must be left out`)
    writeClusterId(writer, clusterId)
    writeCount(writer, voters.length, VOTERS_PER_CLUSTER_MAX)
    for (const voter of voters) writeIdentity(writer, voter)
  }
}

function readClusters(reader: ByteReader): Clusters {
  const clusters = new Map<ClusterId, readonly Identity[]>()
  let last = ''
  for (let left = reader.varintTo(VOTING_CLUSTERS_MAX); left > 0; left -= 1) {
    const clusterId = readClusterId(reader)
    if (clusterId <= last) refuse('clusters out of order')
    last = clusterId
    clusters.set(clusterId, readVoters(reader))
  }
  return clusters
}

function readVoters(reader: ByteReader): Identity[] {
  const voters: Identity[] = []
  const count = reader.varintTo(VOTERS_PER_CLUSTER_MAX)
  if (count === 0) refuse('cluster without voters')
  for (let index = 0; index < count; index += 1) {
    const voter = readIdentity(reader)
    const before = voters.at(-1)
    if (before !== undefined && compareIdentities(before, voter) >= 0) refuse('voters out of order')
    voters.push(voter)
  }
  return voters
}

function writeBarred(writer: ByteWriter, { peers, clusters }: Barred): void {
  assert(peers.length + clusters.length > 0, 'nobody is barred: that is to be left out')
  writeCount(writer, peers.length, BARRED_MAX)
  for (const peerId of peers) writePeerId(writer, peerId)
  writeCount(writer, clusters.length, BARRED_MAX)
  for (const clusterId of clusters) writeClusterId(writer, clusterId)
}

function readBarred(reader: ByteReader): Barred {
  const peers = readList(reader, BARRED_MAX, readPeerId)
  const clusters = readList(reader, BARRED_MAX, readClusterId)
  if (peers.length + clusters.length === 0) refuse('list of the barred with nobody in it')
  if (new Set(peers).size < peers.length || new Set(clusters).size < clusters.length) refuse('barred twice')
  return { peers, clusters }
}
