#!/bin/sh
# in_chroot.sh FOLDER COMMAND...: runs COMMAND as root in the system that lies in FOLDER, with
# /proc, /sys and /dev (tests look for processes, and Open MPI for /dev/shm), and returns its
# status. The mounts and processes are in namespaces of their own, which end with this script:
# nothing is left behind. Process 1 there is a shell, because it must reap orphans.
exec unshare --mount --pid --fork --kill-child sh -c '
    mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" ||
        exit 69
    chroot "$0" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root ${http_proxy:+http_proxy="$http_proxy"} "$@"
    exit "$?"' "$@"
