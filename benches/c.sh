# (c) Draining a backlog: divided by what a plain client inserts in the same minute. In turns, for machines change their
# speed; the medians count.

# reports STORE: of the plains, drains and ratios.
reports() {
    report "c: a plain client into $1" "$(median "${plains[@]}")" "events/s"
    report "c: drained into $1" "$(median "${drains[@]}")" "events/s"
    report "c: ratio ($1), at least 0.9" "$(median "${ratios[@]}")" ""
}

plains=() drains=() ratios=()
for round in 1 2 3; do
    drain "c-sqlite-$round" sqlite "$BENCH_EVENTS" "[sinks.sqlite]
path = \"$work/no-folder/events.db\"" "[sinks.sqlite]"
    drains+=("$drained")
    made=$work/c-sqlite-$round/data/events.db
    plains+=("$("$limits" sqlite "$made" "$work/plain-$round.db" "$BENCH_EVENTS")")
    ratios+=("$(ratio "$drained" "${plains[-1]}")")
    rm -rf "$work/c-sqlite-$round" "$work"/plain-*
done
reports SQLite

if scripts/services/opensearch install; then
    search_port=$(free_port)
    search_pid=$(WEIR_SERVICE_OWNER=$$ scripts/services/opensearch start "$work/opensearch" "$search_port")
    search=http://127.0.0.1:$search_port
    search_events=$((BENCH_EVENTS / 5))
    away='[sinks.opensearch]
url = "http://127.0.0.1:1"' there="[sinks.opensearch]
url = \"$search\""
    # The first is not counted: it warms the server up.
    drain c-search-0 opensearch "$search_events" "$away" "$there"
    plains=() drains=() ratios=()
    for round in 1 2 3; do
        drain "c-search-$round" opensearch "$search_events" "$away" "$there"
        drains+=("$drained")
        plains+=("$("$limits" opensearch "$search" "$round" "$search_events")")
        ratios+=("$(ratio "$drained" "${plains[-1]}")")
    done
    reports OpenSearch
    kill -9 "$search_pid"
fi
