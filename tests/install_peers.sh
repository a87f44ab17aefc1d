#!/bin/sh
# Installs the servers that the tests compare with, and the browser that they drive, where that is allowed; says so where it is not.
# With ELIXIRCACHE_REQUIRE_PEERS=1 a missing one is an error.
missing=""
for pair in redis-server:redis-server redis-cli:redis-tools redis-sentinel:redis-sentinel nutcracker:nutcracker chromium:chromium; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    # No service is wanted from these packages: the tests start their own on free ports.
    export RUNLEVEL=1
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/tmp/elixircache-peers.$$.log 2>&1 \
        && rm -f /tmp/elixircache-peers.$$.log && exit 0
    tail -5 /tmp/elixircache-peers.$$.log >&2
fi
echo "not installed:$missing (tests that need them are skipped)" >&2
[ "${ELIXIRCACHE_REQUIRE_PEERS:-}" = 1 ] && exit 1
exit 0
