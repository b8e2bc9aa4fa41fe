/**
 * Where the operator socket of a peer lies. Whoever may open it is the user who runs the peer,
 * which the system sees to: the folder is that user's alone. So a command of that user needs no
 * credential, and nobody else can pass for it.
 *
 *     operator.sock in the data directory    for a command that is told the directory
 *     PORT.sock in ~/.replicator             for one that is told the address, by the port of the peer's HTTP
 */
import { once } from 'node:events'
import { lstat } from 'node:fs/promises'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/**
 * Hosts by which this machine is meant, and one peer on it. Other addresses of 127.0.0.0/8 may be
 * those of further peers on the same port.
 */
const THIS_MACHINE: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
/** A socket's path must fit a field of the system's, with a zero byte behind it. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103
/** In the home directory. */
const FOLDER = '.replicator'

/** Of the peer that has this data directory. */
export function socketOfDirectory(directory: string): string {
  return join(resolve(directory), 'operator.sock')
}

/** The folder of a user's sockets; undefined for a user without a home directory. */
export function socketFolder(): string | undefined {
  try {
    const home = homedir()
    return isAbsolute(home) ? join(home, FOLDER) : undefined
  } catch {
    return undefined
  }
}

/** Of the peer whose HTTP has this port. @param folder of the user who runs it */
export function socketOfPort(folder: string, port: number): string {
  return join(folder, `${port}.sock`)
}

/** Why a path is none for a socket; undefined when it can be one. */
export function socketPathFault(path: string): string | undefined {
  const size = Buffer.byteLength(path)
  if (size <= PATH_BYTES_MAX) return undefined
  return `the path ${path} has ${size} bytes, and that of a socket at most ${PATH_BYTES_MAX}: choose a shorter one`
}

/** True for the host of a URL that leads to a peer on this machine. */
export function isThisMachine(host: string): boolean {
  return THIS_MACHINE.has(host)
}

/**
 * True when somebody answers at a socket. @throws Error when something else lies there, which is
 * not ours to remove
 */
export async function isLive(path: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isSocket()) throw new Error(`${path} is there, and is no socket`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return false
    throw error
  } finally {
    socket.destroy()
  }
}
