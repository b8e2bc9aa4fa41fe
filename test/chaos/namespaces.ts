/**
 * Each peer in a network namespace of its own, all on one bridge, so that links are cut below the
 * peers, where TCP feels it. The driver runs in a namespace too, with a mount namespace in which
 * the others have their names: nothing of this can be seen from outside, and nothing is left when
 * the last process in it ends.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** Says to a driver that it is inside already. */
const INSIDE_VARIABLE = 'TEST_CHAOS_NAMESPACE'
/** Addresses that exist nowhere but on this bridge. */
const SUBNET = '10.77.0'
const DRIVER_HOST = 254
const ENTER = [
  'mount -t tmpfs none /run',
  'mkdir /run/netns',
  'ip link set lo up',
  'ip link add bridge0 type bridge',
  `ip address add ${SUBNET}.${DRIVER_HOST}/24 dev bridge0`,
  'ip link set bridge0 up',
].join(' && ')
const EXIT_FAILED = 1
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** Whether this process is in a namespace that was made for it. */
export function isInside(): boolean {
  return process.env[INSIDE_VARIABLE] !== undefined
}

/**
 * Why this machine lets this user make no namespaces, tried out on some that are gone at once;
 * undefined when it does.
 */
export function hindrance(): string | undefined {
  const { status, stderr, error } = spawnSync(
    'unshare',
    ['--net', '--mount', '--', 'sh', '-c', `${ENTER} && ip netns add peer && ip link add one type veth peer name two netns peer`],
    { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' },
  )
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}

/**
 * Runs a program inside: this very one again, unless another is named. What it prints goes where
 * our own goes.
 *
 * @param signal when it aborts, the program is told to end
 * @param parameters of Node
 * @returns its exit code
 */
export async function enter(
  signal: AbortSignal,
  parameters: readonly string[] = [...process.execArgv, ...process.argv.slice(1)],
): Promise<number> {
  return exitCode(spawnInside(signal, parameters, 'inherit'))
}

/**
 * Runs a program inside to its end, for a test.
 *
 * @param signal when it aborts, the program is told to end
 * @param parameters of Node
 * @throws with all that it printed when its exit code is not 0
 */
export async function passesInside(signal: AbortSignal, parameters: readonly string[]): Promise<void> {
  const child = spawnInside(signal, parameters, ['ignore', 'pipe', 'pipe'])
  const printed: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (part: string) => printed.push(part))
  const code = await exitCode(child)
  if (code !== 0) throw new Error(`${parameters.join(' ')} ended with ${code} and printed:\n${printed.join('')}`)
}

function spawnInside(signal: AbortSignal, parameters: readonly string[], stdio: StdioOptions): ChildProcess {
  const program = [process.execPath, ...parameters]
  const child = spawn('unshare', ['--net', '--mount', '--', 'sh', '-c', `${ENTER} && exec "$@"`, 'sh', ...program], {
    stdio,
    env: { ...process.env, [INSIDE_VARIABLE]: '1' },
    // Ctrl-C is told to it once, by us.
    detached: true,
  })
  for (const name of SIGNALS) process.on(name, () => child.kill(name))
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
  return child
}

/** Waits until it has ended and all that it printed is here. */
async function exitCode(child: ChildProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  child.on('error', () => resolve(EXIT_FAILED))
  child.on('close', (code) => resolve(code ?? EXIT_FAILED))
  return promise
}

/** The namespace of one peer. */
export class Namespace {
  readonly name: string
  readonly host: string
  /** Addresses that nothing is sent to. */
  #cut: ReadonlySet<string> = new Set()
  #work: Promise<void> = Promise.resolve()

  private constructor(number: number) {
    this.name = `peer-${number}`
    this.host = Namespace.hostOf(number)
  }

  static hostOf(number: number): string {
    return `${SUBNET}.${number}`
  }

  /** @param number 1 to 253, one a peer */
  static async create(number: number): Promise<Namespace> {
    const namespace = new Namespace(number)
    const { name, host } = namespace
    await ip([
      `netns add ${name}`,
      `link add port-${number} type veth peer name eth0 netns ${name}`,
      `link set port-${number} master bridge0 up`,
    ])
    // Multicast is sent along the default route, as on a machine of its own.
    const route = `route add default via ${SUBNET}.${DRIVER_HOST}`
    await ip(['link set lo up', `address add ${host}/24 dev eth0`, 'link set eth0 up', route], name)
    return namespace
  }

  /** Becomes whatever follows it. */
  get wrapper(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name]
  }

  /** From now on nothing is sent to these hosts, and to all others it is. */
  cut(hosts: ReadonlySet<string>): void {
    const before = this.#cut
    this.#cut = hosts
    const commands = [
      ...[...hosts].filter((host) => !before.has(host)).map((host) => `route replace blackhole ${host}/32`),
      ...[...before].filter((host) => !hosts.has(host)).map((host) => `route delete blackhole ${host}/32`),
    ]
    if (commands.length > 0) this.#work = this.#work.then(() => ip(commands, this.name))
  }

  /** Resolves when the links are as was said last. @throws when they could not be made so */
  settled(): Promise<void> {
    return this.#work
  }
}

/** @throws with what ip said */
async function ip(commands: readonly string[], namespace?: string): Promise<void> {
  const child = spawn('ip', [...(namespace === undefined ? [] : ['-n', namespace]), '-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'] })
  const ended = Promise.withResolvers<number | null>()
  child.on('error', ended.reject)
  child.on('exit', (code) => ended.resolve(code))
  child.stdin.end(`${commands.join('\n')}\n`)
  const said = await text(child.stderr)
  if ((await ended.promise) !== 0) throw new Error(`ip did not do ${commands.join('; ')}: ${said}`)
}
