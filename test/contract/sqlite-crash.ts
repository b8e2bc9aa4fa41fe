/** Applies batches of 16 to the store at a path until it is killed, and says after each where it stands. */
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { claim, command } from './log-store.ts'

const [path = '', text = ''] = process.argv.slice(2)
const store = await openSqliteStore(path, claim)
for (;;) {
  const { index } = store.at.position
  const entries = Array.from({ length: 16 }, (_, place) => command(index + 1 + place, text))
  await store.apply({ entries, verdicts: new Map() })
  process.stdout.write(`${store.at.position.index}\n`)
}
