#!/usr/bin/env bash
# Runs llama-cpp-python's server with a small model and records its exchanges.
#
# usage: scripts/e2e/llamapython.sh [--add | --update]
#
# Without a flag the captures go to a temporary directory and only the checks
# that the recorder makes count. With --add, new ones join the test data of
# internal/wire; with --update all are replaced. Run by hand: pip compiles it,
# which takes five minutes on two cores the first time. Installs the model first
# (install.sh).
#
#   PYTHON                a Python 3.9 or newer with venv (python3)
#   TOKENOMICS_E2E_CACHE  where it all stays (~/.cache/tokenomics/e2e)

set -euo pipefail

version=0.3.36
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=scripts/e2e/versions.sh
. "$here/versions.sh"
python=$cache/llama-cpp-python-$version/bin/python

recorder=()
case ${1:-} in
  --add) out=$root/internal/wire/testdata/llamapython recorder=(-add) ;;
  --update) out=$root/internal/wire/testdata/llamapython ;;
  '') out=$(mktemp -d) ;;
  *) echo "usage: scripts/e2e/llamapython.sh [--add | --update]" >&2; exit 2 ;;
esac
need go c++ curl "${PYTHON:-python3}"
"$here/install.sh"

if ! "$python" -c 'import llama_cpp.server.app' 2>/dev/null; then
  say "installing llama-cpp-python $version"
  "${PYTHON:-python3}" -m venv --clear "${python%/bin/python}"
  CMAKE_ARGS="-DCMAKE_CXX_FLAGS_RELEASE='-O1 -DNDEBUG' -DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF" \
    "$python" -m pip install --disable-pip-version-check "llama-cpp-python[server]==$version"
fi

work=$(mktemp -d)
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
clean_environment
(cd "$root" && go build -o "$work/capture" ./scripts/e2e/capture)
ln -s "$llama/model.gguf" "$work"
cd "$work"
port=$(free_ports 1)
arguments=(-m llama_cpp.server --model model.gguf --model_alias tiny --chat_format chatml --n_ctx 1024 --n_threads 1 --host 127.0.0.1)
start llamapython server.log "$python" "${arguments[@]}" --port "$port"
wait_url "$pid" server.log 60 "http://127.0.0.1:$port/v1/models"
./capture "${recorder[@]}" -cases llamapython -base "http://127.0.0.1:$port" -version "llama-cpp-python $version" \
  -model tiny -out "$out" -command "python ${arguments[*]}" ||
  { tail -n 20 server.log >&2; exit 1; }
say "all captures are in $out"
