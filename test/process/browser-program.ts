/** A real browser for tests, where the machine has one. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome']

/** Where it lies; undefined where there is none. */
export const browserProgram: string | undefined = findBrowser()

/** Why tests are left out without it; false where it is there. */
export const withoutBrowser: string | false =
  browserProgram === undefined ? `no browser is installed here (${PROGRAMS.join(', ')}); apt-get install chromium` : false

/** As root, and in a container, its own sandbox cannot be set up; the pages are ours. */
export const LAUNCH_FLAGS: readonly string[] = ['--no-sandbox']

function findBrowser(): string | undefined {
  const places = (process.env['PATH'] ?? '').split(delimiter).flatMap((place) => PROGRAMS.map((name) => join(place, name)))
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
