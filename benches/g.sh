# (g) Draining into Kafka, as (e) does into stores. The plain client is a bare producer of librdkafka's with the sink's
# settings and the sink's own messages, ready made; where the sink's batches are transactions, so are its own, as large. It
# has nothing to read and nothing to write. How either comes to the broker is not measured.

# into_kafka WHAT EVENTS BATCH TOML: BATCH is how many messages one of the sink's transactions has; 0 without transactions.
into_kafka() {
    batch=$3
    from_first=yes turns g "$1" 0.8 kafka "$2" '[sinks.kafka]
brokers = "127.0.0.1:1"' "[sinks.kafka]
brokers = \"$kafka\"
key = \"{event}\"
$4
create_topics = { partitions = 12 }" send_again
}

send_again() {
    ${client_cpu:+taskset -c "$client_cpu"} "$kafka_plain" send "$kafka" events "$batch"
}

if kafka_is_there; then
    start_apart kafka "$work/kafka"
    kafka=127.0.0.1:$server_port
    into_kafka "Kafka" "$BENCH_EVENTS" 20000 ''
    into_kafka "Kafka without transactions" "$BENCH_EVENTS" 0 'exactly_once = false'
    event_bytes=4096
    into_kafka "Kafka, events of 4 KB" "$((BENCH_EVENTS / 10))" 3500 ''
    event_bytes=
    kill -9 "$server_pid"
fi
client_cpu=
