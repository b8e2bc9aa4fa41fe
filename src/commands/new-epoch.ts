/**
 * `replicator force-new-epoch`: says what may be lost, asks whoever types, and waits until the peer
 * is the new network.
 */
import { createInterface } from 'node:readline/promises'
import type { ConfigView, PeerView, StatusView } from '../ports/replicator.ts'
import { printLines } from '../start-up.ts'
import { detailOf, poll } from './asking.ts'
import type { Asked } from './asking.ts'
import { CommandFailed } from './failed.ts'

const LOOK_MS = 200
/** The peer finishes the requests it has, up to 10 s, before it ends and answers. */
const POST_TIMEOUT_MS = 10_000

/** @returns what to say when it is done */
export async function forceNewEpoch(asked: Asked, confirmed: string | undefined, timeoutMs: number): Promise<string[]> {
  const [config, status, peers] = await Promise.all([
    asked.get<ConfigView>('/config'),
    asked.get<StatusView>('/status'),
    asked.get<readonly PeerView[]>('/peers'),
  ])
  const { networkId } = config
  if (networkId === null) throw new CommandFailed('this peer is in no network yet: there is nothing to give up')
  if (hasQuorum(status)) throw new CommandFailed('refused: a quorum of the voters answers; remove the peers or clusters that are lost')
  if (confirmed === undefined) {
    printLines(whatMayBeLost(config, status, peers))
    await confirm([networkId, status.clusterId])
  } else if (confirmed !== networkId) {
    throw new CommandFailed(`this peer is in network ${networkId}, not in ${confirmed}; nothing was done`)
  }
  const { status: code, body } = await asked.post('/config/new-epoch', { networkId }, POST_TIMEOUT_MS)
  if (code !== 202) throw new CommandFailed(`refused: ${detailOf(body)}`)
  return restarted(asked, String(body['networkId']), timeoutMs)
}

function hasQuorum({ quorum }: StatusView): boolean {
  const clusters = Object.values(quorum)
  return clusters.filter(({ up, needed }) => up >= needed).length * 2 > clusters.length
}

/** All that is known here of what this decision costs. */
export function whatMayBeLost(config: ConfigView, status: StatusView, peers: readonly PeerView[]): string[] {
  const voters = Object.entries(config.clusters).flatMap(([clusterId, cluster]) => cluster.voters.map((voter) => ({ ...voter, clusterId })))
  const away = voters.filter(({ state }) => state !== 'alive' && state !== 'self')
  const alive = peers.filter(({ state }) => state === 'alive')
  const ids = (of: readonly { readonly id: string; readonly name: string | null; readonly clusterId: string }[]): string[] =>
    of.map(({ id, name, clusterId }) => `    ${name === null ? id : `${name} (${id})`} of ${clusterId}`)
  return [
    `network ${config.networkId} at epoch ${config.epoch}, as ${status.peerId} of ${status.clusterId} (${status.role}) knows it`,
    `${away.length} of ${voters.length} voters are out of reach:`,
    ...ids(away),
    alive.length === 0 ? 'nobody else is seen alive' : 'seen alive, and left behind in the old network:',
    ...ids(alive),
    `${status.keys.count} keys are held here; ${status.inDoubt} are in doubt and will be settled by this peer alone`,
    '',
    'What only others hold is lost, though they may have acknowledged it. This peer begins a new network as its only voter;',
    'peers of the old one never enter it with the data they have, and for as long as a quorum of them runs somewhere, keys may get',
    'another value there. Do not go on when this peer may only be cut off from the others.',
  ]
}

async function confirm(words: readonly string[]): Promise<void> {
  const input = createInterface({ input: process.stdin, output: process.stderr })
  const closed = new Promise<undefined>((resolve) => input.once('close', () => resolve(undefined)))
  const typed = await Promise.race([input.question(`To go on, type the network id or the cluster id (${words.join(' or ')}): `), closed])
  input.close()
  if (typed === undefined || !words.includes(typed.trim())) throw new CommandFailed('not confirmed; nothing was done')
}

async function restarted(asked: Asked, networkId: string, timeoutMs: number): Promise<string[]> {
  const look = async (): Promise<StatusView | undefined> => {
    try {
      const view = await asked.get<StatusView>('/status')
      return view.networkId === networkId && view.ready ? view : undefined
    } catch {
      // It is between its two lives.
      return undefined
    }
  }
  const view = await poll(look, LOOK_MS, performance.now() + timeoutMs)
  if (view === undefined) throw new CommandFailed(`the peer did not come back in time as network ${networkId}; its log says why`)
  return [
    `new network ${networkId} at epoch ${view.epoch}: ${view.peerId} is its only voter and holds ${view.keys.count} keys`,
    'others join it with an empty data directory: -data NEW -peer …; where a service file names -network, name the new one',
  ]
}
