# (h) Telemetry the whole way, HTTP → log → catalog (SQLite, and Postgres), into one that grows: how fast each tenth goes, when it can be asked for,
# how long questions take in the end, and what a record takes up.
records=${BENCH_RECORDS:-10000000}

# lineage WHERE LEAST TOML…: LEAST is what should be sustained, in records/s.
lineage() {
    local where=$1 least=$2 toml=$3 value what first='' rate cpu_before_ms
    serve "h-$where" "$toml"
    cpu_before_ms=$(cpu_ms)
    while IFS=$'\t' read -r value what; do
        report "h: $where, $what" "$value" ""
        if [[ $what == records/s* ]]; then
            first=${first:-$value} rate=$value
        fi
    done < <("$limits" telemetry "$base" "$BENCH_KEY" "$records")
    report "h: $where, last tenth against the first" "$(ratio "$rate" "$first")" ""
    report "h: $where, last tenth against the $least records/s that are wanted" "$(ratio "$rate" "$least")" ""
    report "h: $where, CPU of Weir" "$(ratio "($(cpu_ms) - $cpu_before_ms) * 1000" "$records")" "s per million records"
    report "h: $where, peak memory of Weir" "$(peak_rss_mb)" "MB"
    stop
}

# What lies before the catalog is let go at once, so that the disk holds what is measured.
kept='[log]
retention = "1s"'
lineage SQLite 50000 "$kept"
size=$(du -cb "$work"/h-SQLite/data/lineage.db* | tail -1 | cut -f1)
report "h: SQLite, bytes a record" "$(ratio "$size" "$records")" ""
rm -rf "$work/h-SQLite"

# A tenth of the records is enough to see whether it goes on as it began; BENCH_RECORDS_POSTGRES for more.
if scripts/services/postgres install; then
    records=${BENCH_RECORDS_POSTGRES:-$((records / 10))}
    server_port=$(free_port)
    server_pid=$(WEIR_SERVICE_OWNER=$$ scripts/services/postgres start "$work/postgres" "$server_port")
    lineage Postgres 20000 "$kept
[catalog]
url = \"postgres://postgres@127.0.0.1:$server_port/weir\""
    size=$(psql -h 127.0.0.1 -p "$server_port" -U postgres -d weir -XAtqc \
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'weir_lineage'::regnamespace AND relkind = 'r'")
    report "h: Postgres, bytes a record" "$(ratio "$size" "$records")" ""
    scripts/services/postgres signal KILL "$server_pid"
fi
