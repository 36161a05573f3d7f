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
    (cd "$directory" && exec env -i "$@" "$weir" >>stdout.txt 2>>stderr.txt) &
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
