/**
 * Where HTTP comes in: the addresses of `-http` and `-health`, over TLS where there is a
 * certificate, and the sockets of the operator.
 */
import type { Logger } from 'pino'
import type { HttpAddress, Settings } from '../settings/settings.ts'
import type { Bound } from '../http/listener.ts'
import { hraftdRoutes } from '../facades/hraftd/routes.ts'
import { lwwRoutes } from '../http/routes/sets.ts'
import type { HttpServer } from '../http/server.ts'
import type { Logs } from '../ports/logs.ts'
import type { Sets } from '../ports/sets.ts'
import type { Reloads } from '../reloads.ts'
import { openTlsFiles } from '../security/tls-files.ts'
import type { TlsMaterial } from '../security/tls-files.ts'
import type { RateLimit } from '../security/rate.ts'
import { openNexus } from './nexus-doors.ts'
import type { NexusDoors } from './nexus-doors.ts'
import { openOperatorDoors } from './operator-doors.ts'
import type { Warnings } from './warnings.ts'

/** Requests begun are given this long when the peer stops. */
const STOP_GRACE_MS = 10_000

export interface HttpDoors {
  readonly config: Settings
  readonly http: HttpServer
  readonly sets: Sets
  readonly logs: Logs
  /** What listens where `-health` says, if it does. */
  readonly health: HttpServer
  readonly logger: Logger
  readonly warnings: Warnings
  readonly reloads: Reloads
  readonly rate: RateLimit | undefined
  /** Called when another connection comes and all are taken. */
  readonly connectionsFull: () => void
  /** Of the data. */
  readonly directory: string
}

/**
 * @param closers get what ends it
 * @returns undefined where HTTP has no address
 * @throws Error of one line when it cannot listen, or has no good certificate
 */
export async function openHttpDoors(doors: HttpDoors, closers: (() => Promise<void>)[]): Promise<Bound | undefined> {
  const { config, http, logger, warnings, directory } = doors
  const served: { nexus?: NexusDoors } = {}
  const tls = await certificate(doors, closers, (material) => served.nexus?.renew(material))
  if (config.health !== undefined) await openHealth(doors, config.health, tls, closers)
  const bound = await listen(http, config.http, tls)
  closers.push(async () => void (await Promise.all([http.close(STOP_GRACE_MS), served.nexus?.close(STOP_GRACE_MS)])))
  await openLww(doors, tls)
  await openHraftd(doors, tls)
  served.nexus = await openNexus({ ...doors, context: http.app.context }, tls)
  await openOperatorDoors({
    directory,
    port: bound?.port,
    listen: (path) => http.listen({ path }),
    logger,
    warn: (warning) => warnings.add(warning),
  })
  return bound
}

async function listen(http: HttpServer, address: HttpAddress | undefined, tls: TlsMaterial | undefined): Promise<Bound | undefined> {
  return address === undefined
    ? undefined
    : http.listen(address, tls).catch((error: unknown) => {
        throw new Error(`cannot listen for HTTP on ${address.host}:${address.port}: ${text(error)}; choose another -http`)
      })
}

/**
 * `-lww`: what stands before every route at the other ports stands there too, and all count
 * together.
 */
async function openLww({ config, http, sets, logger }: HttpDoors, tls: TlsMaterial | undefined): Promise<void> {
  for (const { address, set } of config.lww) {
    const { url } = await http.listen(address, tls, lwwRoutes(sets, set)).catch((error: unknown) => {
      throw new Error(`cannot listen for the set ${set} on ${address.host}:${address.port}: ${text(error)}; choose another -lww`)
    })
    logger.info({ url, set }, 'a set is served at a port of its own')
  }
}

/** `-hraftd`: bounded and guarded as `-lww` is. */
async function openHraftd({ config, http, logs, logger }: HttpDoors, tls: TlsMaterial | undefined): Promise<void> {
  for (const { address, log } of config.hraftd) {
    const { url } = await http.listen(address, tls, hraftdRoutes(logs, log)).catch((error: unknown) => {
      throw new Error(`cannot listen for the log ${log} on ${address.host}:${address.port}: ${text(error)}; choose another -hraftd`)
    })
    logger.info({ url, log }, 'a log is served at a port of its own')
  }
}

/**
 * Opened before the other and closed after it, so that whoever watches the peer sees it come and
 * go.
 */
async function openHealth(
  { health, logger }: HttpDoors,
  address: HttpAddress,
  tls: TlsMaterial | undefined,
  closers: (() => Promise<void>)[],
): Promise<void> {
  const { url } = await health.listen(address, tls && forAnybody(tls)).catch((error: unknown) => {
    throw new Error(`cannot listen for health on ${address.host}:${address.port}: ${text(error)}; choose another -health`)
  })
  closers.push(() => health.close(0))
  logger.info({ url }, 'health and metrics are served at a port of their own')
}

/** Whoever watches a peer shows no certificate. */
function forAnybody(tls: TlsMaterial): TlsMaterial {
  return { ...tls, ca: undefined }
}

/** The certificate of HTTP, watched from now on; undefined where there is none. */
async function certificate(
  { config, http, health, logger, warnings, reloads }: HttpDoors,
  closers: (() => Promise<void>)[],
  renewed: (material: TlsMaterial) => void,
): Promise<TlsMaterial | undefined> {
  const { httpCert: cert, httpKey: key, httpCa: ca, secretMode } = config
  if (cert === undefined || key === undefined) return undefined
  const files = await openTlsFiles({
    paths: { cert, key, ca, secretMode },
    changed: (material) => {
      http.renew(material)
      health.renew(forAnybody(material))
      renewed(material)
    },
    warn: (warning) => warnings.set('tls', warning),
    logger,
  }).catch((error: unknown) => {
    throw new Error(`the certificate of HTTP (${[cert, key, ca ?? []].flat().join(', ')}) cannot be used: ${text(error)}`)
  })
  const takeOff = reloads.add(() => files.reload())
  closers.push(async () => {
    takeOff()
    files.close()
  })
  return files.value
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
