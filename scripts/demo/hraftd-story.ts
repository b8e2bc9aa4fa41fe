/**
 * The demo of a log behind hraftd's interface: three peers, the lines of that system at each of
 * their ports, nginx in front where it is installed, and the leader killed with -9 while writes go
 * on.
 */
import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import { NAMES, nginxFile, startNginx, whyNoNginx } from './nginx.ts'
import { DemoPeer, until } from './peer-process.ts'
import { portsOr } from './ports.ts'
import { Writer } from './write-gaps.ts'

const PORTS = [8100, 8200, 8300]
const HTTP_PORTS = [8001, 8002, 8003]
const PROXY_PORTS = [8080, 8180]
const START_MS = 90_000
const ANSWER_MS = 30_000
/** How long writes go on before the leader is killed, and after it. */
const BEFORE_MS = 2_000
const AFTER_MS = 4_000

export interface HraftdStoryInit {
  /** Where the peers keep their data. */
  readonly directory: string
  /** Every process is added here before anything is waited for, so that whoever ends the demo can end it. */
  readonly peers: DemoPeer[]
  readonly helpers: ChildProcess[]
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

/** Tells it all. @throws Error that says what did not hold */
export async function tellOfHraftd(init: HraftdStoryInit): Promise<void> {
  const { say } = init
  const ports = await portsOr(PORTS)
  await start(init, ports)
  await showLines(init, ports)
  const proxied = await startProxy(init, ports)
  await killLeader(init, ports)
  if (proxied !== undefined) say(`nginx at http://localhost:${proxied} takes writes to the leader, and spreads reads`)
  say('all of it held')
}

async function start({ directory, peers, say, signal }: HraftdStoryInit, ports: readonly number[]): Promise<void> {
  // A peer that is started again is found where it was.
  const httpPorts = await portsOr(HTTP_PORTS)
  for (const [index, port] of ports.entries()) {
    const flags = ['-name', NAMES[index] ?? '', '-http', String(httpPorts[index]), '-hraftd', String(port)]
    const peer = new DemoPeer(directory, 'edge', index + 1, peers[0]?.addresses[0], flags)
    peers.push(peer)
    await until(`${peer.name} listens`, () => (peer.assertRuns(), peer.isListening || undefined), { timeoutMs: START_MS, signal })
    say(`${peer.name} serves http://localhost:${port}`)
  }
  await until('somebody leads', () => leaderAmong(ports), { timeoutMs: START_MS, signal })
}

/** As its page has them. */
async function showLines({ say, signal }: HraftdStoryInit, ports: readonly number[]): Promise<void> {
  const [first = 0] = ports
  const set = async (pairs: Readonly<Record<string, string>>): Promise<void> => {
    const body = JSON.stringify(pairs)
    const response = await until('a write is taken', () => taken(first, body), { timeoutMs: ANSWER_MS, signal })
    say(`curl -XPOST localhost:${first}/key -d '${body}'\n${' '.repeat(10)}  ${response}`)
  }
  const get = async (port: number, key: string, value: string): Promise<void> => {
    const told = await (await fetch(`http://127.0.0.1:${port}/key/${key}`)).text()
    if (told !== JSON.stringify({ [key]: value })) throw new Error(`localhost:${port}/key/${key} told ${told}`)
    say(`curl -XGET localhost:${port}/key/${key}\n${' '.repeat(10)}  ${told}`)
  }
  await set({ user1: 'batman' })
  for (const port of ports) await get(port, 'user1', 'batman')
  await set({ user2: 'robin' })
  for (const port of ports) await get(port, 'user2', 'robin')
}

/** @returns the port of nginx; undefined where there is none */
async function startProxy(init: HraftdStoryInit, ports: readonly number[]): Promise<number | undefined> {
  const { directory, helpers, peers, say, signal } = init
  const whyNot = whyNoNginx()
  if (whyNot !== false) {
    say(whyNot)
    return undefined
  }
  const [spread = 0, gate = 0] = await portsOr(PROXY_PORTS)
  const proxied = peers.map(({ url }, place) => ({ httpPort: Number(new URL(url).port), logPort: ports[place] as number }))
  helpers.push(startNginx(join(directory, 'nginx'), nginxFile(proxied, spread, gate)))
  await until('nginx passes a write on', () => taken(spread, '{"by":"nginx"}'), { timeoutMs: ANSWER_MS, signal })
  say(`curl -XPOST localhost:${spread}/key -d '{"by":"nginx"}'\n${' '.repeat(10)}  200`)
  say(`the gate of ${peers[0]?.name} is http://localhost:${gate}: reads always, writes while it leads, else 403`)
  return spread
}

/** Kills who leads while writes go on at the others, and starts it again. */
async function killLeader({ peers, say, signal }: HraftdStoryInit, ports: readonly number[]): Promise<void> {
  const leading = await until('somebody leads', () => leaderAmong(ports), { timeoutMs: ANSWER_MS, signal })
  const place = ports.indexOf(leading)
  const others = ports.filter((port) => port !== leading)
  const writer = new Writer(async (trying, count) => {
    const body = JSON.stringify({ count: String(count) })
    const response = await fetch(`http://127.0.0.1:${others[count % others.length]}/key`, { method: 'POST', body, signal: trying })
    await response.body?.cancel()
    return response.status === 200
  })
  await delay(BEFORE_MS, undefined, { signal })
  writer.forget()
  const peer = peers[place] as DemoPeer
  peer.kill()
  say(`${peer.name}, which leads, is killed with -9 while writes go on at the other two`)
  await delay(AFTER_MS, undefined, { signal })
  const { longestMs, written } = await writer.stop()
  if (written === 0) throw new Error('no write was taken')
  say(`the longest gap between two of ${written} writes was ${Math.round(longestMs)} ms`)
  peers[place] = peer.again()
  await until(`${peer.name} serves again`, async () => ((await raftOf(leading)) === undefined ? undefined : true), {
    timeoutMs: START_MS,
    signal,
  })
  say(`${peer.name} is started again`)
}

async function taken(port: number, body: string): Promise<200 | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/key`, { method: 'POST', body }).catch(() => undefined)
  await response?.body?.cancel()
  return response?.status === 200 ? 200 : undefined
}

async function leaderAmong(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if ((await raftOf(port)) === 'Leader') return port
  return undefined
}

/** What a peer is in the log; undefined where it does not answer. */
async function raftOf(port: number): Promise<string | undefined> {
  try {
    const { State } = (await (await fetch(`http://127.0.0.1:${port}/raft`)).json()) as { readonly State: string }
    return State
  } catch {
    return undefined
  }
}
