#!/bin/sh
# A MariaDB as an ordinary process, for trying things out: root without a password, at the loopback alone.
# Usage: mariadb.sh DATA_DIRECTORY PORT. It becomes the server: SIGTERM stops it, SIGKILL is a crash.
# Needs: apt-get install --no-install-recommends mariadb-server
set -eu
directory=$1 port=$2 me=$(id -un)
[ -d "$directory/mysql" ] || mariadb-install-db --no-defaults --user="$me" --datadir="$directory" --auth-root-authentication-method=normal --skip-test-db >/dev/null
exec mariadbd --no-defaults --user="$me" --datadir="$directory" --socket="$directory/s.sock" --pid-file="$directory/pid" \
  --port="$port" --bind-address=127.0.0.1 --skip-log-bin --innodb-buffer-pool-size=16M --innodb-log-file-size=16M \
  --innodb-flush-log-at-trx-commit=1 --max-connections=50 --performance-schema=0
