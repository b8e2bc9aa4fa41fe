/** The program: reads the command line and starts a peer, or runs a command. */
import { begin } from './begin.ts'

await begin(async () => {
  const { run } = await import('./run.ts')
  await run(process.argv.slice(2), process.env)
})
