/**
 * The console in a real browser, over one network of real peers: it shows what is there and what is
 * lost, everything in it is done by the keyboard, and the browser finds nothing to complain of.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import axe from 'axe-core'
import type { AxeResults } from 'axe-core'
import { chromium } from 'playwright-core'
import type { Browser, Locator, Page } from 'playwright-core'
import { shortId } from '../../src/console/words.ts'
import { fileOf, LINES, tokensFor } from '../integration/access-table.ts'
import { browserProgram, LAUNCH_FLAGS, withoutBrowser } from './browser-program.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const TIMEOUT_MS = 120_000
/** Whoever looks sees a lost peer within 3 s; a busy machine is given more. */
const STEP_MS = 30_000
/** More fields and buttons than any view has. */
const TABS_MAX = 60
/** What a browser says of each answer that refuses, which the page shows in words of its own. */
const REFUSAL = /^Failed to load resource: the server responded with a status of 4\d\d /
const LOG_FLAGS = ['-log', 'kv=kv:']
const VIEWS = ['Network', 'Keys', 'Registers', 'Sets', 'Logs']

describe('the console', { skip: withoutBrowser, timeout: TIMEOUT_MS }, () => {
  const tokens = tokensFor(LINES)
  let network: Network
  let peers: readonly [asked: PeerProcess, guarded: PeerProcess, lost: PeerProcess]
  let browser: Browser
  let page: Page
  /** What the browser said of errors: a breach of the policy is one. */
  const complaints: string[] = []

  before(async () => {
    network = await Network.create()
    const [asked] = (await network.grow('cluster-1', 1, { flags: LOG_FLAGS })) as [PeerProcess]
    const tokensPath = join(network.directory, 'tokens.jsonl')
    writeFileSync(tokensPath, fileOf(LINES, tokens), { mode: 0o600 })
    const guarded = await network.add({ flags: ['-peer', asked.address, '-tokens', tokensPath, ...LOG_FLAGS] })
    const lost = await network.add({ flags: ['-peer', asked.address, ...LOG_FLAGS] })
    peers = [asked, guarded, lost]
    for (const peer of [guarded, lost]) peer.spawn()
    browser = await chromium.launch({ executablePath: browserProgram ?? '', args: [...LAUNCH_FLAGS] })
    await Promise.all(peers.map((peer) => peer.ready()))
    page = await openPage(asked)
  })

  after(async () => {
    await browser?.close()
    await network?.close()
  })

  async function openPage({ httpPort }: PeerProcess): Promise<Page> {
    const opened = await browser.newPage()
    opened.setDefaultTimeout(STEP_MS)
    opened.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !REFUSAL.test(message.text())) complaints.push(message.text())
    })
    await opened.addInitScript(axe.source)
    opened.on('pageerror', (error) => complaints.push(error.message))
    await opened.goto(`http://127.0.0.1:${httpPort}/`)
    return opened
  }

  /** The row of a peer in the table of peers. */
  const rowOf = ({ peerId }: PeerProcess): Locator => page.getByRole('row').filter({ hasText: shortId(peerId) })

  async function tabTo(wanted: Locator): Promise<void> {
    for (let count = 0; count < TABS_MAX; count += 1) {
      if ((await wanted.and(page.locator(':focus')).count()) === 1) return
      await page.keyboard.press('Tab')
    }
    assert.fail('the keyboard does not lead there')
  }

  it('is where a browser is led from the bare address, and shows every peer, with nothing behind that is equal', async () => {
    assert.match(page.url(), /\/console$/)
    await page.getByRole('banner').getByText('Ready', { exact: true }).waitFor()
    for (const peer of peers.slice(1)) await rowOf(peer).getByText('alive').waitFor()
    await rowOf(peers[0]).getByText('this peer').waitFor()
    await page.getByRole('row').filter({ hasText: 'cluster-1' }).getByText('equal').waitFor()
  })

  it('puts a key and reads it, by the keyboard alone', async () => {
    await tabTo(page.getByRole('link', { name: 'Keys' }))
    await page.keyboard.press('Enter')
    await tabTo(page.getByRole('textbox', { name: 'New key' }))
    await page.keyboard.type('names/ada')
    await tabTo(page.getByRole('textbox', { name: 'Value', exact: true }))
    await page.keyboard.type('claimed by lisbon')
    await tabTo(page.getByRole('button', { name: 'Put, for good' }))
    await page.keyboard.press('Enter')
    await page.getByText('Stored names/ada, for good.').waitFor()
    assert.equal((await peers[0].client.get('names/ada')).body.toString(), 'claimed by lisbon')
    await peers[0].client.put('names/bob', 'claimed by oslo', { headers: { 'Content-Type': 'text/plain' } })
    await page.getByRole('button', { name: /Read again/ }).waitFor()
    await tabTo(page.getByRole('button', { name: /Read again/ }))
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'names/bob' }).waitFor()
    await tabTo(page.getByRole('button', { name: 'names/bob' }))
    await page.keyboard.press('Enter')
    await page.getByRole('group', { name: 'Value as stored' }).getByText('claimed by oslo').waitFor()
  })

  it('writes a register on the version that was read, and on no other', async () => {
    await page.getByRole('link', { name: 'Registers' }).click()
    const write = page.getByRole('button', { name: 'Write', exact: true })
    await page.getByRole('button', { name: 'Watch changes' }).click()
    await page.getByText('Watching.').waitFor()
    await page.getByRole('region', { name: 'Write' }).getByLabel('Register').fill('limits/eu')
    await page.getByLabel('Value', { exact: true }).fill('one')
    await write.click()
    await page.getByText('limits/eu is version 1 now.').waitFor()
    const put = { headers: { 'Content-Type': 'text/plain' }, body: 'two' }
    assert.equal((await peers[0].client.ask('PUT', '/kv/limits/eu', put)).status, 200)
    await page
      .getByRole('list', { name: /^Changes/ })
      .getByText('version 2')
      .waitFor()
    await write.click()
    await page.getByText('somebody else has written, and it is version 2 now').waitFor()
    assert.equal(await page.getByLabel('Value', { exact: true }).inputValue(), 'one')
  })

  it('adds an element to a set and removes it', async () => {
    await page.getByRole('link', { name: 'Sets' }).click()
    await page.getByRole('textbox', { name: 'Set' }).fill('carts')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('textbox', { name: 'Element' }).fill('11')
    await page.getByLabel('Written as').selectOption('JSON')
    await page.getByRole('button', { name: 'Add' }).click()
    await page.getByRole('list', { name: 'Members' }).getByText('11').waitFor()
    assert.equal((await peers[0].client.ask('GET', '/sets/carts/contains?element=11')).status, 200)
    await page.getByRole('button', { name: 'Remove 11' }).click()
    await page.getByText('Removed 11.').waitFor()
    await until('it is no member', async () => (await peers[0].client.ask('GET', '/sets/carts/contains?element=11')).status === 404)
  })

  it('shows who leads a log and that no replica is behind, and asks its store', async () => {
    await page.getByRole('link', { name: 'Logs' }).click()
    await page.getByRole('button', { name: 'kv' }).click()
    await page.getByText(/leads, in term \d+/).waitFor()
    const submitted = { headers: { 'Content-Type': 'text/plain' }, body: '{"set":{"lamp":"on"}}' }
    assert.equal((await peers[0].client.ask('POST', '/logs/kv', submitted)).status, 200)
    const replicas = page.getByRole('group', { name: 'Replicas' }).getByRole('row')
    await replicas.filter({ hasText: 'leader' }).getByText('0 entries').waitFor()
    await until('all replicas are shown', async () => (await replicas.filter({ hasText: '0 entries' }).count()) === peers.length)
    await page.getByRole('textbox', { name: 'Query' }).fill('{"get":["lamp"]}')
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByRole('group', { name: 'Found' }).getByText('"lamp": "on"').waitFor()
  })

  it('has names, roles and contrasts as they must be in every view, in light and in dark', async () => {
    for (const name of VIEWS) {
      await page.getByRole('link', { name }).click()
      await page.getByRole('heading', { name, exact: true }).waitFor()
      assert.deepEqual(await violationsOf(page), [], name)
    }
    for (const name of ['Registers', 'Network']) {
      await page.getByRole('link', { name }).click()
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.getByRole('table').waitFor()
      assert.deepEqual(await violationsOf(page, ['color-contrast']), [], `${name}, dark`)
    }
    await page.emulateMedia({ colorScheme: 'light' })
  })

  it('shows nothing without a token where tokens are asked for, and keeps one for its tab alone', async () => {
    const guarded = await openPage(peers[1])
    await guarded.getByText('This needs a token.').waitFor()
    assert.equal(await guarded.getByRole('table').count(), 0)
    await guarded.getByLabel(/^Token,/).fill(tokens['reader'] ?? '')
    await guarded.getByRole('button', { name: 'Use this token' }).click()
    await guarded.getByRole('table').waitFor()
    await guarded.reload()
    await guarded.getByRole('table').waitFor()
    assert.deepEqual(await guarded.evaluate('[localStorage.length, document.cookie, sessionStorage.length]'), [0, '', 1])
    await guarded.getByRole('button', { name: 'Token' }).click()
    await guarded.getByRole('button', { name: 'Forget the token' }).click()
    await guarded.getByText('This needs a token.').waitFor()
    assert.deepEqual(await violationsOf(guarded), [])
    await guarded.close()
  })

  it('shows within moments that a peer was killed, what that means, and that it is back', async (context) => {
    const [, , lost] = peers
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

  it('gives the browser nothing to complain of', () => {
    assert.deepEqual(complaints, [])
  })
})

/** What axe finds, a line each. @param rules all of them unless given */
async function violationsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  const { violations } = (await page.evaluate(`axe.run(${JSON.stringify(rules && { runOnly: rules })})`)) as AxeResults
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`))
}
