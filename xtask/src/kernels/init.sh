#!/bin/busybox sh
# The first process of the VM: makes the host's root file system, read-only and with a layer of
# memory above it, the root, and hands over to the script in the shared directory. MODULES comes
# from the kernel's command line.
/bin/busybox --install -s /bin
mkdir -p /proc /lower /memory /root
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module"; done

share="trans=virtio,version=9p2000.L,msize=262144"
mount -t 9p -o "ro,cache=loose,$share" host /lower
mount -t tmpfs memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work root /root

mkdir -p /root/lib/modules
mount --bind "/lower$MODULES" /root/lib/modules
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t tmpfs run /root/run
mount --move /dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm /root/run/lock /root/run/vm
mount -t devpts -o ptmxmode=666 pts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount -t 9p -o "rw,$share" share /root/run/vm
cp /bin/busybox /root/run/busybox
rm -f /root/sbin/modprobe
cp /bin/busybox /root/sbin/modprobe
exec switch_root /root /bin/sh /run/vm/run.sh
