# What start-env.sh and stop-env.sh share: the options of the environment of lww-node, by both of their names.
# Options that are kept come first, from the file "local" beside this one; those of the command line replace them.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
NODE="$ROOT/node_modules/.bin/node"
PROGRAM="$ROOT/dist/src/main.js"

MODE=staging
START=yes START_NODES=yes START_NORMAL=yes START_OFFLINE=yes START_VIEWER=yes
NODES=3 NORMAL=3 NORMAL_WORKERS=5 OFFLINE=1 OFFLINE_WORKERS=1 VIEWER=1 VIEWER_WORKERS=1
EXTERNAL=""

fail() { echo "$(basename "$0"): $1" >&2; exit 2; }

switch() { case "$2" in yes|no) printf '%s' "$2" ;; *) fail "$1 takes yes or no, and not '$2'" ;; esac; }
number() { case "$2" in ''|*[!0-9]*) fail "$1 takes a number, and not '$2'" ;; *) printf '%s' "$2" ;; esac; }

read_options() {
  while [ $# -gt 0 ]; do
    local name=$1 value=${2-}
    case "$name" in
      -p|--prod) MODE=prod NODES=1 START_NORMAL=no START_OFFLINE=no START_VIEWER=no; shift; continue ;;
      -i|--integration) MODE=integration NODES=3 START_NORMAL=no START_OFFLINE=no; shift; continue ;;
      # Nothing is built in containers here.
      -n|--no-cache|-v|--verbose) shift; continue ;;
    esac
    [ $# -ge 2 ] || fail "$name is unknown, or its value is missing"
    case "$name" in
      -ub|--use-builder) switch "$name" "$value" >/dev/null ;;
      -s|--start) START=$(switch "$name" "$value") ;;
      -sn|--start-nodes) START_NODES=$(switch "$name" "$value") ;;
      -snm|--start-normal-monkey) START_NORMAL=$(switch "$name" "$value") ;;
      -soom|--start-offline-online-monkey) START_OFFLINE=$(switch "$name" "$value") ;;
      -scvm|--start-client-viewer-monkey) START_VIEWER=$(switch "$name" "$value") ;;
      -nc|--nodes-count) NODES=$(number "$name" "$value") ;;
      -nmc|--normal-monkey-count) NORMAL=$(number "$name" "$value") ;;
      -nmipc|--normal-monkey-in-process-count) NORMAL_WORKERS=$(number "$name" "$value") ;;
      -oomc|--offline-online-monkey-count) OFFLINE=$(number "$name" "$value") ;;
      -oomipc|--offline-online-monkey-in-process-count) OFFLINE_WORKERS=$(number "$name" "$value") ;;
      -cvmc|--client-viewer-monkey-count) VIEWER=$(number "$name" "$value") ;;
      -cvmipc|--client-viewer-monkey-in-process-count) VIEWER_WORKERS=$(number "$name" "$value") ;;
      -en|--external-nodes) EXTERNAL="$EXTERNAL $value" ;;
      *) fail "$name is unknown" ;;
    esac
    shift 2
  done
}

load() {
  if [ -f "$HERE/local" ]; then
    # shellcheck disable=SC2046
    read_options $(grep -v '^[[:space:]]*#' "$HERE/local")
  fi
  read_options "$@"
  # Each mode has a place of its own, so that several run side by side.
  STATE="${REPLICATOR_ENV_DIRECTORY:-${TMPDIR:-/tmp}/replicator-env-$(id -u)}/$MODE"
}
