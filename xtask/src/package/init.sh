#!/bin/busybox sh
# The first process of the VM: makes the disk the root, and hands over to systemd.
/bin/busybox --install -s /bin
mkdir -p /proc /root
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module"; done
until [ -b /dev/vda ]; do sleep 0.1; done
mount -t ext4 /dev/vda /root || poweroff -f
mount --move /dev /root/dev
umount /proc
exec switch_root /root /sbin/init
