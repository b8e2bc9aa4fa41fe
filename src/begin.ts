/**
 * What every program of the package does first. The version of Node is looked at before anything is
 * loaded that needs it.
 */
const NODE_MAJOR_LEAST = 22

/** @param load what the program does; it loads what it needs itself */
export async function begin(load: () => Promise<void>): Promise<void> {
  // Without a handler of our own Node opens its inspector on SIGUSR1, through which everything in
  // the process can be read and done.
  process.on('SIGUSR1', () => {})
  const major = Number(process.versions.node.split('.')[0])
  if (major >= NODE_MAJOR_LEAST) return load()
  process.stderr.write(
    `replicator needs Node ${NODE_MAJOR_LEAST} or newer and was started with ${process.versions.node}; run it by its name instead of by node: it finds the Node that npm installed beside it\n`,
  )
  process.exitCode = 1
}
