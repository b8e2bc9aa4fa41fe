/**
 * nginx as an ordinary process, with the file of deploy/ for a log at three peers, on other ports
 * where those that stand there are taken.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../run.ts'

const FILE = 'deploy/nginx-log.conf'
const SPREAD_PORT = '8080'
const GATE_PORT = '8180'
const PLACES = [
  { http: '8001', log: '8100' },
  { http: '8002', log: '8200' },
  { http: '8003', log: '8300' },
] as const
/** What the peers are called there, in the same order. */
export const NAMES = ['first', 'second', 'third'] as const

/** The ports of `-http` and of `-hraftd` of a peer. */
export interface ProxiedPeer {
  readonly httpPort: number
  readonly logPort: number
}

/** Why there is none; false when there is one. */
export function whyNoNginx(): string | false {
  const { error } = spawnSync('nginx', ['-v'])
  return error === undefined ? false : 'nginx is not installed: apt-get install nginx-light'
}

/** The three peers, in the order of the file. */
export function nginxFile(peers: readonly ProxiedPeer[], spreadPort: number, gatePort: number): string {
  const named = new Map<string, string>([
    [SPREAD_PORT, String(spreadPort)],
    [GATE_PORT, String(gatePort)],
  ])
  for (const [place, { http, log }] of PLACES.entries()) {
    const peer = peers[place] as ProxiedPeer
    named.set(http, String(peer.httpPort))
    named.set(log, String(peer.logPort))
  }
  return readFileSync(join(ROOT, FILE), 'utf8')
    .split('\n')
    .map((line) => (line.startsWith('#') ? line : line.replaceAll(/\b8\d{3}\b/g, (found) => named.get(found) ?? found)))
    .join('\n')
}

/** @param directory a folder of its own, which is made */
export function startNginx(directory: string, file: string): ChildProcess {
  return spawn('nginx', nginxFlags(directory, file), { stdio: 'ignore' })
}

/** With a file that belongs into the http block. @param directory a folder of its own, which is made */
export function nginxFlags(directory: string, file: string): string[] {
  mkdirSync(directory, { recursive: true })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path ${directory}/${name};`)
  const whole = [
    'daemon off;',
    // One process: whoever kills it leaves no worker behind.
    'master_process off;',
    `pid ${directory}/pid;`,
    `error_log ${directory}/error.log warn;`,
    'events { worker_connections 256; }',
    'http {',
    '  access_log off;',
    ...temporary,
    file,
    '}',
  ]
  const path = join(directory, 'nginx.conf')
  writeFileSync(path, whole.join('\n'))
  return ['-p', directory, '-c', path, '-e', `${directory}/error.log`]
}
