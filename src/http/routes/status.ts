/** `/peers`, `/clusters` and `/status`: how this peer sees itself and the network. */
import { json } from '../answers.ts'
import { jsonOf } from '../openapi-parts.ts'
import { reading } from '../reading.ts'
import { answering } from '../route.ts'
import type { RouteGroup } from '../route.ts'
import { count, epoch, flag, idsByCluster, list, mapOf, object, peerName, role, state, text } from '../schemas.ts'

export function statusRoutes(): RouteGroup {
  return {
    routes: [
      {
        path: '/peers',
        methods: reading({
          scope: 'read',
          handle: answering(({ context }) => json(200, context.replicator.peers())),
          operationId: 'listPeers',
          summary: 'The peers known here',
          responses: { 200: jsonOf('The peers', 'Peers') },
        }),
      },
      {
        path: '/clusters',
        methods: reading({
          scope: 'read',
          handle: answering(({ context }) => json(200, context.replicator.clusters())),
          operationId: 'listClusters',
          summary: 'The peers of each cluster that are not gone',
          responses: { 200: jsonOf('Peer ids by cluster id', 'Clusters') },
        }),
      },
      {
        path: '/status',
        methods: reading({
          scope: 'read',
          handle: answering(({ context }) => json(200, context.replicator.status())),
          operationId: 'readStatus',
          summary: 'How this peer sees itself and the network',
          responses: { 200: jsonOf('The status', 'Status') },
        }),
      },
    ],
    schemas: SCHEMAS,
  }
}

const SCHEMAS: RouteGroup['schemas'] = {
  Peers: list(
    object({
      id: text,
      name: peerName,
      clusterId: text,
      addresses: list(text),
      role,
      state,
      rttMs: { type: ['number', 'null'] },
      lastSeenAt: { type: ['string', 'null'], format: 'date-time' },
    }),
  ),
  Clusters: idsByCluster,
  Status: {
    ...object({
      peerId: text,
      name: peerName,
      clusterId: text,
      version: text,
      networkId: { type: ['string', 'null'] },
      epoch,
      role,
      ready: flag,
      config: { oneOf: [{ type: 'null' }, object({ clusters: idsByCluster }, { next: idsByCluster })] },
      changing: { ...flag, description: 'A change of the configuration is in flight' },
      quorum: mapOf(object({ voters: count, up: count, needed: count })),
      keys: object({
        count,
        bytes: count,
        root: text,
        clusters: mapOf({ type: 'string', enum: ['equal', 'different', 'unknown'] }),
        behind: {
          ...mapOf(object({ keys: count, seconds: count })),
          description: 'Of each cluster the peer that has least: keys that the fullest peer has more, and seconds since anybody had more',
        },
      }),
      inDoubt: count,
      tokens: {
        oneOf: [{ type: 'null' }, object({ fingerprint: text })],
        description: 'The token file in force: the fingerprint is the same where the files are',
      },
      secrets: { ...list(text), description: 'Fingerprints of the secrets in force, none for no secret; the first is proved' },
      provedBy: { ...mapOf(text), description: 'By which of them each connected peer has proved itself' },
      warnings: list(text),
    }),
    additionalProperties: {
      type: 'object',
      description:
        'A further type of data by its name, as `sets`: rows held and their root, which clusters hold the same, and what else it shows',
    },
  },
}
