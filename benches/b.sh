# (b) NDJSON of 1,000 events, durable, over 16 connections: divided by a handler that only parses each line.

"$limits" parse "$(free_port)" >"$work/parse.txt" &
parser=$!
until [[ -s $work/parse.txt ]]; do sleep 0.05; done
hammer ndjson 16 "$(<"$work/parse.txt")"
parsed=$(per_second "$requests * 1000" "$seconds")
kill "$parser"
report "b: parse only, 16 connections" "$parsed" "events/s"

for sink in blackhole sqlite; do
    serve "b-$sink" "[sinks.$sink]"
    cpu=$(cpu_ms)
    hammer ndjson 16 "$base/events"
    rate=$(per_second "$requests * 1000" "$seconds")
    report "b: NDJSON of 1,000, durable, $sink reading along" "$rate" "events/s"
    report "b: CPU an event" "$(awk "BEGIN { printf \"%.2f\", ($(cpu_ms) - $cpu) / $requests }")" "us"
    report "b: peak memory" "$(peak_rss_mb)" "MB"
    report "b: ratio ($sink), at least 0.6 with blackhole" "$(ratio "$rate" "$parsed")" ""
    stop
    rm -rf "${work:?}/b-$sink"
done
