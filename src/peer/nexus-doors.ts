/** `-nexus`: logs over gRPC, each at a port of its own. */
import type { Logger } from 'pino'
import type { HttpContext } from '../http/context.ts'
import { loadServerPackages } from '../facades/nexus/packages.ts'
import { NexusServer } from '../facades/nexus/server.ts'
import { NexusService } from '../facades/nexus/service.ts'
import type { Logs } from '../ports/logs.ts'
import type { RateLimit } from '../security/rate.ts'
import type { TlsMaterial } from '../security/tls-files.ts'
import type { Settings } from '../settings/settings.ts'
import { openOperatorDoorOfPort } from './operator-doors.ts'
import type { Warnings } from './warnings.ts'

export interface NexusDoorsInit {
  readonly config: Settings
  readonly logs: Logs
  readonly logger: Logger
  readonly warnings: Warnings
  /** What is counted with the requests of HTTP. */
  readonly context: HttpContext
  readonly rate: RateLimit | undefined
  readonly connectionsFull: () => void
}

export interface NexusDoors {
  /** Has another certificate shown from now on. */
  renew(tls: TlsMaterial): void
  close(graceMs: number): Promise<void>
}

/** @throws Error of one line when a port cannot be had, or the packages are not installed */
export async function openNexus(init: NexusDoorsInit, tls: TlsMaterial | undefined): Promise<NexusDoors> {
  const { config, logs, logger, warnings, context, rate, connectionsFull } = init
  const servers: NexusServer[] = []
  const doors: NexusDoors = {
    renew: (material) => {
      for (const server of servers) server.renew(material)
    },
    close: async (graceMs) => void (await Promise.all(servers.map((server) => server.close(graceMs)))),
  }
  if (config.nexus.length === 0) return doors
  const packages = await loadServerPackages('-nexus')
  for (const { address, log } of config.nexus) {
    const service = new NexusService({ logs, log, peers: () => context.replicator.peers(), database: databaseOf(config, log) })
    const server = new NexusServer({ packages, service, log, context, rate, connectionsFull })
    servers.push(server)
    try {
      const port = await server.listen(address, tls)
      logger.info({ address: `${address.host}:${port}`, log }, 'a log is served over gRPC')
      await openOperatorDoorOfPort({
        port,
        listen: (path) => server.listen({ path }),
        logger,
        warn: (warning) => warnings.add(warning),
      })
    } catch (error) {
      await doors.close(0)
      throw new Error(
        `cannot listen for the log ${log} on ${address.host}:${address.port}: ${(error as Error).message}; choose another -nexus`,
        { cause: error },
      )
    }
  }
  return doors
}

/** The number of a Redis that this peer keeps for the log, as its URL has it. */
function databaseOf({ logs }: Settings, log: string): string | undefined {
  const offer = logs.find((each) => each.log === log)
  if (offer?.kind !== 'redis') return undefined
  const [, number = ''] = new URL(offer.at).pathname.split('/')
  return number === '' ? '0' : number
}
