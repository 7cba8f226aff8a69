#!/usr/bin/env bash
# The main job, end to end, on real parts: a real engine with a real model
# behind the proxy, real clients, real telemetry backends. Every number is
# followed from the engine to where it ends, and compared exactly.
#
# usage: scripts/e2e/run.sh
#
# Installs what it needs first (install.sh). Uses only the loopback interface
# from then on. Prints what it found equal; exit code 0 when all of it was.
#
#   E2E_MODEL             another model, as GGUF (SmolLM2-135M-Instruct)
#   E2E_KEEP=1            keep the working directory; it is kept on failure too
#   TOKENOMICS_E2E_CACHE  where the parts are installed (~/.cache/tokenomics/e2e)

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=scripts/e2e/versions.sh
. "$here/versions.sh"
need go curl python3 node

"$here/install.sh"

work=$(mktemp -d)
leave() {
  local code=$?
  stop_all
  if [ "$code" = 0 ] && [ -z "${E2E_KEEP:-}" ]; then
    rm -rf "$work"
  else
    say "logs and files are in $work"
  fi
}
trap leave EXIT
trap 'exit 130' INT TERM

clean_environment

say "building"
cd "$root"
go build -o "$work/tokenomics" ./cmd/tokenomics
go build -o "$work/hub" ./scripts/e2e/hub
go build -o "$work/check" ./scripts/e2e/check
# All files of the product from here on are in the working directory.
cd "$work"

mapfile -t port < <(free_ports 10)
engine=http://127.0.0.1:${port[0]}
jaeger_query=http://127.0.0.1:${port[1]}
jaeger_otlp=http://127.0.0.1:${port[2]}
victoria_url=http://127.0.0.1:${port[4]}
proxy=http://127.0.0.1:${port[5]}
admin=http://127.0.0.1:${port[6]}
embedder=http://127.0.0.1:${port[7]}
embed_proxy=http://127.0.0.1:${port[8]}
model=distill-llama-8b # what the engine is told to call itself

say "starting the engine, the backends and the hub's stand-in"
# Eight slots of 2048 tokens, each with a cache of its own: an answer must not
# depend on what ran beside it. One thread: two wait for each other by spinning,
# which on a busy machine of two cores is a hundred times slower.
start engine engine.log "$llama/llama-server" --model "${E2E_MODEL:-$llama/model.gguf}" --alias "$model" \
  --host 127.0.0.1 --port "${port[0]}" --parallel 8 --ctx-size 16384 --no-kv-unified --threads 1 \
  --cache-ram 0 --metrics --offline --no-ui
engine_pid=$pid
# A server embeds or writes, not both. Mean pooling makes vectors of any model.
start embedder embedder.log "$llama/llama-server" --model "${E2E_MODEL:-$llama/model.gguf}" --alias "$model" \
  --host 127.0.0.1 --port "${port[7]}" --ctx-size 2048 --threads 1 --offline --no-ui --embeddings --pooling mean
embedder_pid=$pid

start_jaeger "${port[1]}" "${port[2]}" "${port[3]}"
jaeger_pid=$pid
start victoria victoria.log "$victoria/victoria-metrics" "-httpListenAddr=127.0.0.1:${port[4]}" -storageDataPath="$work/victoria" \
  -opentelemetry.usePrometheusNaming -search.latencyOffset=0s -retentionPeriod=1d
victoria_pid=$pid
start hub hub.log "$work/hub" -listen 127.0.0.1:0 -addr-file "$work/hub.addr"
hub_pid=$pid
wait_file "$hub_pid" hub.log 10 hub.addr
wait_url "$jaeger_pid" jaeger.log 60 "$jaeger_query/api/services"
wait_url "$victoria_pid" victoria.log 60 "$victoria_url/health"
wait_url "$engine_pid" engine.log 120 "$engine/health"
wait_url "$embedder_pid" embedder.log 120 "$embedder/health"

# Of the product: where to export, the hub, and a cache with nothing in it.
product=(env
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=$jaeger_otlp/v1/traces" OTEL_BSP_SCHEDULE_DELAY=500
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=$victoria_url/opentelemetry/v1/metrics" OTEL_METRIC_EXPORT_INTERVAL=1000
  "HF_ENDPOINT=http://$(cat hub.addr)" "XDG_CACHE_HOME=$work/cache")

say "starting the proxy"
start proxy proxy.log "${product[@]}" OTEL_SERVICE_NAME=e2e-proxy ./tokenomics proxy --upstream "$engine" \
  --listen "${proxy#http://}" --admin "${admin#http://}" --log-requests proxy.jsonl
proxy_pid=$pid
wait_url "$proxy_pid" proxy.log 30 "$admin/readyz"

say "1. what clients see"
./check bytes -engine "$engine" -proxy "$proxy" -model "$model" -log proxy.jsonl
start embed-proxy embed-proxy.log ./tokenomics proxy --upstream "$embedder" --listen "${embed_proxy#http://}" \
  --admin "127.0.0.1:${port[9]}" --log-requests embed.jsonl
embed_proxy_pid=$pid
wait_url "$embed_proxy_pid" embed-proxy.log 30 "http://127.0.0.1:${port[9]}/readyz"
./check bytes -probes embeddings -engine "$embedder" -proxy "$embed_proxy" -model "$model" -log embed.jsonl
stop "$embed_proxy_pid" 15 || fail "the proxy ended with exit code $? on SIGTERM: see embed-proxy.log"
stop "$embedder_pid" 10 || true # its exit code tells nothing of what it answered
BASE_URL=$proxy/v1 MODEL=$model REQUEST_ID=e2e-openai-go "$openai_go/openai-go" >openai-go.json
./check client -log proxy.jsonl -id e2e-openai-go -answer openai-go.json
NODE_PATH=$openai_node/node_modules BASE_URL=$proxy/v1 MODEL=$model REQUEST_ID=e2e-openai-node \
  node "$here/openai-node/chat.cjs" >openai-node.json
./check client -log proxy.jsonl -id e2e-openai-node -answer openai-node.json

say "2. the sweep, through the proxy"
curl -sf "$engine/metrics" >engine.before
lines=$(wc -l <proxy.jsonl)
"${product[@]}" TOKENOMICS_REQUESTS_FILE=requests.jsonl \
  ./tokenomics loadgen --model "$model" --dataset_key aime --api_base "$proxy/v1" \
  --batch_sizes 1,2,4,8 --num_runs 3 --max_tokens 100 --temperature 0.5 \
  --description "Deepseek R1 distill 8B TP8 A100s" --results_file my_server_benchmark.json
curl -sf "$engine/metrics" >engine.after
assert_eq "requests that the sweep measured" 45 "$(wc -l <requests.jsonl)"
assert_eq "requests for the hub's file" 1 "$(grep -c 'GET /cdn/' hub.log || true)"
./check sums -results my_server_benchmark.json -requests requests.jsonl -log proxy.jsonl -metrics "$admin/metrics"
./check engine -before engine.before -after engine.after -log proxy.jsonl -from "$lines"
./check traces -jaeger "$jaeger_query" -service e2e-proxy -log proxy.jsonl
./check metrics -victoria "$victoria_url" -service e2e-proxy -log proxy.jsonl
stop "$proxy_pid" 15 || fail "the proxy ended with exit code $? on SIGTERM: see proxy.log"

say "3. a sweep with the proxy in the same process"
curl -sf "$engine/metrics" >engine.before
"${product[@]}" OTEL_SERVICE_NAME=e2e-loadgen ./tokenomics loadgen --via-proxy --log-requests inside.jsonl \
  --model "$model" --dataset-key aime --api-base "$engine/v1" --batch-sizes 1,4 --num-runs 2 --max-tokens 24 \
  --requests-file inside-requests.jsonl --results-file inside.json
curl -sf "$engine/metrics" >engine.after
assert_eq "requests for the hub's file, the second of which the cache answers" 1 "$(grep -c 'GET /cdn/' hub.log || true)"
./check sums -results inside.json -requests inside-requests.jsonl -log inside.jsonl
./check engine -before engine.before -after engine.after -log inside.jsonl
./check traces -jaeger "$jaeger_query" -service e2e-loadgen -log inside.jsonl
./check metrics -victoria "$victoria_url" -service e2e-loadgen -log inside.jsonl

say "4. other shapes of load, straight at the engine"
shape=(./tokenomics loadgen --model "$model" --api-base "$engine/v1" --input-len 48 --output-len 12 --num-runs 1 --warmup 1)
"${shape[@]}" --max-concurrency 1,4 --num-prompts 6 --results-file closed.json
"${shape[@]}" --request-rate 2 --num-prompts 6 --results-file open.json
"${shape[@]}" --conversations 2 --turns 3 --num-prompts 3 --results-file talks.json
# What it finds is this machine's matter: one that is busy is told that it can't measure.
"${shape[@]}" --find max-concurrency --slo ttft_p99=1m --find-most 2 --num-prompts 3 --results-file found.json
python3 - <<'PY'
import json
def point(path, name):
    return json.load(open(path))["results"][name]
for path, name, requests, limit in (("closed.json", "1", 6, 1), ("closed.json", "4", 6, 4), ("open.json", "2", 6, 6)):
    p = point(path, name)
    got = {"requests": p["succeeded"], "input": p["input_tokens"], "output": p["output_tokens"]}
    want = {"requests": requests, "input": requests * 48, "output": requests * 12}
    if got != want or p["peak_in_flight"] > limit:
        raise SystemExit(f"{path}, {name}: {got}, want {want}; {p['peak_in_flight']} in flight")
    if p["engine_side"]["foreign_tokens"] != 0 or p["engine_side"]["output_tokens"] != requests * 12:
        raise SystemExit(f"{path}, {name}: the engine's own account is {p['engine_side']}")
talks = point("talks.json", "2")
if talks["succeeded"] != 9 or talks["output_tokens"] != 9 * 12 or talks["peak_in_flight"] > 2:
    raise SystemExit(f"conversations: {talks}")
print("made prompts have the tokens that were asked for, by the engine's count; nobody else had any")
PY
./tokenomics report closed.json my_server_benchmark.json -o report.html
./tokenomics compare my_server_benchmark.json my_server_benchmark.json

say "all of it agrees"
