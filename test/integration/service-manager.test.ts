/** What systemd hears of a peer, by systemd's own program, at a socket as systemd has it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { serviceManager } from '../../src/service-manager.ts'

/**
 * Listens as a service manager does, prints what it hears, a line a message, and closes the
 * descriptor of a barrier, which the program waits for behind each message.
 */
const MANAGER = `
import os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print("listening", flush=True)
while True:
    told, descriptors, _, _ = socket.recv_fds(manager, 65536, 16)
    for descriptor in descriptors: os.close(descriptor)
    print(told.decode().replace("\\n", "|"), flush=True)
`
/** On a busy machine. */
const HEARD_MS = 60_000

function without(): string | false {
  for (const program of ['systemd-notify', 'python3'])
    if (spawnSync(program, ['--version']).error !== undefined) return `${program} is not installed`
  return false
}

suite('the service manager', () => {
  test('hears that the peer serves, how far it is, and that it stops, in this order', { skip: without() }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-manager-'))
    const socket = join(directory, 'notify')
    const manager = spawn('python3', ['-c', MANAGER, socket], { timeout: HEARD_MS, stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const heard = linesOf(manager.stdout)
      assert.equal((await heard.next()).value, 'listening')
      const tell = serviceManager({ ...process.env, NOTIFY_SOCKET: socket }, (why) => assert.fail(why))
      tell({ isServing: true, status: 'Waiting until 3 peers are discovered' })
      tell({ status: 'Has become ready' })
      tell({ isStopping: true })
      for (const told of ['READY=1|STATUS=Waiting until 3 peers are discovered', 'STATUS=Has become ready', 'STOPPING=1']) {
        assert.equal((await heard.next()).value, told)
        assert.equal((await heard.next()).value, 'BARRIER=1')
      }
    } finally {
      manager.kill()
      await once(manager, 'close')
      rmSync(directory, { recursive: true, force: true })
    }
  })

  test('that cannot be told is complained of once, and one that is not there is told nothing', async () => {
    const failures: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    serviceManager({ PATH: '' }, () => assert.fail('nobody listens'))({ isServing: true })
    const tell = serviceManager({ PATH: '/nowhere', NOTIFY_SOCKET: '/nowhere/notify' }, (why) => {
      failures.push(why)
      resolve()
    })
    tell({ isServing: true })
    tell({ isStopping: true })
    await promise
    await new Promise((done) => setImmediate(done))
    assert.equal(failures.length, 1)
    assert.match(failures[0] ?? '', /^systemd-notify: /)
  })
})

/** Lines as they come. */
async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string, undefined, undefined> {
  let rest = ''
  for await (const part of stream.setEncoding('utf8')) {
    const lines = (rest + String(part)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  return undefined
}
