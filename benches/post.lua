-- One event a request; the body and the key come by environment.
wrk.method = "POST"
wrk.body = '{"page":"/home","event":"click","label":"buy","target":"#buy","section":"header","param":{"price":12.5}}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("BENCH_KEY") or "")

function done(summary, latency)
    local seconds = summary.duration / 1e6
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.stderr:write(string.format("%d %.3f %.3f %.3f %d\n", summary.requests, seconds,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
