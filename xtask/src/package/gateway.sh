#!/bin/sh
# A client, a remote, and this machine between them, which masquerades. `gateway.sh outside` makes the
# outside interface alone.
set -e

outside() {
    ip link add out0 type veth peer name eth0 netns remote
    ip addr add 203.0.113.1/24 dev out0
    ip link set out0 up
    ip -n remote addr add 203.0.113.80/24 dev eth0
    ip -n remote link set eth0 up
}

if [ "$1" = outside ]; then
    outside
    exit
fi
ip netns add client
ip netns add remote
ip -n client link set lo up
ip -n remote link set lo up
outside
ip link add in0 type veth peer name eth0 netns client
ip addr add 192.168.17.1/24 dev in0
ip link set in0 up
ip -n client addr add 192.168.17.11/24 dev eth0
ip -n client link set eth0 up
ip -n client route add default via 192.168.17.1
sysctl -q net.ipv4.ip_forward=1
nft 'add table ip nat; add chain ip nat out { type nat hook postrouting priority srcnat; }
     add rule ip nat out oifname out0 masquerade'
