# (f) Isolation: what two healthy sinks, and the clients, feel of a dead one, a frozen one and a slow one beside them,
# at a steady rate of single events. Weir runs with the two and with all five in turns, each time anew, for machines
# change their speed; the medians of the turns count, and of what a turn with five has more than the one before it.

"$limits" mute >"$work/mute.txt" &
mute_pid=$!
"$limits" slow 100 >"$work/slow.txt" &
slow_pid=$!
until [[ -s $work/mute.txt && -s $work/slow.txt ]]; do sleep 0.05; done

healthy='[sinks.table]
type = "sqlite"
batch.max_age = "100ms"
[sinks.archive]
type = "objects"
url = "file:archive"
batch.max_age = "100ms"'
# The frozen one is given up, and tried again, within a turn.
unwell="[sinks.dead]
type = \"postgres\"
url = \"postgres://weir@127.0.0.1:1/weir\"
[sinks.frozen]
type = \"clickhouse\"
url = \"$(<"$work/mute.txt")\"
request_timeout = \"5s\"
[sinks.slow]
type = \"opensearch\"
url = \"$(<"$work/slow.txt")\"
compress = false
install_template = false
batch.max_events = 50"

# What a turn measures, in the order in which it is told; 0 has no aim.
figures=("a request, p50" "a request, p99" "lag of SQLite, p50" "lag of SQLite, p99" "lag of a folder, p50" "lag of a folder, p99")
aims=(0 2 25 25 25 25)

# turn NAME TOML: sets $measured. The backlog is more than the unwell ones hold in memory; the healthy ones deliver it.
turn() {
    local failed
    serve "$1" "$2" WEIR_SHUTDOWN_TIMEOUT=1s
    "$limits" fill "$base/events" "$BENCH_KEY" "$BENCH_BACKLOG" 0
    until [[ $(curl -sf "$base/metrics" | grep -cE '^weir_events_pending\{sink="(table|archive)"\} 0$') == 2 ]]; do
        sleep 0.2
    done
    read -r p50_ms p99_ms failed lags < <(
        "$limits" steady "$base" "$BENCH_KEY" "$BENCH_RATE" "$((BENCH_SECONDS + 2))" table archive
    )
    [[ $failed == 0 ]] || echo "note: $failed requests to $1 failed" >&2
    read -ra measured <<<"$p50_ms $p99_ms $lags"
    stop
    rm -rf "${work:?}/$1"
}

BENCH_RATE=${BENCH_RATE:-1000} BENCH_BACKLOG=${BENCH_BACKLOG:-150000} BENCH_TURNS=${BENCH_TURNS:-5}
declare -A with_two=() with_five=() more=()
for ((round = 1; round <= BENCH_TURNS; round++)); do
    turn "f-two-$round" "$healthy"
    two=("${measured[@]}")
    turn "f-five-$round" "$healthy
$unwell"
    for figure in "${!figures[@]}"; do
        with_two[$figure]+=" ${two[figure]}"
        with_five[$figure]+=" ${measured[figure]}"
        more[$figure]+=" $(awk "BEGIN { printf \"%.2f\", ${measured[figure]} - ${two[figure]} }")"
    done
done
kill "$mute_pid" "$slow_pid"
for figure in "${!figures[@]}"; do
    aim="${aims[figure]}"
    [[ $aim == 0 ]] && aim="" || aim=", at most $aim or 5 %"
    # shellcheck disable=SC2086 # the figures of the turns
    {
        report "f: ${figures[figure]}, two sinks" "$(median ${with_two[$figure]})" "ms"
        report "f: ${figures[figure]}, five sinks" "$(median ${with_five[$figure]})" "ms"
        report "f: more in the turn with five$aim" "$(median ${more[$figure]})" "ms"
    }
done
