# Kafka from its jars on Maven Central, one Java process in KRaft mode; sourced by brokers.sh. Three ports for clients:
# plain, plain with SASL (user "waybill", password "secret"; and "limited" with
# the same password, who may do what tests allow it), and TLS. WAYBILL_KAFKA_VERSION chooses another version
# (tried: 3.7.2 and 4.1.2; 4.x needs Java 17); each keeps data of its own. WAYBILL_KAFKA_VIA=HOST:PORT: one more port (the
# file ports/kafka-via), whose clients are told to come by that address, where a proxy listens.

kafka_version="${WAYBILL_KAFKA_VERSION:-3.7.2}"
kafka_libs="${WAYBILL_KAFKA_LIBS:-$root/build/kafka-$kafka_version}"  # shared by all sets of brokers of a clone

kafka_install() {
  command -v java >/dev/null || install_packages default-jre-headless
  install_packages openssl
  [ -e "$kafka_libs/complete" ] && return
  command -v mvn >/dev/null || install_packages maven
  say "Kafka: fetching the jars of version $kafka_version into ${kafka_libs/#"$root"\//}"
  mkdir -p "$kafka_libs"
  cat >"$kafka_libs/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>waybill</groupId><artifactId>test-broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
END
  mvn -q -B -f "$kafka_libs/pom.xml" dependency:copy-dependencies -DoutputDirectory="$kafka_libs/jars" \
    >"$kafka_libs/log" 2>&1 </dev/null || {
    tail -n 20 "$kafka_libs/log"
    die "Maven could not fetch Kafka's jars; see $kafka_libs/log"
  }
  touch "$kafka_libs/complete"
}

# A small heap and the quick compiler: it starts in seconds and leaves the machine to the tests.
kafka_java=(java -Xms256m -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto
  -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$kafka_libs/jars/*")

kafka_prepare() {
  tls_prepare
  local own="$folder/kafka" data="$folder/kafka/data-$kafka_version" key
  key="$(port_of kafka-controller)"
  local via="${WAYBILL_KAFKA_VIA:-}"
  openssl pkcs8 -topk8 -nocrypt -in "$folder/tls/server.key" -out "$own/key.pem"
  cat "$own/key.pem" "$folder/tls/server.crt" >"$own/keystore.pem"
  cat >"$own/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$key
controller.listener.names=CONTROLLER
listeners=PLAIN://127.0.0.1:$(port_of kafka),SASL://127.0.0.1:$(port_of kafka-sasl),TLS://127.0.0.1:$(port_of kafka-tls),CONTROLLER://127.0.0.1:$key${via:+,VIA://127.0.0.1:$(port_of kafka-via)}
advertised.listeners=PLAIN://127.0.0.1:$(port_of kafka),SASL://127.0.0.1:$(port_of kafka-sasl),TLS://localhost:$(port_of kafka-tls)${via:+,VIA://$via}
listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,CONTROLLER:PLAINTEXT,VIA:PLAINTEXT
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_waybill="secret" user_limited="secret";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:waybill
ssl.keystore.type=PEM
ssl.keystore.location=$own/keystore.pem
log.dirs=$data
num.partitions=1
message.max.bytes=16777216
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
log.cleaner.enable=false
broker.session.timeout.ms=6000
END
  [ -e "$data/meta.properties" ] && return
  # Not begun by a dash, as one in 64 would be: the tool would take it for an option.
  local id="w$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22)"
  "${kafka_java[@]}" kafka.tools.StorageTool format -t "$id" -c "$own/server.properties" >"$own/log" 2>&1 3>&- 9>&- || {
    tail -n 20 "$own/log"
    die "Kafka could not make its storage; see $own/log"
  }
}

kafka_start() { launch kafka "${kafka_java[@]}" kafka.Kafka "$folder/kafka/server.properties"; }

# kafka_answer KEY BODY FIELD...: those bytes, counted from 1, of the answer to a request of that API key (version 0, number 7),
# as numbers in a row. BODY for printf.
kafka_answer() {
  local key="$1" body="$2" size
  shift 2
  size="$(printf "$body" | wc -c)"
  exec 4<>"/dev/tcp/127.0.0.1/$(port_of kafka)" || return 1
  printf "\\0\\0\\0\\$(printf '%03o' $((10 + size)))\\0\\$(printf '%03o' "$key")\\0\\0\\0\\0\\0\\007\\377\\377$body" >&4
  timeout 5 head -c "${*: -1}" <&4 | od -An -v -w64 -tu1 | awk -v fields="$*" '{ n = split(fields, f, " "); for (i = 1; i <= n; ++i) printf "%s", $f[i] }'
  exec 4<&- 4>&-
}

# It answers ApiVersions; one that is brought up also has what groups and idempotent producers need (FindCoordinator,
# InitProducerId without an error), for which a new one makes them wait. One that is started again need not: its clients wait.
kafka_is_healthy() {
  [ "$(kafka_answer 18 '' 8)" = 7 ] || return 1
  [ "$action" != start ] || return 0
  [ "$(kafka_answer 10 '\0\001x' 9 10)" = 00 ] && [ "$(kafka_answer 22 '\377\377\0\0\0\0' 13 14)" = 00 ]
}

kafka_variables() {
  echo "export WAYBILL_TEST_KAFKA_URL=kafka://127.0.0.1:$(port_of kafka)"
  echo "export WAYBILL_TEST_KAFKA_AUTH_URL=kafka://waybill:secret@127.0.0.1:$(port_of kafka-sasl)"
  echo "export WAYBILL_TEST_KAFKA_TLS_URL=kafkas://localhost:$(port_of kafka-tls)"
  echo "export WAYBILL_TEST_CA=$folder/tls/ca.crt"
}
