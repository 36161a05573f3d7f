# Weir and a plain client take turns with the same events. Sourced by benches/run.

# turns LETTER STORE LEAST SINK EVENTS AWAY TOML PLAIN: where PLAIN prints what a plain client stores of what Weir has just
# delivered, and LEAST is the part of it that Weir should reach.
turns() {
    local letter=$1 store=$2 least=$3 sink=$4 events=$5 away=$6 toml=$7 plain=$8 round
    local plains=() drains=() ratios=() cpus=() peaks=()
    for round in 0 1 2 3; do
        drain "$letter-$store-$round" "$sink" "$events" "$away" "$toml
batch.max_age = \"10ms\""
        plains+=("$("$plain")") drains+=("$drained") cpus+=("$cpu_s_per_million") peaks+=("$peak_mb")
        ratios+=("$(ratio "$drained" "${plains[-1]}")")
        rm -rf "$work/$letter-$store-$round/data"
    done
    report "$letter: a plain client into $store" "$(median "${plains[@]:1}")" "events/s"
    report "$letter: drained into $store" "$(median "${drains[@]:1}")" "events/s"
    report "$letter: ratio ($store), at least $least" "$(median "${ratios[@]:1}")" ""
    report "$letter: CPU of Weir into $store" "$(median "${cpus[@]:1}")" "s per million events"
    report "$letter: peak memory of Weir into $store" "$(median "${peaks[@]:1}")" "MB"
}

# start_apart NAME DIRECTORY: a server on a processor of its own, or on that of $server_cpu; sets $server_port and
# $server_pid.
start_apart() {
    client_cpu=
    local apart=()
    if (($(nproc) > 1)); then
        client_cpu=1 apart=(taskset -c "${server_cpu:-0}")
    fi
    server_port=$(free_port)
    server_pid=$(WEIR_SERVICE_OWNER=$$ "${apart[@]}" "scripts/services/$1" start "$2" "$server_port")
}

# Whether Kafka can be had; then Weir is built with it, and the plain clients: sets $kafka_plain.
kafka_is_there() {
    scripts/services/kafka install && [[ $(scripts/everything) == *--all-features* ]] || return
    progress "building with Kafka"
    cargo build --release --locked --quiet --package weir --bin weir --features kafka
    cargo build --release --locked --quiet --package weir-sinks --example kafka_plain --features kafka
    kafka_plain=$PWD/target/release/examples/kafka_plain
}
