# (j) Files up and down, one large one (BENCH_FILE_MIB) and ten thousand of 4 KB, beside what copies and packs the same
# bytes on this disk: `cp`, then `zstd` on one processor at Weir's level, synced; and `zstd -d`, then `cp`, synced. Weir
# hashes them as well, keeps a row of each, and has each on the disk before it answers.
have zstd || debian zstd
file_mib=${BENCH_FILE_MIB:-1024} small_files=10000
files=$work/files
mkdir -p "$files/small" "$files/plain"

# timed LIST COMMAND ARGUMENT…: adds to LIST how long the command took, in ms. One that fails ends the run.
timed() {
    local -n list=$1
    local begun_ms=$(now_ms)
    "${@:2}" || exit
    list+=($(($(now_ms) - begun_ms)))
}

# Rows of a table, which zstd makes about a third of; no two megabytes are alike within what it looks back at.
awk 'BEGIN { srand(7); while (bytes < 64 * 1048576) {
    line = sprintf("%d;order-%x;%.2f;2026-11-%02d;customer %d;shipped", ++n, rand() * 2^31, rand() * 1000, 1 + n % 28, rand() * 99999)
    print line; bytes += length(line) + 1 } }' >"$files/block"
for ((mib = 0; mib < file_mib; mib += 64)); do cat "$files/block"; done >"$files/large"
truncate --size="${file_mib}M" "$files/large"
head -c $((file_mib * 1048576)) /dev/urandom >"$files/noise"
head -c $((small_files * 4096)) "$files/block" | split --bytes=4096 --numeric-suffixes=1 --suffix-length=6 - "$files/small/f"
find "$files/small" -type f -printf "upload-file = \"%p\"\nurl = \"BASE/v1/files?key=%f\"\noutput = \"/dev/null\"\n" >"$files/up"
find "$files/small" -type f -printf "url = \"BASE/v1/files/%f\"\noutput = \"$files/came/%f\"\n" >"$files/down"

as_client() {
    curl -sSf --no-progress-meter -H "authorization: Bearer $BENCH_KEY" "$@"
}

plain_up() {
    cp "$1" "$files/plain/copy" && zstd -q -f -3 --single-thread "$files/plain/copy" -o "$files/plain/packed" && sync "$files/plain/packed"
}

plain_down() {
    zstd -q -d -f "$files/plain/packed" -o "$files/plain/copy" && cp "$files/plain/copy" "$files/came-plain" && sync "$files/came-plain"
}

up() {
    as_client -X POST -T "$1" "$base/v1/files?key=$2" -o /dev/null
}

down() {
    as_client "$base/v1/files/$1" -o "$files/came-large" && sync "$files/came-large"
}

plain_small_up() {
    cp -r "$files/small" "$files/plain/small" && zstd -q -3 --single-thread --rm -r "$files/plain/small" && sync -f "$files/plain"
}

plain_small_down() {
    zstd -q -d --rm -r "$files/plain/small" && cp -r "$files/plain/small" "$files/came-small" && sync -f "$files/came-small"
}

small_up() {
    as_client -X POST --parallel --parallel-max 64 -K <(sed "s|BASE|$base|" "$files/up")
}

small_down() {
    as_client --parallel --parallel-max 8 --create-dirs -K <(sed "s|BASE|$base|" "$files/down") && sync -f "$files/came"
}

# beside WHAT BYTES: what Weir and the plain way took, in ms, by $weir_ms and $plain_ms.
beside() {
    report "j: $1, Weir" "$(ratio "$2 * 1000" "($(median "${weir_ms[@]}") * 1048576)")" "MiB/s"
    report "j: $1, plain" "$(ratio "$2 * 1000" "($(median "${plain_ms[@]}") * 1048576)")" "MiB/s"
    report "j: $1, ratio, at least 0.7" "$(ratio "$(median "${plain_ms[@]}")" "$(median "${weir_ms[@]}")")" ""
}

# large NAME
large() {
    local name=$1 round weir_up=() weir_down=() plain_up=() plain_down=() weir_ms plain_ms
    serve "j-$name" ""
    for round in 1 2 3; do
        timed plain_up plain_up "$files/$name"
        timed weir_up up "$files/$name" "f$round"
        timed plain_down plain_down
        timed weir_down down "f$round"
        cmp "$files/$name" "$files/came-large"
        as_client -X DELETE "$base/v1/files/f$round"
        rm -f "$files/came-large" "$files/came-plain" "$files/plain/"*
    done
    weir_ms=("${weir_up[@]}") plain_ms=("${plain_up[@]}")
    beside "$file_mib MiB of $name up" $((file_mib * 1048576))
    weir_ms=("${weir_down[@]}") plain_ms=("${plain_down[@]}")
    beside "$file_mib MiB of $name down" $((file_mib * 1048576))
    report "j: peak memory of Weir" "$(peak_rss_mb)" "MB"
    stop
    rm -rf "$work/j-$name"
}

small() {
    local weir_ms=() plain_ms=() bytes=$((small_files * 4096))
    serve j-small ""
    timed weir_ms small_up
    timed plain_ms plain_small_up
    beside "$small_files small files up" "$bytes"
    weir_ms=() plain_ms=()
    timed weir_ms small_down
    timed plain_ms plain_small_down
    beside "$small_files small files down" "$bytes"
    diff -r "$files/small" "$files/came"
    report "j: CPU of Weir for $small_files small files" "$(cpu_ms)" "ms"
    report "j: peak memory of Weir" "$(peak_rss_mb)" "MB"
    stop
}

large large
large noise
small
rm -rf "$files"
