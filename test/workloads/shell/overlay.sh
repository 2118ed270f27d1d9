#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# curl.sh twice, each with the libraries of another overlay mount of one image, as two containers of one image have them:
# two devices in /proc/PID/maps, one real inode under a uprobe. The mounts end with the process. Needs root, util-linux.
# Arguments: IMAGE (a directory with the libraries), then those of curl.sh.
set -eu
if [ "${1:-}" != --inside ]; then
  exec unshare --mount --propagation private sh "$0" --inside "$@"
fi
image=$2
shift 2
here=$(dirname "$0")
# An overlay's upper folder may not stand on another overlay, which the machine's root may be: a tmpfs is always good.
scratch=$(mktemp -d)
mount -t tmpfs none "$scratch"
trap 'umount -l "$scratch" && rmdir "$scratch"' EXIT
for name in first second; do
  mkdir "$scratch/$name" "$scratch/$name/upper" "$scratch/$name/work" "$scratch/$name/root"
  mount -t overlay overlay \
    -o "lowerdir=$image,upperdir=$scratch/$name/upper,workdir=$scratch/$name/work" "$scratch/$name/root"
done
for name in first second; do
  # Only curl itself is to use the image, not the shell around it.
  CURL="env LD_LIBRARY_PATH=$scratch/$name/root curl" sh "$here/curl.sh" "$@"
done
