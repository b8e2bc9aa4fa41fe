#!/bin/sh
# A Kafka broker that is its own controller, as an ordinary process, for trying things out: at the loopback alone, without passwords unless MORE says otherwise.
# Usage: kafka.sh DATA_DIRECTORY PORT CONTROLLER_PORT [ID VOTERS REPLICATION [MORE]]. It becomes the server: SIGTERM stops it, SIGKILL is a crash.
# VOTERS is ID@127.0.0.1:CONTROLLER_PORT of each broker, between commas; itself alone where it is left out.
# MORE is a file of properties: they count where they are among those below too.
# Needs: apt-get install --no-install-recommends default-jre-headless maven, then kafka-jars.sh once
set -eu
directory=$1 port=$2 controller=$3 id=${4:-1}
voters=${5:-$id@127.0.0.1:$controller} replication=${6:-1} more=${7:-}
libs="${KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/replicator-kafka}/libs/*"
mkdir -p "$directory"
cat >"$directory/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$id
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$directory/log
auto.create.topics.enable=false
default.replication.factor=$replication
offsets.topic.replication.factor=$replication
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=$replication
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=$replication
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
background.threads=2
log.cleaner.threads=1
num.recovery.threads.per.data.dir=1
PROPERTIES
[ -z "$more" ] || cat "$more" >>"$directory/server.properties"
cat >"$directory/log4j2.yaml" <<LOGGING
Configuration:
  Appenders:
    Console: { name: STDOUT, PatternLayout: { pattern: "%d %p %c{1} %m%n" } }
  Loggers:
    Root: { level: WARN, AppenderRef: [ { ref: STDOUT } ] }
LOGGING
options="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xms64m -Xmx256m -XX:MaxMetaspaceSize=128m -Djava.awt.headless=true -Dlog4j2.configurationFile=$directory/log4j2.yaml"
[ -f "$directory/log/meta.properties" ] || java $options -cp "$libs" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c "$directory/server.properties" >&2
exec java $options -cp "$libs" kafka.Kafka "$directory/server.properties"
