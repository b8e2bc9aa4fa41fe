/**
 * How many connections of clients the system lets this process have. Clients, peers and files share
 * the process's file descriptors, and clients are the ones that strangers can be: they get half of
 * what is free at the start, so that however many come, the quorum and the store have theirs.
 */
import { readdir, readFile } from 'node:fs/promises'

/** With less, a few programs that keep connections open have all of them. */
const FEW_CONNECTIONS = 256
/** The operator gets in even where next to nothing is free. */
const CONNECTIONS_MIN = 4

export interface DescriptorRoom {
  /** The most that clients may have; undefined where the system does not tell its limit. */
  readonly connections: number | undefined
  /** What an operator should know, in words; undefined when there is enough. */
  readonly warning: string | undefined
}

/** @param limit of the process @param open descriptors now */
export function roomFor(limit: number, open: number): DescriptorRoom {
  const connections = Math.max(CONNECTIONS_MIN, Math.floor((limit - open) / 2))
  const warning =
    connections < FEW_CONNECTIONS
      ? `only ${connections} HTTP connections at once, because this process may open ${limit} files: raise that (ulimit -n, LimitNOFILE)`
      : undefined
  return { connections, warning }
}

/** Looks at this process, where the system has files that tell. */
export async function measureDescriptors(): Promise<DescriptorRoom> {
  try {
    const [limits, open] = await Promise.all([readFile('/proc/self/limits', 'utf8'), readdir('/proc/self/fd')])
    const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1])
    if (Number.isSafeInteger(limit)) return roomFor(limit, open.length)
  } catch {
    // Not on this system.
  }
  return { connections: undefined, warning: undefined }
}
