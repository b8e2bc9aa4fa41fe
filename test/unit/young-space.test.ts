import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'

const MODULE = join(import.meta.dirname, '../../src/young-space.ts')
const MIB = 1_048_576

/** Makes short-lived objects among many that live longer, and says how far the young space grew. */
async function grown(prelude: string): Promise<number> {
  const program = `
    import { boundYoungSpace, youngSpaceBytes } from ${JSON.stringify(MODULE)}
    ${prelude}
    const living = []
    for (let turn = 0; turn < 2_000; turn += 1) {
      for (let made = 0; made < 10_000; made += 1) living[(turn * 10_000 + made) % 400_000] = { made, list: [made] }
      await new Promise((resolve) => setImmediate(resolve))
    }
    console.log(youngSpaceBytes())
    process.exit()
  `
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--max-semi-space-size=64',
    '--input-type=module-typescript',
    '--eval',
    program,
  ])
  return Number(stdout)
}

it('the young space stays small when it is bounded, and grows when it is not', async () => {
  const [bounded, free] = await Promise.all([grown('boundYoungSpace()'), grown('void boundYoungSpace')])
  assert.ok(bounded <= 64 * MIB, `${bounded / MIB} MiB`)
  assert.ok(free > bounded, `${free / MIB} MiB without the bound, ${bounded / MIB} with it`)
})
