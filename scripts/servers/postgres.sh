#!/bin/sh
# A PostgreSQL as an ordinary process, for trying things out: user postgres without a password, at the loopback alone.
# Usage: postgres.sh DATA_DIRECTORY PORT. It becomes the server: SIGINT stops it, SIGKILL is a crash. Root starts it as the user postgres.
# Needs: apt-get install --no-install-recommends postgresql
set -eu
directory=$1 port=$2
programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
as=""
if [ "$(id -u)" = 0 ]; then
  chown -R postgres "$directory"
  chmod 700 "$directory"
  as="setpriv --reuid=postgres --regid=postgres --init-groups"
fi
# It looks at where it stands, and that user may not be let into where this was typed.
cd "$directory"
[ -f "$directory/PG_VERSION" ] || $as env LC_ALL=C "$programs/initdb" -D "$directory" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
exec $as "$programs/postgres" -D "$directory" -p "$port" -h 127.0.0.1 -k "$directory" -c shared_buffers=32MB -c max_connections=50 -c log_min_messages=warning
