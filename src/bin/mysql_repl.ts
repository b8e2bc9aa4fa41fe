/** `mysql_repl`, as Nexus has it: one of the peers that keep several MySQL equal. */
import { begin } from '../begin.ts'

await begin(async () => {
  const { runNexusPeer } = await import('../coming-from/nexus-peer.ts')
  await runNexusPeer('mysql', process.argv.slice(2), process.env)
})
