#!/bin/sh
# Makes a Valkey cluster of MEMBERS ("host:port host:port …", the first PRIMARIES of them with slots, the others their replicas),
# or tells the members of one each other's present addresses. Harmless to repeat. The password is in REDISCLI_AUTH.
set -eu
: "${MEMBERS:?host:port of every member, separated by spaces}" "${PRIMARIES:?how many of them have slots}"
TRIES=${TRIES:-120} # of a second each

ask() { # MEMBER COMMAND…
    member=$1
    shift
    valkey-cli -h "${member%:*}" -p "${member##*:}" "$@" | tr -d '\r'
}

address() { # HOST: its IP address, for members meet by number only
    getent hosts "$1" | awk '{ print $1; exit }'
}

until_true() { # WORDS COMMAND…
    what=$1
    shift
    tries=$TRIES
    until "$@"; do
        tries=$((tries - 1))
        if [ "$tries" -le 0 ]; then
            echo "gave up: $what" >&2
            exit 1
        fi
        sleep 1
    done
}

answers() { [ "$(ask "$1" ping 2>/dev/null)" = PONG ]; }
says() { ask "$1" cluster info | grep -qx "$2"; }
replicates() { [ "$(ask "$1" cluster replicate "$2")" = OK ]; }

nth() { # NUMBER (from 0): that member
    at=$(($1 + 1))
    # The list is split on purpose: members are words.
    # shellcheck disable=SC2086
    set -- $MEMBERS
    shift $((at - 1))
    echo "$1"
}

count=$(echo "$MEMBERS" | wc -w)
first=$(nth 0)
for member in $MEMBERS; do
    until_true "$member does not answer" answers "$member"
done
for member in $MEMBERS; do
    if [ "$member" != "$first" ]; then
        ask "$first" cluster meet "$(address "${member%:*}")" "${member##*:}" >/dev/null
    fi
done
for member in $MEMBERS; do
    until_true "$member does not know all $count members" says "$member" "cluster_known_nodes:$((count))"
done

if says "$first" cluster_slots_assigned:0; then
    echo "giving out the slots"
    at=0
    while [ "$at" -lt "$PRIMARIES" ]; do
        ask "$(nth "$at")" cluster addslotsrange $((16384 * at / PRIMARIES)) $((16384 * (at + 1) / PRIMARIES - 1)) >/dev/null
        at=$((at + 1))
    done
    while [ "$at" -lt "$count" ]; do
        primary=$(ask "$(nth $((at % PRIMARIES)))" cluster myid)
        until_true "$(nth "$at") does not become a replica" replicates "$(nth "$at")" "$primary"
        at=$((at + 1))
    done
fi
for member in $MEMBERS; do
    until_true "the cluster is not well to $member" says "$member" cluster_state:ok
done
echo "the cluster of $((count)) is well"
