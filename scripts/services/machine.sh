# What a service script may ask of the machine. Sourced, never run.
#
# A service script has two commands:
#   install           fetches and builds what is missing; silent and quick when nothing is
#   start DIR PORT…   starts one server on 127.0.0.1 with its data in DIR; prints its process id once it is ready
# Exit status 77: the service cannot be had on this machine; the reason is the one line on standard error.

set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kept="${WEIR_SERVICES_DIR:-$repository/.services}"

unavailable() {
    echo "$*" >&2
    exit 77
}

progress() {
    echo "services: $*" >&2
}

# have COMMAND…: whether all of them are on the PATH.
have() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || return 1
    done
}

# debian PACKAGE…: installs Debian packages; only called when one of their commands is missing.
debian() {
    have apt-get || unavailable "needs the Debian packages $*, and this is not Debian"
    [[ $(id -u) == 0 ]] || unavailable "needs the Debian packages $*: run 'apt-get install $*' as root"
    progress "installing $*"
    local log="$kept/apt.log"
    mkdir -p "$kept"
    {
        apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
    } >"$log" 2>&1 || unavailable "apt-get could not install $*: $(tail -n 1 "$log")"
}

# once NAME COMMAND…: runs the command unless it succeeded before under this name; one process at a time.
once() {
    local mark="$kept/done/$1"
    shift
    mkdir -p "$kept/done"
    [[ -e $mark ]] && return
    exec {lock}>"$kept/lock"
    flock -w 1200 "$lock" || unavailable "another installation has held $kept/lock for 20 minutes"
    if [[ ! -e $mark ]]; then
        "$@"
        touch "$mark"
    fi
    exec {lock}>&-
}

# fingerprint FILE…: changes when one of the files does.
fingerprint() {
    cat "$@" | sha256sum | cut -c1-12
}

# background LOG COMMAND…: starts a server in a process group of its own and leaves its id in $server. The server ends
# with the process WEIR_SERVICE_OWNER, however that one ends, so that a killed test run leaves nothing behind.
background() {
    local log=$1 owner=${WEIR_SERVICE_OWNER:-}
    shift
    setsid "$@" >>"$log" 2>&1 </dev/null &
    server=$!
    [[ -n $owner ]] || return 0
    setsid bash -c "while kill -0 $server; do kill -0 $owner || kill -9 $server; sleep 1; done" \
        >/dev/null 2>&1 </dev/null &
}

# await SECONDS LOG COMMAND…: waits until the command succeeds, at most so long; ends the server if it never does.
await() {
    local seconds=$1 log=$2 deadline=$((SECONDS + $1))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! kill -0 "$server" 2>/dev/null || ((SECONDS >= deadline)); then
            kill -9 "$server" 2>/dev/null || true
            echo "not ready within $seconds s; the end of $log:" >&2
            tail -n 20 "$log" >&2
            exit 1
        fi
        sleep 0.2
    done
}
