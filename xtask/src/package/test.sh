#!/bin/sh
# Runs once after each boot. What is found to hold is said in a line; whatever fails ends it all.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
records=/var/log/nat-acct/nat-acct.jsonl
config=/etc/nat-acct/nat-acct.toml
pins=/sys/fs/bpf/nat-acct

holds() {
    echo "holds: $1"
}

fails() {
    echo "FAILS: $1"
    systemctl status --no-pager --full gateway nat-acct
    journalctl --no-pager -u nat-acct -n 40
    tail -n 5 "$records"
    end
}

end() {
    sync
    systemctl poweroff --force --force
    exec sleep infinity
}

# within SECONDS COMMAND…: until the command succeeds.
within() {
    left=$((10 * $1))
    shift
    until "$@"; do
        left=$((left - 1))
        [ $left -gt 0 ] || fails "in time: $*"
        sleep 0.1
    done
}

# Records of connections to the remote's port $1.
to_port() {
    jq -c "select(.destination.port == $1)" "$records" 2>/dev/null
}

# has N PORT: there are so many of them.
has() {
    [ "$(to_port "$2" | wc -l)" -eq "$1" ]
}

logged() {
    journalctl -q -u nat-acct -g "$1" >/dev/null
}

# attached_to_out0 N: so many times in all.
attached_to_out0() {
    [ "$(journalctl -q -u nat-acct -g 'programs are on the interface interface="out0"' | wc -l)" -eq "$1" ]
}

# serves LINE: it is among the metrics.
serves() {
    printf 'GET /metrics HTTP/1.0\r\n\r\n' | socat - TCP:127.0.0.1:9199 | grep -x "$1" >/dev/null
}

serve() {
    ip netns exec remote socat TCP-LISTEN:"$1",reuseaddr,fork SYSTEM:'head -c 70000 /dev/zero' &
    within 20 listening "$1"
}

listening() {
    [ -n "$(ip netns exec remote ss -Hltn sport = ":$1")" ]
}

fetch() {
    got=$(ip netns exec client socat -u TCP:203.0.113.80:"$1" - | wc -c)
    [ "$got" -eq 70000 ] || fails "the network: $got bytes"
}

active() {
    [ "$(systemctl is-active nat-acct)" = active ]
}

pid() {
    systemctl show -P MainPID nat-acct
}

another_pid() {
    active && [ "$(pid)" != "$1" ] && [ "$(pid)" != 0 ]
}

# All event.sequence from 0 without a gap, once what came twice is left out.
whole() {
    jq -s 'unique_by(.event.id) | map(.event.sequence) | sort == [range(length)]' "$records"
}

first_boot() {
    systemctl is-active --quiet gateway || fails "there is no gateway"
    apt-get install -y -q /root/0.deb >/root/apt.log 2>&1 || fails "apt install: $(cat /root/apt.log)"
    [ "$(systemctl is-enabled nat-acct)" = enabled ] || fails "it is not enabled"
    active && fails "it runs without a configuration"
    holds "installed, enabled, not started"

    sed -i 's/^#inside = .*/inside = "in0"/; s/^#outside = .*/outside = "out0"/' $config
    systemctl start nat-acct || fails "start"
    serve 8001
    fetch 8001
    within 30 has 1 8001
    [ "$(to_port 8001 | jq '.nat_acct.received == 70000 and .source.nat.ip == "203.0.113.1"')" = true ] ||
        fails "the record: $(to_port 8001)"
    holds "two lines, a start, a connection, a record"

    [ "$(stat -c %U:%G:%a "$records")" = root:adm:640 ] || fails "$(stat -c %U:%G:%a "$records")"
    [ "$(sed -n 's/^CapEff:\t//p' "/proc/$(pid)/status")" = 0000008000001000 ] || fails "capabilities"
    holds "it has given up what it does not need"

    nat-acct status >/root/status || fails "status: $? $(cat /root/status)"
    holds "it says that all is well"

    ip link del out0
    within 20 logged "the interface is gone"
    /root/gateway.sh outside
    within 20 attached_to_out0 2
    fetch 8001
    within 30 has 2 8001
    [ "$(to_port 8001 | jq -s 'all(.source.nat.ip == "203.0.113.1")')" = true ] || fails "$(to_port 8001)"
    holds "it attaches again to an interface that came back"

    mv $records $records.1
    systemctl reload nat-acct || fails "reload"
    fetch 8001
    within 30 has 1 8001
    cat $records >>$records.1 && mv $records.1 $records && systemctl reload nat-acct
    holds "the unit rotates"

    # Takes effect with the upgrade.
    sed -i 's/^#metrics = .*/metrics = "127.0.0.1:9199"/' $config
    # At full speed, for as long as the upgrade takes.
    ip netns exec remote socat -u TCP-LISTEN:5201 SYSTEM:'wc -c >/root/received' &
    within 20 listening 5201
    (until [ -e /root/upgraded ]; do head -c 1M /dev/zero; done) |
        ip netns exec client socat -u - TCP:203.0.113.80:5201 &
    client=$!
    before=$(pid)
    apt-get install -y -q /root/1.deb >/root/apt.log 2>&1 || fails "upgrade: $(cat /root/apt.log)"
    another_pid "$before" || fails "the upgrade has not started it again"
    [ -d "/proc/$client" ] || fails "the transfer ended before the upgrade"
    touch /root/upgraded
    wait $client || fails "the transfer"
    within 30 has 1 5201
    within 30 test -s /root/received
    received=$(cat /root/received)
    [ "$received" -gt 50000000 ] || fails "only $received bytes in the whole upgrade"
    counted=$(to_port 5201 | jq '.nat_acct | .sent - .retransmitted.sent')
    [ "$received" = "$counted" ] || fails "$received bytes came, the record says $counted"
    [ "$(to_port 5201 | jq '.event.reason == "fin" and .nat_acct.partial == false')" = true ] ||
        fails "$(to_port 5201)"
    within 20 serves "nat_acct_records_written_total 1"
    holds "it serves metrics"
    holds "an upgrade in the middle of a transfer costs no byte"

    before=$(pid)
    kill -STOP "$before"
    serve 8002
    fetch 8002
    within 120 another_pid "$before"
    [ "$(systemctl show -P NRestarts nat-acct)" = 1 ] || fails "not by systemd"
    within 60 has 1 8002
    [ "$(to_port 8002 | jq '.nat_acct.received == 70000')" = true ] || fails "$(to_port 8002)"
    [ "$(whole)" = true ] || fails "a gap in event.sequence"
    holds "the watchdog ends an agent that is stuck, and nothing is lost"

    touch /root/second
    sync
    # There is no D-Bus, which it says.
    systemctl reboot 2>/dev/null
}

second_boot() {
    within 60 active
    serve 8003
    fetch 8003
    within 30 has 1 8003
    holds "after a boot it comes back by itself"

    nat-acct status >/root/status || fails "status: $? $(cat /root/status)"

    # A connection that is open when the package goes.
    ip netns exec remote socat TCP-LISTEN:8004,reuseaddr SYSTEM:'echo hello; sleep 1000' &
    within 20 listening 8004
    ip netns exec client socat -u TCP:203.0.113.80:8004 CREATE:/root/hello &
    within 20 test -s /root/hello
    apt-get remove -y -q nat-acct >/root/apt.log 2>&1 || fails "remove: $(cat /root/apt.log)"
    has 1 8004 || fails "$(to_port 8004) $(cat /root/apt.log)"
    [ "$(to_port 8004 | jq -r .event.reason)" = agent-stop ] || fails "$(to_port 8004)"
    [ ! -e $pins ] || fails "$(find $pins)"
    for side in "in0 ingress" "in0 egress" "out0 ingress" "out0 egress"; do
        # shellcheck disable=SC2086 # two words
        [ -z "$(tc filter show dev $side)" ] || fails "a filter on $side"
    done
    [ -e $config ] || fails "the configuration is gone"
    holds "removed, it leaves its records and nothing in the kernel"

    apt-get purge -y -q nat-acct >/root/apt.log 2>&1 || fails "purge: $(cat /root/apt.log)"
    left=$(find / -xdev -name '*nat-acct*' -not -path '/root/*' -not -path '/var/log/apt/*')
    [ -z "$left" ] || fails "purge leaves $left"
    holds "purged, it leaves nothing"
    end
}

if [ -e /root/second ]; then second_boot; else first_boot; fi
