/** `repl`, as Nexus has it: the prompt over what `redis_repl` and `mysql_repl` serve. */
import { begin } from '../begin.ts'

await begin(async () => {
  const { run } = await import('../run.ts')
  await run(['repl', ...process.argv.slice(2)], process.env)
})
