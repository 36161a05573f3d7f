# (e) Draining into the other stores, as (c) does: Weir and the store's own bulk path take turns with the same rows, and
# the medians count. The first round warms the store up, and is not counted. Nor is what the last batch, which is not
# full, would wait for more. A plain client's batches are as large as the sink's are by default.

# turns STORE EVENTS AWAY TOML PLAIN: where PLAIN prints what a plain client stores of what Weir has just delivered.
turns() {
    local store=$1 events=$2 away=$3 toml=$4 plain=$5 round
    local plains=() drains=() ratios=() cpus=() peaks=()
    for round in 0 1 2 3; do
        drain "e-$store-$round" "$events" "$away" "$toml
batch.max_age = \"10ms\""
        plains+=("$("$plain")") drains+=("$drained") cpus+=("$cpu_s_per_million") peaks+=("$peak_mb")
        ratios+=("$(ratio "$drained" "${plains[-1]}")")
        rm -rf "$work/e-$store-$round/data"
    done
    report "e: a plain client into $store" "$(median "${plains[@]:1}")" "events/s"
    report "e: drained into $store" "$(median "${drains[@]:1}")" "events/s"
    report "e: ratio ($store), at least 0.9" "$(median "${ratios[@]:1}")" ""
    report "e: CPU of Weir into $store" "$(median "${cpus[@]:1}")" "s per million events"
    report "e: peak memory of Weir into $store" "$(median "${peaks[@]:1}")" "MB"
}

# A server that does not run as root has to get there.
chmod o+x "$work"

if scripts/services/postgres install; then
    postgres_port=$(free_port)
    postgres_pid=$(WEIR_SERVICE_OWNER=$$ scripts/services/postgres start "$work/postgres" "$postgres_port")
    postgres=postgres://postgres@127.0.0.1:$postgres_port/weir
    plain_postgres() {
        "$limits" postgres "$postgres" 5000
    }
    turns Postgres "$BENCH_EVENTS" '[sinks.postgres]
url = "postgres://postgres@127.0.0.1:1/weir"' "[sinks.postgres]
url = \"$postgres\"" plain_postgres
    scripts/services/postgres signal KILL "$postgres_pid"
fi

if scripts/services/clickhouse install; then
    clickhouse_port=$(free_port)
    clickhouse_pid=$(WEIR_SERVICE_OWNER=$$ scripts/services/clickhouse start "$work/clickhouse" "$clickhouse_port")
    clickhouse=http://127.0.0.1:$clickhouse_port
    plain_clickhouse() {
        "$limits" clickhouse "$clickhouse" 50000
    }
    turns ClickHouse "$BENCH_EVENTS" '[sinks.clickhouse]
url = "http://127.0.0.1:1"' "[sinks.clickhouse]
url = \"$clickhouse\"" plain_clickhouse
    kill -9 "$clickhouse_pid"
fi

# Objects are written so fast that it takes more of them to time it. By default they hold 4 MiB of events.
object_events=$((BENCH_EVENTS * 5))

plain_folder() {
    local made=$work/objects
    "$limits" folder "$made" "$work/plain-objects"
    # What a plain client puts into a bucket, later.
    rm -rf "$work/plain-objects" "$work/ready-objects"
    mv "$made" "$work/ready-objects"
}
turns folder "$object_events" "[sinks.objects]
url = \"file:///dev/null/nowhere\"" "[sinks.objects]
url = \"file://$work/objects\"" plain_folder

if scripts/services/minio install; then
    minio_port=$(free_port)
    minio_pid=$(WEIR_SERVICE_OWNER=$$ scripts/services/minio start "$work/minio" "$minio_port")
    minio=http://127.0.0.1:$minio_port
    put=(curl --no-progress-meter --show-error --fail --user weir:weir-password --aws-sigv4 aws:amz:us-east-1:s3)
    "${put[@]}" -X PUT "$minio/drained"
    "${put[@]}" -X PUT "$minio/plain"
    # The objects that Weir made of the same events in the folder, as many at once as Weir puts.
    plain_minio() {
        local begun
        find "$work/ready-objects" -type f -printf "upload-file = \"%p\"\nurl = \"$minio/plain/$round-%f\"\n" \
            >"$work/uploads"
        begun=$(now_ms)
        "${put[@]}" --parallel --parallel-immediate --parallel-max 10 --config "$work/uploads"
        per_second "$object_events * 1000" "($(now_ms) - $begun)"
    }
    bucket='[sinks.objects]
access_key = "weir"
secret_key = "weir-password"
url = "s3://drained/objects"
endpoint'
    turns MinIO "$object_events" "$bucket = \"http://127.0.0.1:1\"" "$bucket = \"$minio\"" plain_minio
    kill -9 "$minio_pid"
fi
