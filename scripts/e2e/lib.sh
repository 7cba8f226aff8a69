# shellcheck shell=bash
# Helpers of the end-to-end scripts; to be sourced, under "set -euo pipefail".
# They need bash 4.4, curl and python3.

# shellcheck disable=SC2034 # used by who sources this
cache=${TOKENOMICS_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tokenomics/e2e}
started=() # "PID NAME LOG" of what start began and stop has not ended

say() { printf '%s e2e: %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

fail() {
  say "FAILED: $*"
  exit 1
}

# need TOOL...: ends with the names of all that are missing, not the first only.
need() {
  local tool missing=()
  for tool; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} = 0 ] || { say "missing: ${missing[*]}"; exit 3; }
}

# free_ports N: N different free ports of the loopback interface, one a line.
# All are held until all are known, so that none is given twice.
free_ports() {
  python3 - "$1" <<'PY'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
for s in held:
    print(s.getsockname()[1])
PY
}

# start NAME LOG COMMAND...: begins COMMAND in the background with its output in
# LOG; its pid is in $pid. What still runs at exit is ended by stop_all.
start() {
  local name=$1 log=$2
  shift 2
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  started+=("$pid $name $log")
}

# wait_url PID LOG SECONDS URL: until URL answers 2xx; not longer than PID lives.
wait_url() {
  local pid=$1 log=$2 deadline=$((SECONDS + $3)) url=$4
  until curl -sf -m 5 -o /dev/null "$url"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      tail -n 40 "$log" >&2
      fail "the process behind $url ended; its log is $log"
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      tail -n 40 "$log" >&2
      fail "$url did not answer in $3 s; its log is $log"
    fi
    sleep 0.2
  done
}

# wait_file PID LOG SECONDS FILE: until FILE is there and not empty.
wait_file() {
  local pid=$1 log=$2 deadline=$((SECONDS + $3)) file=$4
  until [ -s "$file" ]; do
    kill -0 "$pid" 2>/dev/null || { tail -n 40 "$log" >&2; fail "the process that writes $file ended"; }
    [ "$SECONDS" -lt "$deadline" ] || fail "$file was not written in $3 s"
    sleep 0.1
  done
}

# stop PID SECONDS: SIGTERM, and SIGKILL after SECONDS. Returns PID's own exit
# code, so that a process which ends badly is seen.
stop() {
  local pid=$1 deadline=$((SECONDS + $2)) code=0 entry left=()
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" || code=$?
  for entry in "${started[@]}"; do
    [ "${entry%% *}" = "$pid" ] || left+=("$entry")
  done
  started=("${left[@]}")
  return "$code"
}

# stop_all ends what is left, the last begun first.
stop_all() {
  local i entry
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do
    entry=${started[i]}
    stop "${entry%% *}" 10 || true # its exit code no longer tells anything
  done
}

assert_eq() { # WHAT WANT GOT
  [ "$2" = "$3" ] || fail "$1: want '$2', got '$3'"
}

# start_jaeger QUERY OTLP GRPC: Jaeger with its query API, its OTLP/HTTP receiver
# and its (unused) gRPC API on these ports, traces in memory, files where we are.
start_jaeger() {
  cat >jaeger.yaml <<YAML
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {receivers: [otlp], processors: [], exporters: [jaeger_storage_exporter]}
  telemetry:
    metrics: {level: none}
extensions:
  jaeger_storage:
    backends:
      memory: {memory: {max_traces: 10000}}
  jaeger_query:
    storage: {traces: memory}
    http: {endpoint: "127.0.0.1:$1"}
    grpc: {endpoint: "127.0.0.1:$3"}
receivers:
  otlp:
    protocols:
      http: {endpoint: "127.0.0.1:$2"}
exporters:
  jaeger_storage_exporter: {trace_storage: memory}
YAML
  # Its own traces would go to the default port, where another backend may listen.
  # shellcheck disable=SC2154 # set by versions.sh
  start jaeger jaeger.log env OTEL_TRACES_SAMPLER=always_off "$jaeger/jaeger" --config jaeger.yaml
}

# clean_environment: settings of whoever runs a script must not reach its parts.
clean_environment() {
  local name
  while read -r name; do
    unset "$name"
  done < <(compgen -e | grep -E '^(TOKENOMICS|OTEL|LLAMA_ARG|HF)_|^(OPENAI_API_KEY|HTTPS?_PROXY|https?_proxy)$' || true)
}
