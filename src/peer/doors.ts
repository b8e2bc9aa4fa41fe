/** What a peer lets clients in by: opened from its files, and read again when they change. */
import type { Logger } from 'pino'
import type { Settings } from '../settings/settings.ts'
import type { Clock } from '../ports/clock.ts'
import type { Reloads } from '../reloads.ts'
import { AuditLines, NO_AUDIT } from '../security/audit.ts'
import type { Audit } from '../security/audit.ts'
import { openAuditFile } from '../security/audit-file.ts'
import { Credentials } from '../security/credentials.ts'
import { isLoopbackHost } from '../security/loopback.ts'
import { readOwnFile } from '../security/private-file.ts'
import { RateLimit } from '../security/rate.ts'
import { parseTokenFile } from '../security/token-file.ts'
import type { TokenLine } from '../security/token-file.ts'
import { WatchedFiles } from '../security/watched-files.ts'
import type { Warnings } from './warnings.ts'

/** By which names its warnings are told and taken back. */
const TOKENS = 'tokens'
const OPEN_HTTP = 'open-http'
const AUDIT = 'audit'
/** The path of an audit that goes to the log. */
const THE_LOG = '-'

export interface DoorsInit {
  readonly config: Settings
  readonly logger: Logger
  readonly clock: Clock
  readonly reloads: Reloads
  readonly warnings: Warnings
}

export interface ClientDoors {
  readonly audit: Audit
  /** Undefined where clients may ask as often as they like. */
  readonly rate: RateLimit | undefined
  readonly credentials: Credentials
  /** Tells apart what token files hold; undefined without one. */
  readonly tokensFingerprint: () => string | undefined
  close(): void
}

/** @throws Error of one line when a file cannot be used */
export async function openClientDoors(init: DoorsInit): Promise<ClientDoors> {
  const { rate } = init.config
  const audit = openAudit(init)
  const tokens = await openTokens(init)
  return {
    credentials: tokens.credentials,
    tokensFingerprint: tokens.fingerprint,
    audit: audit.audit,
    rate: rate === undefined ? undefined : new RateLimit(rate),
    close: () => {
      tokens.close()
      audit.close()
    },
  }
}

interface Tokens {
  readonly credentials: Credentials
  readonly fingerprint: ClientDoors['tokensFingerprint']
  readonly close: () => void
}

async function openTokens({ config, logger, clock, reloads, warnings }: DoorsInit): Promise<Tokens> {
  const wallMs = (): number => clock.wallMs()
  if (config.tokensPath === undefined) {
    warnOfOpenHttp(config, logger, warnings)
    return { credentials: new Credentials(wallMs), fingerprint: () => undefined, close: () => undefined }
  }
  const credentials = new Credentials(wallMs, [])
  const file = await WatchedFiles.open<readonly TokenLine[]>({
    name: 'the token file',
    paths: [config.tokensPath],
    read: (path) => readOwnFile(path, config.secretMode),
    parse: ([contents]) => parseTokenFile(contents ?? new Uint8Array()),
    changed: (lines) => credentials.replace(lines),
    warn: (warning) => warnings.set(TOKENS, warning),
    logger,
  })
  credentials.replace(file.value)
  const forget = reloads.add(() => file.reload())
  const close = (): void => {
    forget()
    file.close()
  }
  return { credentials, fingerprint: () => file.fingerprint, close }
}

function openAudit({ config, logger, clock, reloads, warnings }: DoorsInit): { readonly audit: Audit; readonly close: () => void } {
  const { auditPath, auditWrites } = config
  if (auditPath === undefined) return { audit: NO_AUDIT, close: () => undefined }
  if (auditPath === THE_LOG) {
    // Told whatever else the log leaves out: it was asked for.
    const log = logger.child({}, { level: 'info' })
    const ofLog = new AuditLines((line) => log.info({ audit: line }, 'audit'), auditWrites)
    return { audit: ofLog, close: () => ofLog.close() }
  }
  const warn = (error: unknown): void => {
    const warning = `the audit (${auditPath}) cannot be written: ${(error as Error).message}`
    logger.warn(warning)
    warnings.set(AUDIT, warning)
  }
  const file = openAuditFile(auditPath, () => clock.wallMs(), warn)
  const audit = new AuditLines((line) => file.write(line), auditWrites)
  const forget = reloads.add(async () => {
    try {
      file.reopen()
      warnings.set(AUDIT, undefined)
    } catch (error) {
      warn(error)
    }
  })
  const close = (): void => {
    forget()
    audit.close()
    file.close()
  }
  return { audit, close }
}

function warnOfOpenHttp({ http, lww, hraftd, nexus }: Settings, logger: Logger, warnings: Warnings): void {
  const own = http === undefined ? [] : [{ address: http }]
  const all = Object.entries({ http: own, lww, hraftd, nexus }).flatMap(([name, doors]) =>
    doors.map(({ address }) => ({ flag: `-${name}`, host: address.host })),
  )
  const open = all.find(({ host }) => !isLoopbackHost(host))
  if (open === undefined) return
  const warning = `HTTP is open to other machines (${open.flag} ${open.host}) without -tokens: anybody who can reach it may read and write`
  logger.warn(warning)
  warnings.set(OPEN_HTTP, warning)
}
