/**
 * The console in a real browser, over one network of real peers: it shows what is there and what is
 * lost, everything in it is done by the keyboard, and the browser finds nothing to complain of.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import axe from 'axe-core'
import type { AxeResults } from 'axe-core'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'
import { shortId } from '../../src/console/words.ts'
import { browserProgram, LAUNCH_FLAGS, withoutBrowser } from './browser-program.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const TIMEOUT_MS = 120_000
/** Whoever looks sees a lost peer within 3 s; a busy machine is given more. */
const STEP_MS = 30_000

describe('the console', { skip: withoutBrowser, timeout: TIMEOUT_MS }, () => {
  let network: Network
  let peers: readonly PeerProcess[]
  let browser: Browser
  let page: Page
  /** What the browser said of errors: a breach of the policy is one. */
  const complaints: string[] = []

  before(async () => {
    network = await Network.create()
    peers = await network.grow('cluster-1', 3)
    browser = await chromium.launch({ executablePath: browserProgram ?? '', args: [...LAUNCH_FLAGS] })
    page = await browser.newPage()
    page.setDefaultTimeout(STEP_MS)
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(`http://127.0.0.1:${(peers[0] as PeerProcess).httpPort}/`)
  })

  after(async () => {
    await browser?.close()
    await network?.close()
  })

  /** The row of a peer in the table of peers. */
  const rowOf = ({ peerId }: PeerProcess) => page.getByRole('row').filter({ hasText: shortId(peerId) })

  it('is where a browser is led from the bare address, and shows every peer, with nothing behind that is equal', async () => {
    assert.match(page.url(), /\/console$/)
    await page.getByRole('banner').getByText('Ready', { exact: true }).waitFor()
    for (const peer of peers.slice(1)) await rowOf(peer).getByText('alive').waitFor()
    await rowOf(peers[0] as PeerProcess)
      .getByText('this peer')
      .waitFor()
    await page.getByRole('row').filter({ hasText: 'cluster-1' }).getByText('equal').waitFor()
  })

  it('shows within moments that a peer was killed, what that means, and that it is back', async (context) => {
    const lost = peers[2] as PeerProcess
    const startedMs = performance.now()
    await lost.kill()
    await rowOf(lost)
      .getByText(/suspect|gone/)
      .waitFor()
    context.diagnostic(`shown ${Math.round(performance.now() - startedMs)} ms after kill -9`)
    await page.getByRole('listitem').filter({ hasText: 'stands no loss' }).waitFor()
    await lost.start()
    await rowOf(lost).getByText('alive').waitFor()
  })

  it('has names, roles and contrasts as they must be, in light and in dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      assert.deepEqual(await violationsOf(page), [], colorScheme)
    }
  })

  it('gives the browser nothing to complain of', async () => {
    await until('the page is still', async () => (await page.getByRole('banner').getByText('Ready').count()) === 1)
    assert.deepEqual(complaints, [])
  })
})

/** What axe finds, a line each. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`))
}
