# (i) From Kafka into a store, by a loader: events/s from the moment at which it has partitions, divided by the smaller of
# what a bare consumer of librdkafka's receives of the same topic, and what the store's own bulk path takes of the same rows.
# The store has a processor of its own, as in (e); Kafka has the other, with whoever receives from it. It
# holds four times BENCH_EVENTS, as Weir's clock runs from its partitions on, and that of a bare consumer from the first message on.

# loaded NAME TOML: times the deliveries of a loader that begins with nothing.
loaded() {
    serve "$1" "[inputs.bus]
type = \"kafka\"
brokers = \"$kafka\"
topics = [\"events\"]
group = \"$1\"
$2
batch.max_age = \"10ms\"" WEIR_ROLE=loader
    while (($(metric weir_input_partitions) == 0)); do sleep 0.01; done
    time_delivery "$kafka_events"
    stop
}

receive() {
    ${client_cpu:+taskset -c "$client_cpu"} "$kafka_plain" receive "$kafka" events
}

# from_kafka STORE TOML PLAIN: PLAIN as in turns.
from_kafka() {
    local store=$1 toml=$2 plain=$3 round received plains=() drains=() ratios=() cpus=() peaks=()
    for round in 0 1 2 3; do
        loaded "i-$store-$round" "$toml"
        plains+=("$("$plain")") received=$(receive)
        drains+=("$drained") cpus+=("$cpu_s_per_million") peaks+=("$peak_mb")
        ratios+=("$(ratio "$drained" "$(printf '%s\n' "${plains[-1]}" "$received" | sort -g | head -n 1)")")
        rm -rf "$work/i-$store-$round"
    done
    report "i: a bare consumer of Kafka's" "$received" "events/s"
    report "i: a plain client into $store" "$(median "${plains[@]:1}")" "events/s"
    report "i: from Kafka into $store" "$(median "${drains[@]:1}")" "events/s"
    report "i: ratio ($store), at least 0.8" "$(median "${ratios[@]:1}")" ""
    report "i: CPU of Weir from Kafka into $store" "$(median "${cpus[@]:1}")" "s per million events"
    report "i: peak memory of Weir from Kafka into $store" "$(median "${peaks[@]:1}")" "MB"
}

if kafka_is_there; then
    server_cpu=1 start_apart kafka "$work/kafka"
    kafka=127.0.0.1:$server_port kafka_pid=$server_pid kafka_events=$((4 * BENCH_EVENTS))
    # Filling it is not measured.
    client_cpu=
    drain i-fill kafka "$kafka_events" '[sinks.kafka]
brokers = "127.0.0.1:1"' "[sinks.kafka]
brokers = \"$kafka\"
key = \"{label}\"
create_topics = { partitions = 12 }"
    rm -rf "$work/i-fill"
    if scripts/services/postgres install; then
        start_apart postgres "$work/i-postgres"
        postgres=postgres://postgres@127.0.0.1:$server_port/weir
        plain_postgres() {
            plain postgres "$postgres" 5000
        }
        from_kafka Postgres "[sinks.postgres]
url = \"$postgres\"" plain_postgres
        scripts/services/postgres signal KILL "$server_pid"
    fi
    if scripts/services/clickhouse install; then
        start_apart clickhouse "$work/i-clickhouse"
        clickhouse=http://127.0.0.1:$server_port
        plain_clickhouse() {
            plain clickhouse "$clickhouse" 50000
        }
        from_kafka ClickHouse "[sinks.clickhouse]
url = \"$clickhouse\"" plain_clickhouse
        kill -9 "$server_pid"
    fi
    kill -9 "$kafka_pid"
fi
client_cpu=
