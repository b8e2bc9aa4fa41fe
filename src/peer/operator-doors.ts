/**
 * Opens the operator sockets of a running peer. One that a peer left behind which is dead is
 * replaced, that of a running one never. A peer that cannot have one runs all the same, and says
 * what its operator has to do without.
 */
import { chmod, mkdir, rm, stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { isLive, socketFolder, socketOfDirectory, socketOfPort, socketPathFault } from '../security/operator-socket.ts'
import { octal } from '../security/private-file.ts'

const FOLDER_MODE = 0o700
const SOCKET_MODE = 0o600
/** All that the group and others may do. */
const OTHERS = 0o077

export interface OperatorDoors {
  /** The data directory, which this peer alone has. */
  readonly directory: string
  /** Of HTTP; undefined where it has none. */
  readonly port: number | undefined
  /** Serves requests with the rights of the operator; the file goes when it is closed. */
  readonly listen: (path: string) => Promise<unknown>
  readonly logger: Logger
  /** Told of what an operator cannot use. */
  readonly warn: (text: string) => void
}

interface OfPort extends Omit<OperatorDoors, 'directory'> {
  readonly port: number
}

export async function openOperatorDoors(doors: OperatorDoors): Promise<void> {
  if (process.platform === 'win32') return doors.logger.info('no operator socket on Windows: operate with a token')
  await open(doors, 'operate with -url', () => openInDirectory(doors))
  const { port } = doors
  if (port !== undefined) await open(doors, `operate with -data ${doors.directory}`, () => openInHome({ ...doors, port }))
}

/** Of a further port of this peer, for commands that are told its address. */
export async function openOperatorDoorOfPort(doors: OfPort): Promise<void> {
  if (process.platform === 'win32') return
  await open(doors, 'operate over HTTP', () => openInHome(doors))
}

async function open(
  { logger, warn }: Pick<OperatorDoors, 'logger' | 'warn'>,
  instead: string,
  opening: () => Promise<void>,
): Promise<void> {
  try {
    await opening()
  } catch (error) {
    const warning = `no operator socket: ${(error as Error).message}; ${instead} or a token`
    logger.warn(warning)
    warn(warning)
  }
}

async function openInDirectory({ directory, listen }: OperatorDoors): Promise<void> {
  const path = socketOfDirectory(directory)
  assertFits(path)
  // The lock of the directory is ours, so whoever left it is dead.
  await rm(path, { force: true })
  await listenAt(path, listen)
}

async function openInHome({ port, listen, logger }: OfPort): Promise<void> {
  const folder = socketFolder()
  if (folder === undefined) return logger.info('this user has no home directory: commands on this machine need -data')
  const path = socketOfPort(folder, port)
  assertFits(path)
  await makeFolder(folder, logger)
  if (await isLive(path)) throw new Error(`${path} belongs to another running peer of this user`)
  await rm(path, { force: true })
  await listenAt(path, listen)
}

function assertFits(path: string): void {
  const fault = socketPathFault(path)
  if (fault !== undefined) throw new Error(fault)
}

async function listenAt(path: string, listen: OperatorDoors['listen']): Promise<void> {
  await listen(path)
  await chmod(path, SOCKET_MODE)
}

/** Makes the folder, and takes it from others who may look into it. */
async function makeFolder(folder: string, logger: Logger): Promise<void> {
  try {
    await mkdir(folder, FOLDER_MODE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const { mode, uid } = await stat(folder)
  if (uid !== process.geteuid?.()) throw new Error(`${folder} belongs to another user`)
  if ((mode & OTHERS) === 0) return
  logger.warn(`others could look into ${folder} (mode ${octal(mode)}), which is shut to them now`)
  await chmod(folder, FOLDER_MODE)
}
