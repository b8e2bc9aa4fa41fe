/**
 * A module of Go as a folder of files, for its test data: fetched by Go itself when a test wants
 * it, and never part of the project.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Fetching takes some seconds the first time, in milliseconds. */
const FETCH_MAX_MS = 120_000

/** @param module as Go writes it, `path@version`. @returns its folder, or why it cannot be had */
export function goModule(module: string): { readonly folder: string } | { readonly why: string } {
  const directory = mkdtempSync(join(tmpdir(), 'replicator-go-'))
  try {
    writeFileSync(join(directory, 'go.mod'), 'module fetched\n')
    const told = execFileSync('go', ['mod', 'download', '-json', module], {
      cwd: directory,
      encoding: 'utf8',
      timeout: FETCH_MAX_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { Dir: folder } = JSON.parse(told) as { readonly Dir: string }
    return { folder }
  } catch {
    return { why: `${module} cannot be had: it takes Go and its module proxy` }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
