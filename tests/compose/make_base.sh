#!/bin/sh
# Makes a base image from this machine's Debian, for where no image can be pulled: make_base.sh IMAGE
# What the machine's pip and TLS are configured with goes into it, so that a build inside works where one outside does.
set -eu
image=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
. /etc/os-release
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources | head -1)
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,redis-sentinel "$VERSION_CODENAME" "$root" "$mirror" >/dev/null
cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/"
: >"$root/etc/apt/sources.list"
if [ -f /etc/pip.conf ]; then
    cp /etc/pip.conf "$root/etc/pip.conf"
fi
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
tar -C "$root" -c . | docker import - "$image" >/dev/null
