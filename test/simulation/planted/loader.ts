/**
 * Loads the production files with a bug in them. A module imported as `file.ts?planted=name` is
 * read with that bug's patches applied, and so is everything it imports; the files themselves, and
 * whoever imports them without the mark, stay as they are.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { PlantedBug } from './bug.ts'

const MARK = '?planted='
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** From here on, imports with the mark see the bugs. */
export function installLoader(bugs: readonly PlantedBug[]): void {
  const byName = new Map(bugs.map((bug) => [bug.name, bug]))
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context)
      const name = nameIn(context.parentURL ?? '')
      if (name === undefined || !resolved.url.startsWith('file:') || resolved.url.includes('node_modules') || resolved.url.includes(MARK))
        return resolved
      return { ...resolved, url: `${resolved.url}${MARK}${name}` }
    },
    load(url, context, nextLoad) {
      const name = nameIn(url)
      const loaded = nextLoad(url, context)
      const bug = name === undefined ? undefined : byName.get(name)
      if (bug === undefined) return loaded
      const path = fileURLToPath(url.slice(0, url.indexOf(MARK)))
      return { ...loaded, source: patched(bug, path, readFileSync(path, 'utf8')) }
    },
  })
}

/** The module with the bug in it. */
export async function importPlanted<Module>(url: URL, name: string): Promise<Module> {
  return (await import(`${url.href}${MARK}${name}`)) as Module
}

/**
 * @throws Error when a place that the patch names is not in the file exactly once: the bug must be
 * planted anew
 */
export function patched(bug: PlantedBug, path: string, source: string): string {
  let text = source
  for (const { file, find, replace } of bug.patches) {
    if (`${ROOT}${file}` !== path) continue
    const places = text.split(find).length - 1
    if (places !== 1) throw new Error(`planted bug ${bug.name}: ${places} places in ${file} for ${JSON.stringify(find)}`)
    text = text.replace(find, () => replace)
  }
  return text
}

function nameIn(url: string): string | undefined {
  const place = url.indexOf(MARK)
  return place < 0 ? undefined : url.slice(place + MARK.length)
}
