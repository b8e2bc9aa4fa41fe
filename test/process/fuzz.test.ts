/**
 * Fuzzing as people run it: a real peer takes what is almost right, and a fault that is planted in
 * it is found and can be found again.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import { cleanEnvironment } from './network.ts'

const SCRIPT = join(ROOT, 'scripts', 'fuzz.ts')
const PLANTED = join(import.meta.dirname, 'fuzz-planted.ts')
const SECONDS = 30
/** Of a fault that the first answer to nonsense shows. */
const PLANTED_SECONDS = 60
const TIMEOUT_MS = 240_000

interface Fuzzed {
  readonly code: number | null
  readonly output: string
}

async function fuzz(context: TestContext, flags: readonly string[], planted?: 'crash' | 'stall'): Promise<Fuzzed> {
  const child = spawn(process.execPath, [SCRIPT, ...flags, ...(planted === undefined ? [] : ['--preload', PLANTED])], {
    env: { ...cleanEnvironment(), FUZZ_PLANTED: planted },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: context.signal,
    killSignal: 'SIGTERM',
  })
  child.on('error', () => {})
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = await once(child, 'close')
  for (const line of output.trimEnd().split('\n')) context.diagnostic(line)
  return { code: code as number | null, output }
}

describe('fuzzing a real peer', () => {
  it('finds nothing, and says its seed first and how much it has said of each kind last', { timeout: TIMEOUT_MS }, async (context) => {
    const { code, output } = await fuzz(context, ['--seconds', String(SECONDS)])
    assert.equal(code, 0, output)
    assert.match(output, /^fuzz: seed \d+\n/)
    for (const kind of ['http', 'frames before the proof', 'frames after the proof', 'dht', 'identify'])
      assert.match(output, new RegExp(`[1-9]\\d* x ${kind}`))
  })

  it('finds a peer that falls, and finds it again by the seed and the case', { timeout: TIMEOUT_MS }, async (context) => {
    const { code, output } = await fuzz(context, ['--seconds', String(PLANTED_SECONDS), '--seed', '4711'], 'crash')
    assert.equal(code, 1, output)
    assert.match(output, /the peer has ended; the end of its log:[^]*a planted fault/)
    const [, flags = ''] = /^that case alone: npm run fuzz -- (.+)$/m.exec(output) ?? []
    const again = await fuzz(context, flags.split(' '), 'crash')
    assert.equal(again.code, 1, again.output)
    assert.match(again.output, /a planted fault/)
  })

  it('finds a peer that stands still', { timeout: TIMEOUT_MS }, async (context) => {
    const { code, output } = await fuzz(context, ['--seconds', String(PLANTED_SECONDS), '--seed', '4712'], 'stall')
    assert.equal(code, 1, output)
    assert.match(output, /the peer stood still for \d+ ms/)
  })
})
