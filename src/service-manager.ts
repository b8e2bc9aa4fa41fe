/**
 * What systemd is told of a peer that it started by a unit of `Type=notify`: that it serves, how far
 * it is, and that it ends. Said by systemd's own program, which is there wherever the socket is,
 * because Node has no sockets of its kind and the libraries that add them are compiled at install.
 */
import { execFile } from 'node:child_process'

const PROGRAM = 'systemd-notify'
/** Names the socket on which the service manager listens; there is none without it. */
const SOCKET_VARIABLE = 'NOTIFY_SOCKET'
/** It waits for the service manager to have heard, which may be busy. */
const TOLD_MS = 10_000

/** What is told, each as systemd knows it. */
export interface Told {
  /** It serves: whatever was to start after it may. */
  readonly isServing?: true
  readonly isStopping?: true
  /** One line for people, as `systemctl status` shows it. */
  readonly status?: string
}

/** Tells a service manager, if one listens. */
export type Tell = (told: Told) => void

/**
 * @param environment of the process, which names the socket
 * @param failed told once when nothing can be told
 */
export function serviceManager(environment: Readonly<Record<string, string | undefined>>, failed: (why: string) => void): Tell {
  if ((environment[SOCKET_VARIABLE] ?? '') === '') return () => {}
  let hasFailed = false
  // One after the other: what was told last is what holds.
  let telling: Promise<void> = Promise.resolve()
  return (told) => {
    telling = telling.then(async () => {
      const why = await say(assignmentsOf(told), environment)
      if (why !== undefined && !hasFailed) failed(why)
      hasFailed ||= why !== undefined
    })
  }
}

function assignmentsOf({ isServing, isStopping, status }: Told): string[] {
  return [...(isServing ? ['READY=1'] : []), ...(isStopping ? ['STOPPING=1'] : []), ...(status === undefined ? [] : [`STATUS=${status}`])]
}

/** @returns why it could not be said */
function say(assignments: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(PROGRAM, assignments, { env: environment, timeout: TOLD_MS }, (error, _, stderr) => {
      resolve(error === null ? undefined : `${PROGRAM}: ${stderr.trim() || error.message}`)
    })
  })
}
