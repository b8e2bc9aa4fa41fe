/**
 * Who may join, by the files of `-secret` and `-admit`, which are read again while the peer runs.
 */
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { PeerId } from '../../protocols/base/identity.ts'
import { parseAdmitted } from '../settings/admitted.ts'
import type { Settings } from '../settings/settings.ts'
import { parseSecrets } from '../settings/secret.ts'
import type { Libp2pNetwork } from '../network/network.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { Reloads } from '../reloads.ts'
import { exposure, readOwnFile } from '../security/private-file.ts'
import { WatchedFiles } from '../security/watched-files.ts'
import type { Warnings } from './warnings.ts'

export interface JoiningInit {
  readonly config: Settings
  readonly logger: Logger
  readonly reloads: Reloads
  readonly warnings: Warnings
  readonly self: PeerId
}

/** What is in force, and has the network follow it. */
export class Joining {
  #secrets: WatchedFiles<Secrets> | undefined
  #admitted: WatchedFiles<ReadonlySet<PeerId>> | undefined
  #network: Libp2pNetwork | undefined
  readonly #closers: (() => void)[] = []

  /** @throws Error of one line when a file is bad */
  static async open(init: JoiningInit): Promise<Joining> {
    const joining = new Joining()
    const { config, logger, reloads, warnings, self } = init
    const closers = joining.#closers
    if (config.secret !== undefined) {
      const { path, bytes } = config.secret
      joining.#secrets = await watched(reloads, closers, {
        name: 'the file of -secret',
        paths: [path],
        read: firstThen(bytes, () => readPrivate(path, config.secretMode === 'any')),
        parse: ([content = bytes]) => parseSecrets(content),
        changed: (secrets) => joining.#network?.useSecrets(secrets),
        warn: (warning) => warnings.set('secret', warning),
        logger,
      })
    }
    if (config.admit !== undefined) {
      const { path, bytes } = config.admit
      const look = (admitted: ReadonlySet<PeerId>): void => warnings.set('admitted', missingFrom(admitted, self, path))
      joining.#admitted = await watched(reloads, closers, {
        name: 'the file of -admit',
        paths: [path],
        read: firstThen(bytes, () => readOwnFile(path, config.secretMode)),
        parse: ([content = bytes]) => parseAdmitted(content),
        changed: (admitted) => {
          look(admitted)
          joining.#network?.useAdmitted(admitted)
        },
        warn: (warning) => warnings.set('admit', warning),
        logger,
      })
      look(joining.#admitted.value)
    }
    return joining
  }

  get secrets(): Secrets {
    return this.#secrets?.value ?? [undefined]
  }

  /** Undefined: whoever has the secret. */
  get admitted(): ReadonlySet<PeerId> | undefined {
    return this.#admitted?.value
  }

  /** What changes from now on is in force there. */
  follow(network: Libp2pNetwork): void {
    this.#network = network
  }

  close(): void {
    for (const close of this.#closers) close()
  }
}

async function watched<T>(
  reloads: Reloads,
  closers: (() => void)[],
  init: Parameters<typeof WatchedFiles.open<T>>[0],
): Promise<WatchedFiles<T>> {
  const files = await WatchedFiles.open(init)
  closers.push(
    reloads.add(() => files.reload()),
    () => files.close(),
  )
  return files
}

/** What the command line has read is taken as it was: a pipe gives it once only. */
function firstThen(first: Uint8Array, read: () => Promise<Uint8Array>): () => Promise<Uint8Array> {
  let isFirst = true
  return async () => {
    if (!isFirst) return read()
    isFirst = false
    return first
  }
}

async function readPrivate(path: string, isAny: boolean): Promise<Uint8Array> {
  const exposed = isAny ? undefined : exposure(path)
  if (exposed !== undefined) throw new Error(exposed)
  return readFile(path)
}

function missingFrom(admitted: ReadonlySet<PeerId>, self: PeerId, path: string): string | undefined {
  return admitted.has(self) ? undefined : `this peer (${self}) is not among those of -admit ${path}: others with the same file refuse it`
}
