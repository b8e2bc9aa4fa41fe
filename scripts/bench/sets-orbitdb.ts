/**
 * OrbitDB beside sets, in one run: elements put one after another at one peer, what a peer of it
 * weighs then, and how long another that joins takes until it holds all of them. OrbitDB is no
 * dependency: it lies in a directory of its own, made as `INSTALL` says.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Network } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'
import { diskBytes, residentBytes } from './sets-rates.ts'
import { SECOND_MS, insert, say, untilEqual } from './sets-work.ts'

export const INSTALL =
  'npm install --prefix DIR @orbitdb/core@4 helia@6 libp2p@3 @libp2p/tcp@11 @libp2p/identify@4 @libp2p/gossipsub@17 @chainsafe/libp2p-noise@17 @chainsafe/libp2p-yamux@8 @multiformats/multiaddr@13 blockstore-level@4'

const PROGRAM = 'orbitdb-peer.mjs'
const LOOK_MS = 250
const ALL_THERE_MS = 120_000

/** @param installed the directory that OrbitDB is installed in */
export async function measureOrbitdb(installed: string, operations: number): Promise<void> {
  if (!existsSync(join(installed, 'node_modules/@orbitdb/core'))) return say(`no OrbitDB in ${installed}: ${INSTALL}`)
  const program = join(installed, PROGRAM)
  copyFileSync(join(import.meta.dirname, PROGRAM), program)
  const directory = await mkdtemp(join(tmpdir(), 'replicator-orbitdb-'))
  const peers: OrbitdbPeer[] = []
  const begin = async (name: string): Promise<OrbitdbPeer> => {
    const peer = new OrbitdbPeer(program, join(directory, name))
    peers.push(peer)
    await peer.begun
    return peer
  }
  try {
    await measureWith(begin, operations)
  } finally {
    for (const peer of peers) await peer.end()
    rmSync(program)
    await rm(directory, { recursive: true })
  }
  await measureSets(operations)
}

async function measureWith(begin: (name: string) => Promise<OrbitdbPeer>, operations: number): Promise<void> {
  const first = await begin('first')
  const { address, peers } = await first.ask<{ readonly address: string; readonly peers: readonly string[] }>('open', { peers: [] })
  const weight = weighing(first.processId, first.directory)
  const begunMs = performance.now()
  await first.ask('put', { count: operations })
  const rate = operations / ((performance.now() - begunMs) / SECOND_MS)
  say(`OrbitDB, one peer, one after another: ${rate.toFixed(0)} a second; ${weight(operations)}`)
  const second = await begin('second')
  const joinedMs = performance.now()
  await second.ask('open', { address, peers })
  while ((await second.ask<{ readonly count: number }>('count', {})).count < operations) {
    if (performance.now() - joinedMs > ALL_THERE_MS) return say('a second one did not hold all of them in time')
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  say(`a second one held all of them after ${((performance.now() - joinedMs) / SECOND_MS).toFixed(1)} s`)
}

async function measureSets(operations: number): Promise<void> {
  const network = await Network.create()
  try {
    const grow = (): Promise<PeerProcess[]> => network.grow('a', 1, { flags: ['-min-peers', '1'] })
    const [first] = (await grow()) as [PeerProcess]
    await network.settled()
    for (const [width, how] of [
      [1, 'one after another'],
      [64, '64 at a time'],
    ] as const) {
      const weight = weighing(first.processId, first.directory)
      const rate = await insert([first], how, operations, 1, width)
      say(`sets, one peer, ${how}, over HTTP: ${rate.toFixed(0)} a second; ${weight(operations)}`)
    }
    await grow()
    const ms = await untilEqual(network.peers)
    say(`a second one held all ${2 * operations} ${(ms / SECOND_MS).toFixed(1)} s after it was there`)
  } finally {
    await network.close()
  }
}

function weighing(processId: number, directory: string): (operations: number) => string {
  const [memory, disk] = [residentBytes(processId), diskBytes(directory)]
  return (operations) => {
    const [memoryGrown, diskGrown] = [residentBytes(processId) - memory, diskBytes(directory) - disk]
    return `${(memoryGrown / operations).toFixed(0)} bytes of memory and ${(diskGrown / operations).toFixed(0)} of disk an element`
  }
}

type Told = { readonly answer: unknown } | { readonly error: string }

/** A process of it, asked one thing at a time. */
class OrbitdbPeer {
  readonly directory: string
  readonly begun: Promise<unknown>
  readonly #child: ChildProcess

  constructor(program: string, directory: string) {
    mkdirSync(directory)
    this.directory = directory
    this.#child = fork(program, [directory], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.begun = this.#told()
  }

  get processId(): number {
    return this.#child.pid ?? Number.NaN
  }

  async ask<Answer>(kind: string, facts: object): Promise<Answer> {
    const told = this.#told()
    this.#child.send({ kind, facts })
    return (await told) as Answer
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  async #told(): Promise<unknown> {
    const [told] = (await once(this.#child, 'message')) as [Told]
    if ('error' in told) throw new Error(told.error)
    return told.answer
  }
}
