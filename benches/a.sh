# (a) Single events, durable, over 256 connections: divided by the lesser of two limits.

sync_us=$("$limits" fdatasync "$work/sync.bin" 5)
report "mean fdatasync" "$sync_us" "us"
sync_limit=$(awk "BEGIN { printf \"%.0f\", 256 * 1e6 / $sync_us }")

for sink in blackhole sqlite; do
    serve "a-$sink" "[sinks.$sink]"
    hammer get 256 "$base/ping"
    noop=$(per_second "$requests" "$seconds")
    cpu=$(cpu_ms)
    hammer post 256 "$base/events"
    rate=$(per_second "$requests" "$seconds")
    cpu_us=$(awk "BEGIN { printf \"%.1f\", ($(cpu_ms) - $cpu) * 1000 / $requests }")
    lesser=$((noop < sync_limit ? noop : sync_limit))
    report "a: no-op handler, 256 connections" "$noop" "requests/s"
    report "a: single events, durable, $sink reading along" "$rate" "requests/s"
    report "a: p99" "$p99_ms" "ms"
    report "a: CPU an event" "$cpu_us" "us"
    report "a: peak memory" "$(peak_rss_mb)" "MB"
    report "a: ratio ($sink), at least 0.7 with blackhole" "$(ratio "$rate" "$lesser")" ""
    stop
done
