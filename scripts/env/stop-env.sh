#!/usr/bin/env bash
# Ends what start-env.sh started with the same options, and drops its data, as the seed's does.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
load "$@"
[ -d "$STATE" ] || exit 0

# Ends processes, each by the file with its id.
end() {
  for file in "$@"; do
    [ -f "$file" ] || continue
    kill "$(cat "$file")" 2>/dev/null || true
  done
  for file in "$@"; do
    [ -f "$file" ] || continue
    for _ in $(seq 150); do kill -0 "$(cat "$file")" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$(cat "$file")" 2>/dev/null || true
    echo "$(basename "$file" .pid) ended"
    rm -f "$file"
  done
}

# Monkeys look at their nodes a last time.
end "$STATE"/*-monkey-*.pid
end "$STATE"/*.pid
rm -rf "$STATE"
