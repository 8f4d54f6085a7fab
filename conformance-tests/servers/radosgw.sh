#!/bin/sh
# Starts Ceph's radosgw on loopback, as a larger S3 than that of the tests: one monitor, one OSD, one
# gateway, all in DIRECTORY, until it is interrupted. Prints the URL of a store and the environment
# to set. A second run in the same directory goes on with what is there.
#
#   apt-get install --no-install-recommends ceph-mon ceph-osd ceph-common radosgw curl
#   sh radosgw.sh DIRECTORY [PORT]
#
# PORT (7480) is the gateway's; the monitor takes the port before it. The variable BUCKETS names what
# buckets there shall be, if not one that is called argon.
#
# It is not S3 in all: Debian 12's (16.2) compares the ETag of `If-Match` on PutObject with its quotes on,
# so that 412 is the answer to every quoted one; without quotes one of several writers wins, but those
# that it beats may get 500. For a missing object it answers 412, not 404. CompleteMultipartUpload
# ignores `If-None-Match`. `If-None-Match: *` on PutObject is as it should be.
set -eu
[ $# -ge 1 ] || { echo "usage: radosgw.sh DIRECTORY [PORT]" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
home=$PWD
port=${2:-7480}
key=AKIAIOSFODNN7EXAMPLE
secret=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
buckets=${BUCKETS:-argon}
export CEPH_CONF=$home/ceph.conf
# Else root's daemons would become the user `ceph`.
as_root="--setuser root --setgroup root"

fresh() {
    fsid=$(cat /proc/sys/kernel/random/uuid)
    cat > ceph.conf <<END
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$((port - 1))/0]
public addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
mon allow pool size one = true
osd crush chooseleaf type = 0
bluestore block size = 21474836480
run dir = $home
log file = $home/\$name.log
admin socket = $home/\$name.asok
mon data = $home/mon
osd data = $home/osd
keyring = $home/keyring
rgw frontends = beast endpoint=127.0.0.1:$port
END
    # The monitor takes them over; from then on they are let in with these keys.
    ceph-authtool --create-keyring keyring
    for name in mon. client.admin client.rgw.a osd.0; do
        ceph-authtool keyring --gen-key -n $name --cap mon 'allow *' --cap osd 'allow *'
    done
    monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$((port - 1))]" monmap
    ceph-mon --mkfs -i a --monmap monmap --keyring keyring $as_root
}

# Ends what this script started, the gateway first.
stop() {
    status=$?
    trap - EXIT INT TERM
    for pid in $started; do
        kill "$pid" 2>/dev/null && wait "$pid" || true
    done
    exit $status
}

run() {
    "$@" -f $as_root >> daemons.log 2>&1 &
    started="$! $started"
}

main() {
    started=
    trap stop EXIT INT TERM
    [ -e ceph.conf ] || fresh >> daemons.log 2>&1
    run ceph-mon -i a
    if [ ! -e osd/fsid ]; then
        mkdir -p osd
        uuid=$(cat /proc/sys/kernel/random/uuid)
        ceph osd new "$uuid" 0 >> daemons.log 2>&1
        ceph-osd -i 0 --mkfs --osd-uuid "$uuid" $as_root >> daemons.log 2>&1
    fi
    run ceph-osd -i 0
    run radosgw -n client.rgw.a
    endpoint=http://127.0.0.1:$port
    for _ in $(seq 120); do
        ! curl -s -o /dev/null "$endpoint" || break
        sleep 1
    done
    radosgw-admin user info --uid argon > /dev/null 2>&1 ||
        radosgw-admin user create --uid argon --display-name Argon --access-key "$key" --secret-key "$secret" \
            >> daemons.log 2>&1
    for bucket in $buckets; do
        # curl's own digest of an empty body is not what the gateway expects.
        curl -sSf -o /dev/null -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user "$key:$secret" \
            -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$endpoint/$bucket"
        echo "s3://$bucket/store?region=us-east-1&endpoint=$endpoint&path_style=true"
    done
    echo "export AWS_ACCESS_KEY_ID=$key"
    echo "export AWS_SECRET_ACCESS_KEY=$secret"
    wait
}

main
