/** Where the jars of Kafka are, for who starts one with `scripts/servers/kafka.sh`. */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where `kafka-jars.sh` puts them. */
export function kafkaHome(): string {
  const { KAFKA_HOME: named, XDG_CACHE_HOME: cache = join(homedir(), '.cache') } = process.env
  return named ?? join(cache, 'replicator-kafka')
}

/** Why there is no Kafka here; false when there is one. */
export function whyNoKafka(): string | false {
  const fetching = 'scripts/servers/kafka-jars.sh fetches them'
  if (spawnSync('java', ['-version']).error !== undefined)
    return `java is not installed: apt-get install --no-install-recommends default-jre-headless maven; then the jars of Kafka: ${fetching}`
  const isThere = globSync('libs/kafka_*.jar', { cwd: kafkaHome() }).length > 0
  return isThere ? false : `the jars of Kafka are not in ${kafkaHome()}: ${fetching}`
}
