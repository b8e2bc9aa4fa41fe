/**
 * The network under attack: three peers of any checkout, each a process, all voters, and newcomers
 * that join through one of them.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newSecret } from '../../src/settings/secret.ts'
import { Network, until } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'
import type { Surroundings, Target } from './attack.ts'
import { machineWaitedMs } from './watch.ts'

const PEERS = 3
/**
 * What a newcomer gets before it counts as shut out. On a busy machine it is long; `JOIN_MS_MAX` is
 * what it may take of it.
 */
const JOIN_GIVEN_MS = 40_000
/** Nobody but the attacker comes from here. */
const ATTACKER = '127.0.0.66'
const CLUSTER = 'cluster-1'

export class Arena {
  readonly kind: Surroundings
  readonly peers: readonly PeerProcess[]
  readonly #network: Network
  readonly #root: string
  readonly #secretPath: string | undefined
  readonly #networkId: string

  private constructor(kind: Surroundings, root: string, network: Network, secretPath: string | undefined) {
    this.kind = kind
    this.#root = root
    this.#network = network
    this.#secretPath = secretPath
    this.peers = [...network.peers]
    this.#networkId = this.peers[0]?.networkId ?? ''
  }

  /** Starts three peers and waits until all of them vote. */
  static async open(kind: Surroundings, root: string): Promise<Arena> {
    const network = await Network.create(false)
    try {
      const secretPath = kind === 'secret' ? join(network.directory, 'secret') : undefined
      if (secretPath !== undefined) writeFileSync(secretPath, `${newSecret()}\n`, { mode: 0o600 })
      await network.grow(CLUSTER, PEERS, optionsOf(root, secretPath))
      await network.settled()
      return new Arena(kind, root, network, secretPath)
    } catch (error) {
      await network.close()
      throw error
    }
  }

  target(): Target {
    return {
      root: this.#root,
      networkId: this.#networkId,
      secretPath: this.#secretPath,
      source: ATTACKER,
      peers: this.peers.map((peer) => ({
        httpPort: peer.httpPort,
        libp2pPort: peer.libp2pPort,
        peerId: peer.peerId,
        address: peer.address,
        processId: peer.processId,
        directory: peer.directory,
        logPath: `${peer.directory}.log`,
      })),
    }
  }

  /**
   * A newcomer joins through a peer, and goes again.
   *
   * @returns milliseconds from when it serves HTTP until it is ready and known, without those for
   * which the machine had no processor for either; undefined when it did not get so far
   */
  async join(through: PeerProcess): Promise<number | undefined> {
    const { flags, ...options } = optionsOf(this.#root, this.#secretPath)
    const newcomer = await this.#network.add({ ...options, clusterId: CLUSTER, flags: [...flags, '-peer', through.address] })
    try {
      newcomer.spawn()
      await newcomer.served()
      const startedMs = performance.now()
      const waited = [newcomer, through].map(({ processId }) => ({ processId, beforeMs: machineWaitedMs(processId) }))
      const isKnown = async (): Promise<boolean> =>
        (await through.client.peers()).some(({ id, state }) => id === newcomer.peerId && state === 'alive')
      await until('it is ready', () => newcomer.lines.includes('Replicator ready'), JOIN_GIVEN_MS)
      await until('it is known', isKnown, JOIN_GIVEN_MS)
      return performance.now() - startedMs - Math.max(...waited.map(({ processId, beforeMs }) => machineWaitedMs(processId) - beforeMs))
    } catch {
      return undefined
    } finally {
      await newcomer.kill()
      rmSync(newcomer.directory, { recursive: true, force: true })
    }
  }

  async stop(index: number): Promise<void> {
    await this.peers[index]?.stop()
  }

  async start(index: number): Promise<void> {
    await this.peers[index]?.start()
  }

  close(): Promise<void> {
    return this.#network.close()
  }
}

function optionsOf(root: string, secretPath: string | undefined): { readonly main: string; readonly flags: readonly string[] } {
  return { main: join(root, 'src', 'main.ts'), flags: secretPath === undefined ? [] : ['-secret', secretPath] }
}
