/** How the console is served: all its parts from here, kept by whoever asks, run by nobody else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, startHttp } from './http-fixture.ts'
import type { Fixture } from './http-fixture.ts'

const PAGE = '/console'

/** Every file that the page leads to, by its path. */
async function allFiles(fixture: Fixture): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const waiting = [PAGE]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue
    const answer = await ask(fixture, 'GET', path)
    assert.equal(answer.status, 200, path)
    const text = answer.body.toString()
    found.set(path, text)
    const linked = path === PAGE ? [...text.matchAll(/(?:href|src)="([^"#]*)"/g)] : []
    const imported = path.endsWith('.js') ? [...text.matchAll(/^(?:import|export)\b.*\bfrom\s*['"]([^'"]+)['"]/gm)] : []
    for (const [, to = ''] of [...linked, ...imported]) {
      assert.match(to, path === PAGE ? /^console\// : /^\.{1,2}\//, `${path} leads to ${to}`)
      waiting.push(new URL(to, `http://localhost${path}`).pathname)
    }
  }
  return found
}

describe('the console', () => {
  it('has all its parts here, down to the last import, and asks nobody outside', async () => {
    await using fixture = await startHttp()
    const files = await allFiles(fixture)
    for (const path of ['/console/console/main.js', '/console/client/client.js', '/console/npm/lit-html.js', '/console/npm/uplot.css'])
      assert.ok(files.has(path), path)
    for (const [path, text] of files) {
      if (path.startsWith('/console/npm/')) continue
      assert.doesNotMatch(text, /^import type|: readonly |\bfrom '[^'.]/m, `${path} is not what a browser runs`)
      assert.doesNotMatch(text.replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\/(?!127\.0\.0\.1)/, path)
    }
  })

  it('runs nothing inline and nothing from elsewhere, and is shown inside no other page', async () => {
    await using fixture = await startHttp()
    const page = await ask(fixture, 'GET', PAGE)
    const policy = page.headers['content-security-policy'] ?? ''
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"])
      assert.ok(policy.split('; ').includes(part), part)
    assert.doesNotMatch(policy, /unsafe|\*/)
    assert.doesNotMatch(page.body.toString(), /<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=/)
  })

  it('is asked for again with its entity tag, and sent again only where it changed', async () => {
    await using fixture = await startHttp()
    for (const path of [PAGE, '/console/console/main.js', '/console/npm/lit-html.js', '/console/console/icon.svg']) {
      const first = await ask(fixture, 'GET', path)
      const etag = first.headers['etag'] ?? ''
      assert.match(etag, /^"[0-9a-f]{32}"$/)
      assert.equal(first.headers['cache-control'], 'no-cache')
      const again = await ask(fixture, 'GET', path, { 'If-None-Match': `"other", ${etag}` })
      assert.deepEqual([again.status, again.body.length, again.headers['etag']], [304, 0, etag])
      assert.equal((await ask(fixture, 'GET', path, { 'If-None-Match': '"other"' })).status, 200)
    }
  })
})
