/**
 * The program: reads the command line and starts a peer. The version of Node is looked at before
 * anything is loaded that needs it.
 */
const NODE_MAJOR_LEAST = 22

// Without a handler of our own Node opens its inspector on SIGUSR1, through which everything in the
// process can be read and done.
process.on('SIGUSR1', () => {})

const major = Number(process.versions.node.split('.')[0])
if (major < NODE_MAJOR_LEAST) {
  process.stderr.write(
    `replicator needs Node ${NODE_MAJOR_LEAST} or newer and was started with ${process.versions.node}; run it by its name instead of by node: it finds the Node that npm installed beside it\n`,
  )
  process.exitCode = 1
} else {
  const { run } = await import('./run.ts')
  await run(process.argv.slice(2), process.env)
}
