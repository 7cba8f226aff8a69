#!/usr/bin/env bash
# Runs the commands that README.md shows, as they stand there: only ports are
# replaced by free ones, and engines that are not here by a simulation. A command
# that this script does not know is an error, so that none goes unchecked.
#
# usage: scripts/e2e/readme.sh

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=scripts/e2e/versions.sh
. "$here/versions.sh"
need go curl python3

"$here/install.sh"

work=$(mktemp -d)
leave() {
  local code=$?
  stop_all
  if [ "$code" = 0 ]; then rm -rf "$work"; else say "logs are in $work"; fi
}
trap leave EXIT
trap 'exit 130' INT TERM
clean_environment

say "building"
cd "$root"
GOBIN=$work/bin go install ./cmd/tokenomics ./scripts/e2e/hub
PATH=$work/bin:$PATH
mapfile -t port < <(free_ports 7)
cd "$work"
start hub hub.log hub -listen 127.0.0.1:0 -addr-file "$work/hub.addr"
wait_file "$pid" hub.log 10 hub.addr
hub_url=http://$(cat hub.addr)
start_jaeger "${port[4]}" "${port[3]}" "${port[5]}"
wait_url "$pid" jaeger.log 60 "http://127.0.0.1:${port[4]}/api/services"
# What "the engine, moved to port 8001" is here.
start sim sim.log tokenomics sim --listen "127.0.0.1:${port[1]}" --model distill-llama-8b --ttft 5ms --itl 1ms
wait_url "$pid" sim.log 10 "http://127.0.0.1:${port[1]}/v1/models"

# elsewhere COMMAND: with our ports for the ones in it.
elsewhere() {
  sed -E -e "s/(:|=)8000\b/\1${port[0]}/g" -e "s/(:|=)8001\b/\1${port[1]}/g" -e "s/(:|=)9464\b/\1${port[2]}/g" -e "s/(:|=)4318\b/\1${port[3]}/g" <<<"$1"
}

serving= # pid of what stands on "port 8000"
# serve LINE PATH: runs LINE until the next server takes its place.
serve() {
  [ -z "$serving" ] || stop "$serving" 15 || fail "exit code $? on SIGTERM of the server before '$1'"
  # shellcheck disable=SC2086 # a command line, to be split
  start server server.log env "TOKENOMICS_ADMIN=127.0.0.1:${port[2]}" OTEL_METRICS_EXPORTER=none OTEL_BSP_SCHEDULE_DELAY=100 $1
  serving=$pid
  wait_url "$serving" server.log 20 "http://127.0.0.1:${port[0]}$2"
}

# in_jaeger: one request, whose trace must arrive.
in_jaeger() {
  curl -sSf -o completion.json -H 'Content-Type: application/json' "http://127.0.0.1:${port[0]}/v1/completions" -d '{"model":"distill-llama-8b","prompt":"Hi"}'
  local deadline=$((SECONDS + 20))
  until curl -sf "http://127.0.0.1:${port[4]}/api/services" | grep -q '"tokenomics-proxy"'; do
    [ "$SECONDS" -lt "$deadline" ] || fail "no trace in Jaeger from the command line of the README"
    sleep 0.2
  done
}

# shellcheck disable=SC2016 # backquotes of Markdown
mapfile -t commands < <(sed -n '/^```sh$/,/^```$/{/^```/d;p;}' "$root/README.md")
[ "${#commands[@]}" -gt 0 ] || fail "README.md shows no commands"
for shown in "${commands[@]}"; do
  say "README: $shown"
  line=$(elsewhere "${shown%%  #*}")
  case $shown in
    'go run ./cmd/tokenomics demo'*) (cd "$root" && bash -c "$line") ;;
    'go test ./...'*) ;; # what CI runs, under the race detector
    *scripts/vllm_run_server.sh*) (cd "$root" && bash -c "$line --dry-run") ;;
    # Its ports are fixed, and it would be linked anew; install.sh built the same and it serves here.
    'go -C scripts/e2e/jaeger tool jaeger') (cd "$root" && go -C scripts/e2e/jaeger list tool | grep -qx '.*/cmd/jaeger') ;;
    'tokenomics proxy '*--otlp-endpoint*) serve "$line" /v1/models; in_jaeger ;;
    'tokenomics proxy '*) serve "$line" /v1/models ;;
    'tokenomics sim '*) serve "$line" /v1/models ;;
    'curl '*/metrics) bash -c "$line -sS" | grep '^tokenomics_' >metrics.txt || fail "no metrics of ours in the answer" ;;
    'tokenomics calibrate '*) bash -c "${line/1,100,1000/1,20} --duration 2s --file calibration.json --json calibrated.json" || [ "$?" = 1 ] ;; # what it finds is this machine's matter
    'tokenomics report '*) bash -c "$line" && grep -q 'Throughput against latency' report.html ;;
    'tokenomics compare '*) cp my_server_benchmark.json before.json && cp before.json after.json && bash -c "$line" ;;
    'tokenomics loadgen '*--ab*) ;; # two servers: the tests of cmd have them
    'tokenomics loadgen '*--request-rate*) # one a second has none in a short time
      TOKENOMICS_API_BASE=http://127.0.0.1:${port[0]} bash -c "$(sed -E 's/--duration [0-9]+[sm]/--num-prompts 2/' <<<"$line") --num-runs 1" ;;
    'tokenomics loadgen '*--duration*|'tokenomics loadgen '*--think-time*)
      TOKENOMICS_API_BASE=http://127.0.0.1:${port[0]} bash -c "$(sed -E 's/--(duration|think-time) [0-9]+[sm]/--\1 0.3s/; s/--num-prompts [0-9]+/--num-prompts 4/' <<<"$line") --num-runs 1" ;;
    'tokenomics loadgen '*) HF_ENDPOINT=$hub_url XDG_CACHE_HOME=$work/cache bash -c "$line" ;;
    *) fail "README.md shows a command that $0 does not know: $shown" ;;
  esac
done
[ -z "$serving" ] || stop "$serving" 15 || fail "exit code $? on SIGTERM of the last server"
say "the commands of README.md run"
