#!/bin/sh
# Fetches the jars of a Kafka broker from Maven Central, about 43 MB, into DIR (default: the folder that kafka.sh looks into).
# Usage: kafka-jars.sh [DIR [VERSION]]. Needs: apt-get install --no-install-recommends default-jre-headless maven
set -eu
directory=${1:-${KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/replicator-kafka}} version=${2:-4.4.0}
mkdir -p "$directory"
cat >"$directory/pom.xml" <<POM
<project><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.5</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
</dependencies></project>
POM
cd "$directory"
exec mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=libs
