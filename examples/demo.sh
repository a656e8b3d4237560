#!/bin/bash
# The shop, from nothing to proven: what `make demo` runs. Each orchestr8 command is shown before
# it runs, so that the demo can be repeated by hand.
set -euo pipefail
cd "$(dirname "$0")/.."

secrets=${ORCHESTR8_SECRETS:-/etc/orchestr8/secrets}
images=(hello nginx postgres probe redis shop-api-1 shop-api-2 shop-front)
front=http://127.0.0.1:8080
bin=.venv/bin

title() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { typed "$@"; "$bin/orchestr8" "$@"; }
fail() { echo "demo: $*" >&2; exit 1; }

# A command as it is typed: what a shell would take apart is in quotes.
typed() {
    local word line="$ orchestr8"
    for word; do
        case $word in *[!A-Za-z0-9_@%+=:,./-]*) word="\"$word\"" ;; esac
        line+=" $word"
    done
    echo "$line"
}

[ -t 1 ] || title() { printf '\n%s\n' "$*"; }

# The database's password, for the owner of the database and the owner of the API. Never replaced:
# the database may hold orders already.
place_password() {
    local owner password=""
    [ -d "$secrets" ] || install -d -m 0700 "$secrets"
    for owner in data payments; do
        [ -s "$secrets/$owner/db-password" ] && password=$(cat "$secrets/$owner/db-password")
    done
    for owner in data payments; do
        [ -s "$secrets/$owner/db-password" ] && continue
        if [ -z "$password" ]; then
            password=$(head -c 24 /dev/urandom | base64 | tr -d '+/=')
            echo "a new random password for the database, in $secrets/{data,payments}/db-password"
        fi
        install -d -m 0700 "$secrets/$owner"
        (umask 0077 && printf '%s\n' "$password" >"$secrets/$owner/db-password")
    done
}

# Run a command that must print a text, and print what it printed.
expect() {
    local place=$1 text=$2 answer
    shift 2
    typed "$@"
    answer=$("$bin/orchestr8" "$@") || fail "$place does not answer"
    echo "$answer"
    [[ $answer == *"$text"* ]] || fail "the token is not in $place"
}

# The engine that an apply would use: the one that was chosen before, else Docker if it answers, else
# crun.
engine() {
    "$bin/orchestr8" doctor --output json |
        "$bin/python" -c 'import json, sys; print(json.load(sys.stdin)["engine"] or "")'
}

provide_images() {
    local name
    if [ "$engine" = docker ]; then
        "$bin/python" examples/images/build.py --load \
            "${DOCKER_HOST:-unix:///var/run/docker.sock}" "${images[@]}"
        return
    fi
    "$bin/python" examples/images/build.py "${images[@]}"
    for name in "${images[@]}"; do
        show image import ".cache/images/$name.tar"
    done
}

# A token goes in by HTTP through the front, and is then looked for where it should have arrived.
follow_a_token() {
    local token answer
    token=order-$(head -c 6 /dev/urandom | od -An -tx1 | tr -d ' \n')
    echo "\$ curl -d '{\"token\": \"$token\"}' $front/orders"
    answer=$(curl -sS --max-time 10 -d "{\"token\": \"$token\"}" "$front/orders") ||
        fail "the front does not answer"
    echo "$answer"
    expect "the database" "$token" exec db.data -- psql -U shop shop -tA \
        -c "SELECT token, ordered FROM orders WHERE token = '$token'"
    expect "the cache" stored exec cache.data -- redis-cli get "order:$token"
}

title "1. What is needed"
.ci/setup demo
engine=$(engine) || true
if [ -z "$engine" ]; then
    show doctor || true
    fail "boxes cannot run here yet: see what stands in the way"
fi
echo "the engine is $engine"

title "2. Images, built here from this machine's packages"
provide_images

title "3. A secret for the database"
place_password

title "4. The shop: five services, three owners, one box each"
show apply examples/05-shop --set shop

title "5. What runs, and whose it is"
show status

title "6. An order, from the front to the database and the cache"
follow_a_token

title "7. The walls, read from the kernel"
# A claim that could not be read makes the status 7; the print says which and why.
show prove || [ $? = 7 ]

cat <<END

The shop is at $front. Now you might type (as root, in this folder):

  $bin/orchestr8 why api.payments                        why it is as it is, and whose move it is
  $bin/orchestr8 plan examples/05-shop --set shop        nothing to do; change a limit and look again
  $bin/orchestr8 apply examples/02-page                  one more service, of another owner
  $bin/orchestr8 explain service.limits.memory           what a field means

and to take it down again, data and secrets staying where they are:

  $bin/orchestr8 remove --set shop
END
