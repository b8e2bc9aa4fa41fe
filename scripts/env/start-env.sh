#!/usr/bin/env bash
# Starts the environment of lww-node on this machine: peers that serve a set at ports from 3001 on, a Redis where one is
# installed, and monkeys; each a process of its own. stop-env.sh with the same options ends it.
#   start-env.sh [options]     the options of the seed, by both names; "start-env.sh logs NAME" shows what one says, as docker logs -f
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ "${1-}" = logs ]; then
  name=${2-}
  [ -n "$name" ] || fail "logs takes the name of a process, like lww-set-normal-monkey-1"
  log=$(ls -t "${REPLICATOR_ENV_DIRECTORY:-${TMPDIR:-/tmp}/replicator-env-$(id -u)}"/*/"$name.log" 2>/dev/null | head -1)
  [ -n "$log" ] || fail "nothing of that name was started"
  exec tail -n +1 -f "$log"
fi
load "$@"
[ -f "$PROGRAM" ] || fail "the program is not built: npm run build"
[ "$START" = yes ] || exit 0
umask 077
mkdir -p "$STATE"

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Starts a process under a name, unless it runs.
start() {
  local name=$1
  shift
  if [ -f "$STATE/$name.pid" ] && kill -0 "$(cat "$STATE/$name.pid")" 2>/dev/null; then
    echo "$name runs already"
    return
  fi
  (cd "$STATE" && exec setsid "$@" >"$STATE/$name.log" 2>&1 </dev/null) &
  echo $! >"$STATE/$name.pid"
  echo "$name started"
}

# Waits until a log has a line.
await() {
  local name=$1 line=$2
  for _ in $(seq 600); do
    grep -q "$line" "$STATE/$name.log" 2>/dev/null && return
    kill -0 "$(cat "$STATE/$name.pid")" 2>/dev/null || { tail -3 "$STATE/$name.log" >&2; fail "$name ended"; }
    sleep 0.1
  done
  fail "$name did not say '$line' in a minute"
}

urls=()
if [ "$START_NODES" = yes ] && [ "$NODES" -gt 0 ]; then
  redis=()
  if command -v redis-server >/dev/null; then
    redis_port=16379
    until is_free "$redis_port" || [ -f "$STATE/lww-set-redis.pid" ]; do redis_port=$((redis_port + 1)); done
    mkdir -p "$STATE/redis"
    start lww-set-redis redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$STATE/redis" --save '' --appendonly yes
    redis=(-set-redis "redis://127.0.0.1:$redis_port")
  else
    echo "no Redis is installed: the sets are in the data of the peers alone"
  fi
  external=()
  for url in $EXTERNAL; do external+=(-lww-external "$url"); done
  port=3001
  join=()
  for number in $(seq "$NODES"); do
    name="lww-set-$number"
    if [ -f "$STATE/$name.port" ]; then
      port=$(cat "$STATE/$name.port")
    else
      until is_free "$port"; do port=$((port + 1)); done
      echo "$port" >"$STATE/$name.port"
    fi
    minimum=3
    [ "$NODES" -ge 3 ] || minimum=1
    start "$name" "$NODE" "$PROGRAM" -cid lww-set -min-peers "$minimum" -http 0 -listen /ip4/127.0.0.1/tcp/0 -data "$STATE/$name" \
      -lww "$port" "${redis[@]}" "${external[@]}" "${join[@]}"
    await "$name" 'HTTP listening'
    [ ${#join[@]} -gt 0 ] || join=(-peer "$(sed -n 's/^ - //p' "$STATE/$name.log" | head -1)")
    urls+=(-url "http://127.0.0.1:$port")
    echo "$name serves http://localhost:$port"
    port=$((port + 1))
  done
fi
for url in $EXTERNAL; do urls+=(-url "$url"); done

# Starts monkeys of a kind.
monkeys() {
  local kind=$1 label=$2 count=$3 workers=$4
  for number in $(seq "$count"); do
    start "lww-set-$label-monkey-$number" "$NODE" "$PROGRAM" monkeys "$kind" "${urls[@]}" -workers "$workers" -seconds 86400
  done
}
[ ${#urls[@]} -gt 0 ] || exit 0
[ "$START_NORMAL" = no ] || monkeys normal normal "$NORMAL" "$NORMAL_WORKERS"
[ "$START_OFFLINE" = no ] || monkeys offline-online offline-online "$OFFLINE" "$OFFLINE_WORKERS"
[ "$START_VIEWER" = no ] || monkeys viewer client-viewer "$VIEWER" "$VIEWER_WORKERS"
