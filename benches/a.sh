# (a) Single events, durable, over 256 connections: divided by the lesser of two limits. The no-op handler takes the
# same requests by the same server, and is measured right before and after, for machines change their speed.

sync_us=$("$limits" fdatasync "$work/sync.bin" 5)
report "mean fdatasync" "$sync_us" "us"
sync_limit=$(awk "BEGIN { printf \"%.0f\", 256 * 1e6 / $sync_us }")

"$limits" noop "$(free_port)" >"$work/noop.txt" &
noop_pid=$!
until [[ -s $work/noop.txt ]]; do sleep 0.05; done

for sink in blackhole sqlite; do
    serve "a-$sink" "[sinks.$sink]"
    pings=() noops=() rates=() ratios=() cpus=() p99s=()
    for _ in 1 2 3 4 5; do
        hammer get 256 "$base/ping"
        pings+=("$(per_second "$requests" "$seconds")")
        hammer post 256 "$(<"$work/noop.txt")"
        noops+=("$(per_second "$requests" "$seconds")")
        cpu=$(cpu_ms)
        hammer post 256 "$base/events"
        rates+=("$(per_second "$requests" "$seconds")")
        cpus+=("$(awk "BEGIN { printf \"%.1f\", ($(cpu_ms) - $cpu) * 1000 / $requests }")")
        p99s+=("$p99_ms")
        lesser=$((noops[-1] < sync_limit ? noops[-1] : sync_limit))
        ratios+=("$(ratio "${rates[-1]}" "$lesser")")
    done
    report "a: GET /ping, 256 connections" "$(median "${pings[@]}")" "requests/s"
    report "a: no-op handler, same requests" "$(median "${noops[@]}")" "requests/s"
    report "a: single events, durable, $sink reading along" "$(median "${rates[@]}")" "requests/s"
    report "a: p99" "$(median "${p99s[@]}")" "ms"
    report "a: CPU an event" "$(median "${cpus[@]}")" "us"
    report "a: peak memory" "$(peak_rss_mb)" "MB"
    report "a: ratio ($sink), at least 0.7 with blackhole" "$(median "${ratios[@]}")" ""
    stop
done
kill "$noop_pid"
