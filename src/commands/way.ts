/**
 * The way from a command to its peer: by the operator socket where the peer runs on this machine
 * for this user, else by its address. Everything on the way comes from whoever typed the command,
 * and nothing from a server.
 */
import { lstatSync, readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:http'
import { isLive, isThisMachine, socketFolder, socketOfDirectory, socketOfPort, socketPathFault } from '../security/operator-socket.ts'
import type { Asking } from '../settings/asking.ts'
import { CommandFailed } from './failed.ts'

export interface Way {
  /** For people: an address without its password, or the path of a socket. */
  readonly name: string
  readonly target: Pick<RequestOptions, 'socketPath' | 'hostname' | 'port'> & Readonly<Record<'ca' | 'cert' | 'key', Buffer | undefined>>
  readonly isSecure: boolean
  /** What stands before every path, where a proxy serves the peer below one. */
  readonly pathBefore: string
  readonly headers: Readonly<Record<string, string>>
  /** For whoever typed the command. */
  readonly warnings: readonly string[]
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }
const PASSWORD_WARNING =
  'the password in the URL can be read by every user of this machine, in the list of processes; a token comes from -token-file or REPLICATOR_TOKEN'

/** @throws CommandFailed when there is none */
export async function wayTo(asking: Asking): Promise<Way> {
  const url = new URL(asking.url)
  const warnings = url.password === '' ? [] : [PASSWORD_WARNING]
  const socketPath = isThisMachine(url.hostname) ? await socketOf(asking, url) : undefined
  return socketPath === undefined ? addressed(asking, url, warnings) : { ...wayBySocket(socketPath), warnings }
}

/** By the operator socket of a peer. */
export function wayBySocket(socketPath: string): Way {
  const target = { socketPath, ca: undefined, cert: undefined, key: undefined }
  return { name: socketPath, target, isSecure: false, pathBefore: '', headers: { Host: 'localhost' }, warnings: [] }
}

function addressed({ token, ca, cert, key }: Asking, url: URL, warnings: readonly string[]): Way {
  const { hostname, protocol, username, password, pathname, host } = url
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const authorization = token === undefined ? (username + password === '' ? undefined : `Basic ${basic}`) : `Bearer ${token}`
  return {
    name: `${protocol}//${host}${pathname.replace(/\/+$/, '')}`,
    target: {
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: portOf(url),
      ca: read(ca, '-ca'),
      cert: read(cert, '-cert'),
      key: read(key, '-key'),
    },
    isSecure: protocol === 'https:',
    pathBefore: pathname.replace(/\/+$/, ''),
    headers: authorization === undefined ? {} : { Authorization: authorization },
    warnings,
  }
}

/** The operator socket of a peer on this machine; undefined where this user has none. */
async function socketOf({ dataDirectory }: Asking, url: URL): Promise<string | undefined> {
  if (dataDirectory !== undefined) {
    const path = socketOfDirectory(dataDirectory)
    const fault = socketPathFault(path)
    if (fault !== undefined) throw new CommandFailed(fault)
    return path
  }
  return operatorSocketAt(url)
}

/**
 * The operator socket of a peer of this user, by one of its ports. @returns undefined where there
 * is none, or another machine is meant
 */
export async function operatorSocketAt(url: URL): Promise<string | undefined> {
  const folder = isThisMachine(url.hostname) ? socketFolder() : undefined
  if (folder === undefined) return undefined
  const path = socketOfPort(folder, portOf(url))
  // A socket of somebody else would be told what is meant for one's own peer.
  const isOurs = ownerOf(path) === process.geteuid?.() && ownerOf(folder) === process.geteuid?.()
  return isOurs && (await isLive(path)) ? path : undefined
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (PORTS[protocol] ?? 0) : Number(port)
}

/** @returns undefined when nothing is there, or nothing that this user may look at */
function ownerOf(path: string): number | undefined {
  try {
    return lstatSync(path).uid
  } catch {
    return undefined
  }
}

function read(path: string | undefined, flag: string): Buffer | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CommandFailed(`${flag} ${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
