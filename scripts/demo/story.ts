/** What the demo does and shows, step by step. Each step throws why it did not hold. */
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../../src/client/client.ts'
import type { RawInit, Status } from '../../src/client/client.ts'
import { DemoPeer, until } from './peer-process.ts'
import type { Waiting } from './peer-process.ts'

const CLUSTERS = ['cluster-1', 'cluster-2'] as const
const PEERS_PER_CLUSTER = 3
/**
 * Loading the program takes a second or two, several at once on few cores some more; slow machines
 * are not hurried.
 */
const START_MS = 60_000
/** Finding one another and agreeing on the voters of both clusters. */
const READY_MS = 90_000
const ANSWER_MS = 15_000
/** The system tells of the end of a process within this. */
const ENDING_MS = 100
/** Between signs of life while the network forms. */
const PATIENCE_MS = 5_000
const KEY = 'demo/colour'
const CONTENT_TYPE = 'text/plain; charset=utf-8'

export interface StoryInit {
  /** Where the peers keep their data. */
  readonly directory: string
  /**
   * Every peer is added here before anything is waited for, so that whoever ends the demo can end
   * it.
   */
  readonly peers: DemoPeer[]
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

interface Reply {
  readonly status: number
  readonly statusText: string
  readonly contentType: string | null
  readonly text: string
}

export class Story {
  readonly #init: StoryInit

  constructor(init: StoryInit) {
    this.#init = init
  }

  /** Starts the six peers, and waits until each of them is ready and votes. */
  async start(): Promise<void> {
    const { peers, say } = this.#init
    say(`starting the first peer of ${CLUSTERS[0]}: told of no other, it starts a new network`)
    const founder = this.#add(CLUSTERS[0], 1, undefined)
    await this.#listening(founder)
    say('starting five more, which join through it')
    const joined = CLUSTERS.flatMap((clusterId) =>
      Array.from({ length: PEERS_PER_CLUSTER }, (_, index) => ({ clusterId, number: index + 1 })).filter(
        ({ number }) => clusterId !== founder.clusterId || number > 1,
      ),
    ).map(({ clusterId, number }) => this.#add(clusterId, number, founder.addresses[0]))
    await Promise.all(joined.map((peer) => this.#listening(peer)))
    await this.#allReady()
    await this.#allVote()
    say(`${peers.length} peers in ${CLUSTERS.length} clusters are ready, and all of them vote\n`)
  }

  /** Puts a key in one cluster, reads it in the other, and sees that it cannot be put again. */
  async show(): Promise<void> {
    const [writer, , , reader, rival] = this.#init.peers as [DemoPeer, DemoPeer, DemoPeer, DemoPeer, DemoPeer]
    const stored = await this.#ask(writer, 'PUT', 'ultramarine')
    this.#expect(writer, 'PUT "ultramarine"', stored, 201, 'stored; both clusters agreed')
    const read = await this.#ask(reader, 'GET')
    this.#expect(reader, 'GET', read, 200, `"${read.text}", the same bytes and content type`)
    if (read.text !== 'ultramarine' || read.contentType !== CONTENT_TYPE) {
      throw new Error(`${reader.name} read ${JSON.stringify(read.text)} as ${read.contentType}, not "ultramarine" as ${CONTENT_TYPE}`)
    }
    const refused = await this.#ask(rival, 'PUT', 'vermilion')
    this.#expect(rival, 'PUT "vermilion"', refused, 409, 'refused: the key is taken, write-once')
    const { type } = JSON.parse(refused.text) as { readonly type?: string }
    if (type !== 'urn:replicator:key-exists') throw new Error(`${rival.name} refused with ${type}, not with urn:replicator:key-exists`)
    const still = await this.#ask(rival, 'GET')
    this.#expect(rival, 'GET', still, 200, `still "${still.text}"`)
    if (still.text !== read.text) throw new Error(`${rival.name} now reads ${JSON.stringify(still.text)}`)
  }

  /** Prints where the peers are and how to go on by hand. */
  invite(once: boolean): void {
    const { directory, peers } = this.#init
    console.log('\nThe peers')
    for (const peer of peers) {
      console.log(`  ${peer.name}  ${peer.url}  process ${peer.processId}`)
      for (const address of peer.addresses) console.log(`    ${address}`)
    }
    console.log('\nTry it')
    for (const line of suggestions(peers)) console.log(`  ${line}`)
    const ending = once ? 'All of it held. Ending.' : 'Ctrl-C ends all of it.'
    console.log(`\nData and logs are in ${directory} until the end.\n${ending}\n`)
  }

  #add(clusterId: string, number: number, joins: string | undefined): DemoPeer {
    const peer = new DemoPeer(this.#init.directory, clusterId, number, joins)
    this.#init.peers.push(peer)
    return peer
  }

  async #listening(peer: DemoPeer): Promise<void> {
    await this.#until(`${peer.name} listens`, START_MS, () => peer.isListening)
    this.#init.say(`${peer.name} listens on ${peer.url}`)
  }

  /** Waits until every peer has said that it is ready. */
  async #allReady(): Promise<void> {
    const { peers, say } = this.#init
    const told = new Set<DemoPeer>()
    let toldMs = performance.now()
    await this.#until('every peer is ready', READY_MS, async () => {
      for (const peer of peers) {
        if (told.has(peer) || !peer.isReady) continue
        told.add(peer)
        toldMs = performance.now()
        say(`${peer.name} is ready (${told.size} of ${peers.length})`)
      }
      if (performance.now() - toldMs > PATIENCE_MS) {
        toldMs = performance.now()
        say(`waiting: ${await this.#missing(peers.find((peer) => !peer.isReady))}`)
      }
      return told.size === peers.length
    })
  }

  /** Waits until every peer is a voter of one config that is not being changed. */
  async #allVote(): Promise<void> {
    const { peers } = this.#init
    await this.#until('all peers vote in one config', READY_MS, async () => {
      const views = await Promise.all(peers.map((peer) => this.#status(peer)))
      return views.every((view) => view.role === 'voter' && !view.changing && view.epoch === views[0]?.epoch)
    })
  }

  async #status(peer: DemoPeer): Promise<Status> {
    return JSON.parse((await this.#fetch(peer, 'GET', '/status')).text) as Status
  }

  /** What a peer that is not ready says about it. */
  async #missing(peer: DemoPeer | undefined): Promise<string> {
    if (peer === undefined) return 'nothing'
    const problem = JSON.parse((await this.#fetch(peer, 'GET', '/readyz')).text) as { readonly detail?: string }
    return `${peer.name}: ${problem.detail ?? 'ready'}`
  }

  #ask(peer: DemoPeer, method: 'GET' | 'PUT', value?: string): Promise<Reply> {
    return this.#fetch(peer, method, `/store/${KEY}`, value === undefined ? {} : { body: value, headers: { 'Content-Type': CONTENT_TYPE } })
  }

  /** Sent once, to one peer: what each answers is the story. */
  async #fetch(peer: DemoPeer, method: string, path: string, init: Pick<RawInit, 'body' | 'headers'> = {}): Promise<Reply> {
    const signal = AbortSignal.any([this.#init.signal, AbortSignal.timeout(ANSWER_MS)])
    try {
      const response = await new Client({ peers: [peer.url] }).fetch(path, { ...init, method, signal })
      const { status, statusText, headers } = response
      return { status, statusText, contentType: headers.get('content-type'), text: await response.text() }
    } catch (error) {
      this.#init.signal.throwIfAborted()
      // Its connection is gone a moment before the end of its process is told.
      await delay(ENDING_MS)
      peer.assertRuns()
      throw new Error(`${peer.name} did not answer ${method} ${path} within ${ANSWER_MS / 1_000} s: ${String(error)}`, { cause: error })
    }
  }

  #expect(peer: DemoPeer, request: string, reply: Reply, status: number, meaning: string): void {
    const line = `${peer.name}  ${request} /store/${KEY}`
    if (reply.status !== status) throw new Error(`${line} was answered ${reply.status}, not ${status}: ${reply.text}`)
    this.#init.say(`${line}\n${' '.repeat(10)}  ${reply.status} ${reply.statusText}: ${meaning}`)
  }

  /** Waits for something that no peer may die before. */
  async #until(what: string, timeoutMs: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const waiting: Waiting = { timeoutMs, signal: this.#init.signal }
    const condition = async (): Promise<true | undefined> => {
      for (const peer of this.#init.peers) peer.assertRuns()
      return (await isTrue()) || undefined
    }
    await until(what, condition, waiting)
  }
}

/** Lines to paste into a shell, each after what it does. */
function suggestions(peers: readonly DemoPeer[]): string[] {
  const [first, second, , other] = peers as [DemoPeer, DemoPeer, DemoPeer, DemoPeer]
  return [
    '# put a key in one cluster',
    `curl -i -X PUT -H 'Content-Type: text/plain' --data-binary 'hello' ${first.url}/store/greeting`,
    '# read it in the other, and be refused there: 409',
    `curl -i ${other.url}/store/greeting`,
    `curl -i -X PUT --data-binary 'something else' ${other.url}/store/greeting`,
    `# see the network in a browser: ${first.url}/console`,
    '# what a peer holds, and what it knows of the network; a page to try everything is at /swagger',
    `curl '${first.url}/store?limit=10'`,
    `curl ${first.url}/status`,
    '# take a peer away: the others go on',
    `kill -9 ${second.processId}`,
    '# start a seventh peer',
    `npx replicator -cid ${other.clusterId} -peer ${first.addresses[0] ?? ''}`,
  ]
}
