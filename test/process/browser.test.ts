/**
 * What pages in a real browser can do to a peer on the same machine: one of another origin, and one
 * whose own name was made to lead here, neither read nor write; the peer's own page does both.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'
import { browserProgram, LAUNCH_FLAGS, withoutBrowser } from './browser-program.ts'
import { Network } from './network.ts'
import type { PeerProcess } from './network.ts'

/** Leads to this machine for the browser, and for nobody else. */
const EVIL = 'evil.example'
const SECRET = 'what no other page may read'
const TIMEOUT_MS = 120_000
const STEP_MS = 30_000

/** What a page got: the status and text of an answer, or that it was told nothing. */
interface Got {
  readonly status: number
  readonly text: string
}
const NOTHING: Got = { status: 0, text: '' }

interface Asking {
  readonly method?: string
  readonly body?: string
  readonly mode?: 'no-cors'
}

/** What is used of a page's own globals. */
interface Dom {
  readonly document: {
    createElement(name: string): { src: string; addEventListener(event: string, call: () => void): void }
    readonly body: { append(element: unknown): void }
  }
}

/** Runs in the page. */
function fetchInPage(page: Page, url: string, init: Asking = {}): Promise<Got> {
  return page.evaluate(
    async ([address, how]) => {
      try {
        const response = await fetch(address, how)
        return { status: response.status, text: await response.text() }
      } catch {
        return { status: 0, text: '' }
      }
    },
    [url, init] as const,
  )
}

/** True when the page could load it so. */
function loadsInPage(page: Page, element: 'img' | 'script' | 'iframe', url: string): Promise<boolean> {
  return page.evaluate(
    ([name, address]) =>
      new Promise<boolean>((resolve) => {
        const { document } = globalThis as unknown as Dom
        const made = document.createElement(name)
        made.addEventListener('load', () => resolve(true))
        made.addEventListener('error', () => resolve(false))
        made.src = address
        document.body.append(made)
      }),
    [element, url] as const,
  )
}

describe('a page in a browser', { skip: withoutBrowser, timeout: TIMEOUT_MS }, () => {
  let network: Network
  let peer: PeerProcess
  let browser: Browser
  let elsewhere: Server
  let here: string

  before(async () => {
    network = await Network.create()
    peer = await network.add({ flags: ['-min-peers', '1'] })
    await peer.start()
    await peer.ready()
    here = `http://127.0.0.1:${peer.httpPort}`
    assert.equal((await peer.client.put('secret', SECRET, { headers: { 'Content-Type': 'text/plain' } })).status, 201)
    elsewhere = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html><body>a page'))
    elsewhere.listen(0, '127.0.0.1')
    await once(elsewhere, 'listening')
    browser = await chromium.launch({
      executablePath: browserProgram ?? '',
      args: [
        ...LAUNCH_FLAGS,
        `--host-resolver-rules=MAP ${EVIL} 127.0.0.1`,
        // Newer browsers ask before a page of elsewhere reaches this machine. Older ones do not,
        // and people say yes.
        '--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights',
      ],
    })
  })

  after(async () => {
    await browser?.close()
    elsewhere?.close()
    await network?.close()
  })

  async function assertNothingWritten(...keys: readonly string[]): Promise<void> {
    for (const key of keys) assert.equal((await peer.client.get(key)).status, 404, `${key} was written`)
  }

  it('of the peer itself reads and writes', async () => {
    const page = await browser.newPage()
    await page.goto(`${here}/swagger`)
    assert.deepEqual(await fetchInPage(page, '/store/secret'), { status: 200, text: SECRET })
    assert.equal((await fetchInPage(page, '/store/own', { method: 'PUT', body: 'x' })).status, 201)
    await page.close()
  })

  it('of another origin can neither read nor write, nor have the browser load what is stored', async () => {
    const page = await browser.newPage()
    await page.goto(`http://${EVIL}:${(elsewhere.address() as AddressInfo).port}/`)
    for (const path of ['/store/secret', '/store', '/status', '/peers', '/openapi.json', '/metrics'])
      assert.deepEqual(await fetchInPage(page, here + path), NOTHING, `${path} was read`)
    assert.deepEqual(await fetchInPage(page, `${here}/store/foreign-put`, { method: 'PUT', body: 'x' }), NOTHING)
    // What a browser sends without asking first; the page is told nothing, and the peer must not
    // take it.
    await fetchInPage(page, `${here}/store/foreign-post`, { method: 'POST', body: 'x', mode: 'no-cors' })
    const remove = JSON.stringify({ remove: [peer.peerId] })
    await fetchInPage(page, `${here}/config/changes`, { method: 'POST', body: remove, mode: 'no-cors' })
    assert.equal(await loadsInPage(page, 'script', `${here}/store/secret`), false)
    assert.equal(await loadsInPage(page, 'img', `${here}/swagger/favicon-32x32.png`), false)
    await assertNothingWritten('foreign-put', 'foreign-post')
    await page.close()
  })

  it('of another origin cannot show the page of the peer inside its own', async () => {
    const page = await browser.newPage()
    await page.goto(`http://${EVIL}:${(elsewhere.address() as AddressInfo).port}/`)
    await loadsInPage(page, 'iframe', `${here}/swagger`)
    const texts = await Promise.all(page.frames().map((frame) => frame.locator('#swagger-ui').count()))
    assert.deepEqual(
      texts.filter((count) => count > 0),
      [],
    )
    await page.close()
  })

  it('whose name was made to lead here can neither read nor write', async () => {
    const page = await browser.newPage()
    const origin = `http://${EVIL}:${peer.httpPort}`
    // It came from elsewhere while its name still led there.
    await page.route(`${origin}/page`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><body>a page' }))
    await page.goto(`${origin}/page`)
    for (const path of ['/store/secret', '/store', '/status', '/peers', '/metrics']) {
      const got = await fetchInPage(page, path)
      assert.equal(got.status, 421, `${path}: ${got.status} ${got.text}`)
      assert.ok(!got.text.includes(SECRET) && !got.text.includes(peer.peerId))
    }
    assert.equal((await fetchInPage(page, '/store/rebound-put', { method: 'PUT', body: 'x' })).status, 421)
    await assertNothingWritten('rebound-put')
    await page.close()
  })

  it('to try the interface on shows it, and asks the peer what is tried', async () => {
    const page = await browser.newPage()
    page.setDefaultTimeout(STEP_MS)
    await page.goto(`${here}/swagger`)
    const operation = page.locator('.opblock-get').filter({ has: page.locator('[data-path="/status"]') })
    await operation.locator('.opblock-summary-control').click()
    await operation.locator('.try-out__btn').click()
    await operation.locator('.execute').click()
    const live = operation.locator('.live-responses-table')
    await live.waitFor()
    assert.match((await live.locator('.response-col_status').last().textContent()) ?? '', /^200/)
    assert.match((await live.locator('.highlight-code').first().textContent()) ?? '', new RegExp(peer.peerId))
    await page.close()
  })
})
