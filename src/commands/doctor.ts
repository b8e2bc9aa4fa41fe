/**
 * `replicator doctor`: asks every peer that is named, looks at this machine, and says what is wrong
 * and what to do.
 */
import { statSync } from 'node:fs'
import { ClientFailed } from '../client/client.ts'
import type { ClientCommand } from '../settings/client-commands.ts'
import { VERSION } from '../settings/version.ts'
import { exposure, octal, tampering } from '../security/private-file.ts'
import { diagnose } from './diagnosis.ts'
import type { Finding, Report } from './diagnosis.ts'
import { EXITS } from './exits.ts'
import { CommandFailed } from './failed.ts'
import { openClient } from './open-client.ts'
import { say } from './said.ts'

type Doctor = Extract<ClientCommand, { readonly name: 'doctor' }>

/** Whoever does not answer by then is told of as silent. */
const ASK_MS = 5_000
const OTHERS = 0o077
/** Variables that name files which nobody else may read, or write. */
const PRIVATE_FILES = ['REPLICATOR_SECRET', 'REPLICATOR_HTTP_KEY', 'REPLICATOR_TOKEN_FILE', 'REPLICATOR_KEY']
const OWN_FILES = ['REPLICATOR_TOKENS', 'REPLICATOR_ADMIT', 'REPLICATOR_CONFIG']

/** @returns the exit code: 0 when nothing is wrong */
export async function examine(command: Doctor, environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const reports = await Promise.all(command.urls.map((url) => ask(command, url)))
  const findings = [here(), ...files(command.dataDirectory, environment), ...diagnose(reports)]
  say(command.output === 'json' ? findings.map((finding) => JSON.stringify(finding)) : findings.flatMap(linesOf))
  return findings.every(({ isGood }) => isGood) ? EXITS.done : EXITS.failed
}

async function ask(command: Doctor, url: string): Promise<Report> {
  try {
    const { client } = await openClient({ ...command, urls: [url] })
    const signal = AbortSignal.timeout(Math.min(command.timeoutMs, ASK_MS))
    const status = await client.status({ signal })
    const before = Date.now()
    const peers = await client.peers({ signal })
    const roundTripMs = Date.now() - before
    const seenAt = peers.find(({ state }) => state === 'self')?.lastSeenAt
    // A peer has seen itself now, by its own clock.
    const clockAheadMs = typeof seenAt !== 'string' ? 0 : Date.parse(seenAt) - (before + roundTripMs / 2)
    return { url, status, peers, clockAheadMs, roundTripMs }
  } catch (error) {
    if (error instanceof ClientFailed || error instanceof CommandFailed) return { url, failure: error.message }
    throw error
  }
}

/** Where things lie on this machine. */
function here(): Finding {
  return { isGood: true, text: `replicator ${VERSION} at ${process.argv[1]}, run by Node ${process.versions.node} at ${process.execPath}` }
}

/** Files that others could get at. */
function files(dataDirectory: string | undefined, environment: Readonly<Record<string, string | undefined>>): Finding[] {
  const look = (names: readonly string[], fault: (path: string) => string | undefined): Finding[] =>
    names.flatMap((name) => {
      const path = environment[name] ?? ''
      const why = path === '' ? undefined : fault(path)
      return why === undefined ? [] : [{ isGood: false, text: `${name}=${path}`, mend: why }]
    })
  const found = dataDirectory === undefined ? undefined : statSync(dataDirectory, { throwIfNoEntry: false })
  const isOpen = found !== undefined && process.platform !== 'win32' && (found.mode & OTHERS) !== 0
  const directory = isOpen
    ? [
        {
          isGood: false,
          text: `other users can look into ${dataDirectory} (mode ${octal(found.mode)})`,
          mend: `run "chmod 700 ${dataDirectory}"`,
        },
      ]
    : []
  return [...look(PRIVATE_FILES, exposure), ...look(OWN_FILES, tampering), ...directory]
}

function linesOf({ isGood, text, mend }: Finding): string[] {
  return [`${isGood ? 'ok  ' : 'BAD '} ${text}`, ...(mend === undefined ? [] : [`       ${mend}`])]
}
