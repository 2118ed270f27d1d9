#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# curl.sh in a mount namespace of its own, where a copy of the system's libssl stands at the system's path: the path that
# /proc/PID/maps shows is another inode for everybody else. The mounts end with the process. Needs root, util-linux.
# Arguments: COPY TARGET, then those of curl.sh.
set -eu
if [ "${1:-}" != --inside ]; then
  exec unshare --mount --propagation private sh "$0" --inside "$@"
fi
copy=$2 target=$3
shift 3
mount --bind "$copy" "$target"
exec sh "$(dirname "$0")/curl.sh" "$@"
