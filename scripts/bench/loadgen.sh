#!/usr/bin/env bash
# Measures the load generator beside vLLM's own client (vllm bench serve), both against one simulator whose log is the truth:
# events per CPU-second, CPU share, and by how much the times that they tell are wrong. Prints every measurement, then medians.
#
# usage: scripts/bench/loadgen.sh [STREAMS...]   (200 1000)
#
#   scripts/bench/loadgen.sh                 all of it, about eight minutes
#   ROUNDS=1 scripts/bench/loadgen.sh 200    one round with 200 streams
#
# An open loop of Poisson arrivals at the rate that keeps so many streams running: 100 tokens each, one every 50 ms. Both
# clients have the same prompts, rate and lengths, and keep the time of every event. Clients take turns; each has a simulator
# that has just started. Beside them, where there is a C compiler, a client that does nothing but wait, read and count: the
# floor. Needs go, and vLLM: the one that scripts/e2e/vllm.sh installs, or another with
#   VLLM=.../bin/vllm TOKENIZER=DIR    pandas is added to it, for its client, where it is missing
# Everything listens on loopback; it stops what it started.

set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
(($#)) || set -- 200 1000
for c; do [[ $c == 200 || $c == 1000 ]] || { echo "loadgen.sh: $c streams: give 200 or 1000, which the table knows" >&2; exit 2; }; done
rounds=${ROUNDS:-3}
port=${BASE_PORT:-19000}
cache=${TOKENOMICS_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tokenomics/e2e}
installed=$(find "$cache" -maxdepth 1 -name 'vllm-[0-9]*' 2>/dev/null | sort -V | tail -n1 || true)
vllm=${VLLM:-$installed/venv/bin/vllm}
tokenizer=${TOKENIZER:-$installed/tiny-llama}
[[ -x $vllm && -d $tokenizer ]] || { echo "loadgen.sh: no vLLM: run scripts/e2e/vllm.sh, which installs one, or name it with VLLM and TOKENIZER" >&2; exit 3; }
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 # nothing may phone home
python=$(dirname "$vllm")/python
extra=$cache/pandas-2.3.3
export PYTHONPATH=$extra
"$python" -c 'import pandas' 2>/dev/null || "$python" -m pip install --quiet --no-deps --target "$extra" \
  pandas==2.3.3 python-dateutil==2.9.0.post0 six==1.17.0 pytz==2025.2 tzdata==2025.2

work=$(mktemp -d); sim=
stop() { if [[ $sim ]]; then kill "$sim" 2>/dev/null || true; wait "$sim" 2>/dev/null || true; sim=; fi; }
cleanup() { stop; rm -rf "$work"; }
trap cleanup EXIT
ulimit -n "$(ulimit -Hn)"
(cd "$root" && go build -o "$work/bench" ./scripts/bench && go build -o "$work/tokenomics" ./cmd/tokenomics)
if command -v cc >/dev/null; then cc -O2 -D_GNU_SOURCE -o "$work/floor" "$root/scripts/bench/floor/floor.c"
else echo "floor: no C compiler, left out"; fi
for i in $(seq 200); do echo "{\"prompt\": \"$i: say $(printf 'something about the sea and the ships on it, %.0s' {1..10})\"}"; done >"$work/prompts.jsonl"

serve() { # a simulator, ready
  "$work/tokenomics" sim --listen "127.0.0.1:$port" --slots 100000 --cache-tokens -1 --output-tokens 1000 \
    --ttft 'normal(100ms,10ms)' --itl 'normal(50ms,5ms)' --truth "$work/truth" 2>>"$work/sim.log" & sim=$!
  for _ in $(seq 100); do (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return; sleep 0.1; done
  echo "loadgen.sh: the simulator does not answer" >&2; tail -n5 "$work/sim.log" >&2; exit 1
}

run() { # NAME STREAMS RATE REQUESTS
  local load=(--request-rate "$3" --num-prompts "$4") client
  case $1 in
    vllm) client=("$vllm" bench serve --backend openai-chat --base-url "http://127.0.0.1:$port" --endpoint /v1/chat/completions
      --model sim-model --tokenizer "$tokenizer" --dataset-name custom --dataset-path "$work/prompts.jsonl" --skip-chat-template
      --custom-output-len 100 --disable-tqdm --request-id-prefix vllm- --save-result --save-detailed
      --result-dir "$work" --result-filename result) ;;
    tokenomics) client=("$work/tokenomics" loadgen --api-base "http://127.0.0.1:$port" --model sim-model --max-tokens 100
      --dataset-file "$work/prompts.jsonl" --prompt-column prompt --num-runs 1 --warmup 0 --prefix-cache keep
      --requests-file "$work/result" --timeline --results-file "$work/results.json") ;;
  esac
  rm -f "$work/result" "$work/truth"
  serve
  if ! "$work/bench" watch -cpu "$work/cpu" -also "$sim" -- "${client[@]}" "${load[@]}" >"$work/client.log" 2>&1; then
    echo "loadgen.sh: $1 failed:" >&2; tail -n5 "$work/client.log" >&2; stop; return
  fi
  stop # its log is whole then
  "$work/bench" client -name "$1" -c "$2" -r "$4" -truth "$work/truth" -cpu "$work/cpu" -result "$work/result" | tee -a "$work/lines"
}

floor() { # STREAMS
  serve
  "$work/floor" "$port" "$1" 4 100 | tee -a "$work/lines"
  stop
}

echo "# $(date -u +%FT%TZ) $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg); $("$vllm" --version 2>/dev/null | tail -n1)"
for c; do
  rate=$(awk "BEGIN { printf \"%.2f\", $c / 5.1 }") # a stream takes 5.1 s
  for ((i = 0; i < rounds; i++)); do
    run vllm "$c" "$rate" $((4 * c))
    run tokenomics "$c" "$rate" $((4 * c))
    [[ ! -x $work/floor ]] || floor "$c"
  done
done
echo "# load at the end $(cut -d' ' -f1-3 /proc/loadavg)"
"$work/bench" table <"$work/lines"
