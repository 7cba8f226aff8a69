#!/usr/bin/env bash
# Measures the proxy beside nginx, haproxy, Go's ReverseProxy and a bare byte relay, in one interleaved run over loopback:
# CPU per relayed event, memory per silent stream, added time to first byte. Prints every measurement, then the medians.
# The proxy is measured as it is, with one readiness loop, and with a goroutine for each connection.
#
# usage: scripts/bench/run.sh [WHAT...] [-- PROXY COMMAND with {listen} and {upstream} in it]
#
#   scripts/bench/run.sh                 all of it, with the proxy of this checkout
#   ROUNDS=5 scripts/bench/run.sh paced  five interleaved rounds of one
#   scripts/bench/run.sh growth          CPU per event from 10 to 9,900 streams, of 1 to 100 events a second each
#
# WHAT: idle ttfb1 ttfb64 paced sat growth. ROUNDS=3 rounds. Needs go; nginx and haproxy from Debian's packages, each left out with
# a word where it is missing. Everything listens on loopback; it stops what it started.

set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
what=(); while (($#)) && [[ $1 != -- ]]; do what+=("$1"); shift; done
(($#)) && shift
((${#what[@]})) || what=(idle ttfb1 ttfb64 paced sat)
rounds=${ROUNDS:-3}
base=${BASE_PORT:-19000}
work=$(mktemp -d); pids=()
cleanup() { for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; sleep 0.3; rm -rf "$work"; }
trap cleanup EXIT
ulimit -n "$(ulimit -Hn)"
(cd "$root" && go build -o "$work/bench" ./scripts/bench && go build -o "$work/tokenomics" ./cmd/tokenomics)

at() { echo "127.0.0.1:$((base + $1))"; }
targets=()
start() { # name port-offset command...
  local name=$1 off=$2; shift 2
  "$@" >"$work/$name.log" 2>&1 & pids+=($!); targets+=("$name=$(at "$off")@$!")
}
start direct 0 "$work/bench" mock -listen "$(at 0)"
if command -v nginx >/dev/null; then
  mkdir -p "$work"/t{1,2,3,4,5}
  cat >"$work/nginx.conf" <<C
worker_processes auto; daemon off; pid $work/nginx.pid; error_log $work/nginx.err warn; worker_rlimit_nofile 65536;
events { worker_connections 32768; }
http {
  access_log off; keepalive_requests 1000000; tcp_nodelay on;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  upstream mock { server $(at 0); keepalive 1024; keepalive_requests 1000000; }
  server {
    listen $(at 1) backlog=4096;
    location / { proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 600s; }
  }
}
C
  start nginx 1 nginx -c "$work/nginx.conf"
else echo "nginx: not installed, left out"; fi
if command -v haproxy >/dev/null; then
  cat >"$work/haproxy.cfg" <<C
global
  nbthread $(nproc)
  maxconn $((($(ulimit -n) - 100) / 3))
defaults
  mode http
  option http-no-delay
  http-reuse always
  timeout connect 5s
  timeout client 600s
  timeout server 600s
frontend f
  bind $(at 2)
  default_backend b
backend b
  server s $(at 0) pool-max-conn 4096
C
  start haproxy 2 haproxy -f "$work/haproxy.cfg" -db
else echo "haproxy: not installed, left out"; fi
start goproxy 3 "$work/bench" goproxy -listen "$(at 3)" -upstream "http://$(at 0)"
start relay 5 "$work/bench" relay -listen "$(at 5)" -upstream "http://$(at 0)"
ours=("$work/tokenomics" proxy --upstream "http://$(at 0)" --admin 127.0.0.1:0 --quiet)
if (($#)); then
  cmd=("$@"); cmd=("${cmd[@]//\{listen\}/$(at 4)}"); cmd=("${cmd[@]//\{upstream\}/http://$(at 0)}")
  start tokenomics 4 "${cmd[@]}"
else
  start tokenomics 4 "${ours[@]}" --listen "$(at 4)"
  start one-loop 6 "${ours[@]}" --listen "$(at 6)" --loops 1
  start goroutines 7 "${ours[@]}" --listen "$(at 7)" --loop off
fi
sleep "${SETTLE:-2}"

measure() { "$work/bench" "$@" "${targets[@]}" | tee -a "$work/lines"; }
grow() { # beside nginx alone: there are many loads
  local of=() t
  for t in "${targets[@]}"; do case $t in direct=* | haproxy=* | goproxy=* | relay=*) ;; *) of+=("$t") ;; esac; done
  "$work/bench" growth "$@" "${of[@]}" | tee -a "$work/lines"
}
echo "# $(date -u +%FT%TZ) $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg)"
for w in "${what[@]}"; do
  for ((i = 0; i < rounds; i++)); do
    case $w in
      idle) ((i)) || measure idle -c "${IDLE:-1000}" ;; # memory grows once
      ttfb1) measure ttfb -c 1 -r 1500 -n 5 -us 500 -ttft 1000 ;;
      ttfb64) measure ttfb -c 64 -r 100 -n 20 -us 5000 -ttft 5000 ;;
      paced) measure paced -c 200 -us 20000 -d 8 ;;
      growth)
        for c in 10 100 1000 9900; do
          for rate in 1 10 100; do
            if ((c * rate <= 20000)); then grow -c "$c" -us $((1000000 / rate)) -d 6; fi
          done
        done ;;
      sat) measure sat -c 32 -n 2000 -d 6 ;;
      *) echo "unknown: $w" >&2; exit 2 ;;
    esac
  done
done
echo "# load at the end $(cut -d' ' -f1-3 /proc/loadavg)"
"$work/bench" table <"$work/lines"
