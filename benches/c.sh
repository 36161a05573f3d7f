# (c) Draining a backlog: divided by what a plain client inserts in the same time.

# drain NAME AWAY TOML: fills the log while the sink is away, by the settings AWAY, then times the delivery of all of it.
drain() {
    local name=$1 away=$2 toml=$3
    serve "$name" "$away"
    "$limits" fill "$base/events" "$BENCH_KEY" "$BENCH_EVENTS"
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    serve "$name" "$toml"
    while (($(metric weir_events_pending) > 0)); do sleep 0.05; done
    drained=$(per_second "$BENCH_EVENTS * 1000" "($(now_ms) - $begun_ms)")
    stop
}

touch "$work/no-folder"
drain c-sqlite "[sinks.sqlite]
path = \"$work/no-folder/events.db\"" "[sinks.sqlite]"
plain=$("$limits" sqlite "$work/c-sqlite/data/events.db" "$work/plain.db" "$BENCH_EVENTS")
report "c: a plain client into SQLite" "$plain" "events/s"
report "c: drained into SQLite" "$drained" "events/s"
report "c: ratio (SQLite), at least 0.9" "$(ratio "$drained" "$plain")" ""

if scripts/services/opensearch install; then
    search_port=$(free_port)
    search_pid=$(WEIR_SERVICE_OWNER=$$ scripts/services/opensearch start "$work/opensearch" "$search_port")
    search=http://127.0.0.1:$search_port
    drain c-search '[sinks.opensearch]
url = "http://127.0.0.1:1"' "[sinks.opensearch]
url = \"$search\""
    plain=$("$limits" opensearch "$search" "$BENCH_EVENTS")
    report "c: a plain client into OpenSearch" "$plain" "events/s"
    report "c: drained into OpenSearch" "$drained" "events/s"
    report "c: ratio (OpenSearch), at least 0.9" "$(ratio "$drained" "$plain")" ""
    kill -9 "$search_pid"
fi
