#!/bin/sh
# A Docker engine and docker-compose for the test, where they may be installed; the test itself starts the engine.
command -v dockerd >/dev/null 2>&1 || docker info >/dev/null 2>&1 || missing="docker.io"
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null 2>&1 || missing="${missing:-} docker-compose"
docker image inspect "${BASE:-elixircache-base}" >/dev/null 2>&1 || command -v debootstrap >/dev/null 2>&1 || missing="${missing:-} debootstrap"
[ -z "${missing:-}" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    apt-get update -qq && apt-get install -y -qq --no-install-recommends iptables $missing >/dev/null && exit 0
fi
echo "not installed:$missing" >&2
exit 1
