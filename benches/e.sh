# (e) Draining into the other stores, as (c) does: Weir and the store's own bulk path take turns with the same rows, and
# the medians count. The first round warms the store up, and is not counted. Nor is what the last batch, which is not
# full, would wait for more. A plain client's batches are as large as the sink's are by default, and in the same form.
#
# Where there are two processors, a server has one and its client, Weir or the plain one, the other, as on two machines:
# on shared ones, what is measured is how much of the server's time Weir takes away.

if scripts/services/postgres install; then
    start_apart postgres "$work/postgres"
    postgres=postgres://postgres@127.0.0.1:$server_port/weir
    plain_postgres() {
        plain postgres "$postgres" 5000
    }
    turns e Postgres 0.9 postgres "$BENCH_EVENTS" '[sinks.postgres]
url = "postgres://postgres@127.0.0.1:1/weir"' "[sinks.postgres]
url = \"$postgres\"" plain_postgres
    scripts/services/postgres signal KILL "$server_pid"
fi

if scripts/services/clickhouse install; then
    start_apart clickhouse "$work/clickhouse"
    clickhouse=http://127.0.0.1:$server_port
    plain_clickhouse() {
        plain clickhouse "$clickhouse" 50000
    }
    turns e ClickHouse 0.9 clickhouse "$BENCH_EVENTS" '[sinks.clickhouse]
url = "http://127.0.0.1:1"' "[sinks.clickhouse]
url = \"$clickhouse\"" plain_clickhouse
    kill -9 "$server_pid"
fi

plain_folder() {
    local made=$work/objects
    plain folder "$made" "$work/plain-objects"
    # What a plain client puts into a bucket, later.
    rm -rf "$work/plain-objects" "$work/ready-objects"
    mv "$made" "$work/ready-objects"
}
client_cpu=
turns e folder 0.9 objects "$BENCH_EVENTS" "[sinks.objects]
url = \"file:///dev/null/nowhere\"" "[sinks.objects]
url = \"file://$work/objects\"" plain_folder

if scripts/services/minio install; then
    start_apart minio "$work/minio"
    minio=http://127.0.0.1:$server_port
    for bucket in drained plain; do
        curl -sf --user weir:weir-password --aws-sigv4 aws:amz:us-east-1:s3 -X PUT "$minio/$bucket"
    done
    # The objects that Weir made of the same events in the folder, as many at once as Weir puts.
    plain_minio() {
        plain bucket "$work/ready-objects" "$minio" "plain/$round"
    }
    bucket='[sinks.objects]
access_key = "weir"
secret_key = "weir-password"
url = "s3://drained/objects"
endpoint'
    turns e MinIO 0.9 objects "$BENCH_EVENTS" "$bucket = \"http://127.0.0.1:1\"" "$bucket = \"$minio\"" plain_minio
    kill -9 "$server_pid"
fi
client_cpu=
