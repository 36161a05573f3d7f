# (d) A cold start, and what it takes when there is nothing to do.

serve d-first ""
stop
serve d-first ""
sleep 2
report "d: start until ready, less than 100" "$ready_after_ms" "ms"
report "d: memory when idle, at most 30" "$(rss_mb)" "MB"
stop
