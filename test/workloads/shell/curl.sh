#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One curl per call, each a fresh process. Uniform options in, one JSON line out (see ../README.md). Further curl options
# follow after `--`, as in `curl.sh --stream -- --compressed`.
set -eu
api=openai model=fake-plain prompt='Say hello.' stream=false calls=1
while [ $# -gt 0 ]; do
  case $1 in
    --api) api=$2 && shift ;;
    --model) model=$2 && shift ;;
    --prompt) prompt=$2 && shift ;;
    --calls) calls=$2 && shift ;;
    --stream) stream=true ;;
    --) shift && break ;;
    *) echo "curl.sh: unknown option $1" >&2 && exit 2 ;;
  esac
  shift
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
key=${API_KEY:-sk-fake}
if [ "$api" = anthropic ]; then
  path=/v1/messages extra=',"max_tokens":1024'
  set -- -H "x-api-key: $key" -H 'anthropic-version: 2023-06-01' "$@"
else
  path=/v1/chat/completions extra=
  set -- -H "Authorization: Bearer $key" "$@"
fi

results= pids= number=0
while [ "$number" -lt "$calls" ]; do
  body="{\"model\":\"$model\",\"stream\":$stream$extra,\"messages\":[{\"role\":\"user\",\"content\":\"$prompt #$number\"}]}"
  status=0
  # In the background only because that is how a shell learns the process id.
  ${CURL:-curl} -sS -N -o "$scratch/body" -w '%{http_code}' "$BASE_URL$path${QUERY:-}" -H 'Content-Type: application/json' \
    -d "$body" "$@" > "$scratch/code" 2> "$scratch/error" &
  pid=$!
  wait "$pid" || status=$?
  [ -e "$scratch/body" ] || : > "$scratch/body"
  sum=$(sha256sum "$scratch/body")
  size=$(($(wc -c < "$scratch/body")))
  results="$results,{\"pid\":$pid,\"exit\":$status,\"status\":$((1$(cat "$scratch/code") - 1000)),\"body\":{\"bytes\":$size,\"sha256\":\"${sum%% *}\"}}"
  [ "$status" -eq 0 ] || cat "$scratch/error" >&2
  rm -f "$scratch/body"
  number=$((number + 1))
done
echo "{\"client\":\"curl\",\"pid\":$$,\"calls\":[${results#,}]}"
