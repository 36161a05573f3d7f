# Starting, stopping and watching the Weir that is measured. Sourced by benches/run.

# serve NAME TOML [VARIABLE=VALUE…]: a Weir in $work/NAME; sets $pid, $base and BENCH_KEY.
serve() {
    local name=$1 toml=$2
    shift 2
    directory=$work/$name
    mkdir -p "$directory"
    port=$(free_port)
    base=http://127.0.0.1:$port
    {
        # Logging each request is a choice; it is measured without, like others are.
        printf 'log_level = "warn"\n[server]\nport = %s\naccess_log = "errors"\nmetrics = "open"\n%s\n' "$port" "$toml"
    } >"$directory/weir.toml"
    begun_ms=$(now_ms)
    (cd "$directory" && exec ${client_cpu:+taskset -c "$client_cpu"} env -i "$@" "$weir" >>stdout.txt 2>>stderr.txt) &
    pid=$!
    until curl -sf "$base/readyz" -o /dev/null; do
        kill -0 "$pid" 2>/dev/null || { tail "$directory/stderr.txt" >&2 && exit 1; }
        sleep 0.005
    done
    ready_after_ms=$(($(now_ms) - begun_ms))
    BENCH_KEY=$(cat "$directory/data/api-key")
    export BENCH_KEY
}

stop() {
    kill -TERM "$pid"
    wait "$pid" || true
}

# drain NAME SINK EVENTS AWAY TOML: fills the log while the sink is away, by the settings AWAY, and pauses it; then times the
# delivery of all, from the moment at which the sink, there by TOML, goes on, as time_delivery does. Events have $event_bytes,
# or about a hundred. With $client_cpu, all of it runs on that processor.
drain() {
    local name=$1 sink=$2 events=$3 away=$4 toml=$5
    serve "$name" "$away"
    "$limits" fill "$base/events" "$BENCH_KEY" "$events" "${event_bytes:-0}"
    ask_of_sink "$sink" pause
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    serve "$name" "$toml"
    ask_of_sink "$sink" resume
    time_delivery "$events"
    stop
}

# time_delivery EVENTS: waits until so many are delivered; sets $drained (events/s), $cpu_s_per_million, $peak_mb. With
# $from_first, the clock runs from the first delivery on: what it takes to come to the store is not counted.
time_delivery() {
    local events=$1 first=0 begun_at_ms=$(now_ms) cpu_before_ms=$(cpu_ms) interval_s
    # Asking takes time of the same processors: the more there is, the less often.
    interval_s=$(awk "BEGIN { s = $events / 20000000; print(s > 0.05 ? s : 0.05) }")
    if [[ ${from_first:-} ]]; then
        while (((first = $(metric weir_events_delivered_total)) == 0)); do sleep 0.01; done
        begun_at_ms=$(now_ms) cpu_before_ms=$(cpu_ms)
    fi
    while (($(metric weir_events_delivered_total) < events)); do sleep "$interval_s"; done
    drained=$(per_second "($events - $first) * 1000" "($(now_ms) - $begun_at_ms)")
    cpu_s_per_million=$(ratio "($(cpu_ms) - $cpu_before_ms) * 1000" "($events - $first)")
    peak_mb=$(peak_rss_mb)
}

# ask_of_sink SINK pause|resume
ask_of_sink() {
    curl -sf -X POST -H "authorization: Bearer $BENCH_KEY" "$base/v1/sinks/$1/$2" -o /dev/null
}

# plain COMMAND ARGUMENT…: what a plain client reaches, where Weir runs.
plain() {
    ${client_cpu:+taskset -c "$client_cpu"} "$limits" "$@"
}

now_ms() {
    date +%s%3N
}

free_port() {
    "$limits" port
}

# metric NAME: the sum of its samples.
metric() {
    curl -sf "$base/metrics" | awk -v name="$1" '$1 ~ "^" name "({|$)" { sum += $2 } END { printf "%.0f\n", sum }'
}

cpu_ms() {
    # utime and stime, in hundredths of a second.
    awk '{ print ($14 + $15) * 10 }' "/proc/$pid/stat"
}

rss_mb() {
    awk '/^VmRSS/ { printf "%.1f\n", $2 / 1024 }' "/proc/$pid/status"
}

peak_rss_mb() {
    awk '/^VmHWM/ { printf "%.1f\n", $2 / 1024 }' "/proc/$pid/status"
}

# hammer SCRIPT CONNECTIONS URL: sets $requests, $seconds, $p50_ms, $p99_ms.
hammer() {
    local failed
    read -r requests seconds p50_ms p99_ms failed < <(
        wrk -t1 -c"$2" -d"${BENCH_SECONDS}s" --timeout 10s -s "benches/$1.lua" "$3" 2>&1 >/dev/null | tail -n 1
    )
    [[ $failed == 0 ]] || echo "note: $failed requests to $3 failed" >&2
}
