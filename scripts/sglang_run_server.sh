#!/usr/bin/env bash
# Starts an SGLang server in the way tokenomics likes to measure it: usage tells
# cached prompt tokens. Flag names as of SGLang 0.5.23.
#
# usage: [VARIABLE=value ...] scripts/sglang_run_server.sh [--dry-run] [--help] [--] [SGLang arguments]
#
#   --dry-run   print the command and stop
#   --help      print this text; `-- --help` is SGLang's own
#
# All other arguments go to SGLang as they are; after `--`, every one does.
# The variables, each of which the environment overrides:

# Model directory or Hugging Face name.
MODEL_PATH=${MODEL_PATH:-deepseek-ai/DeepSeek-R1-Distill-Llama-8B}
# Name that clients ask for; empty = the model path.
SERVED_MODEL_NAME=${SERVED_MODEL_NAME-distill-llama-8b}
# Devices that each layer is split over, and stages that the layers are split into.
TENSOR_PARALLEL_SIZE=${TENSOR_PARALLEL_SIZE:-1}
PIPELINE_PARALLEL_SIZE=${PIPELINE_PARALLEL_SIZE:-1}
# auto = SGLang finds out; cuda, xpu, hpu, npu, musa, cpu; or a list of GPUs, as 0,1.
DEVICE=${DEVICE:-auto}
# Loopback: SGLang asks for no key, and the proxy beside it needs no more.
# 0.0.0.0 opens it. (Not called HOST, because conda's compiler packages export a
# HOST that is not an address.)
BIND_ADDRESS=${BIND_ADDRESS:-127.0.0.1}
# Where `tokenomics loadgen` looks, and what the vLLM script uses, so that one
# set of commands does for both; SGLang's own default is 30000. With the proxy
# on 8000, use 8001.
PORT=${PORT:-8000}
# Speculative decoding: EAGLE, EAGLE3, NEXTN, STANDALONE, NGRAM, ...; empty = off.
# The other four are used only with it; empty = SGLang's choice.
SPECULATIVE_ALGORITHM=${SPECULATIVE_ALGORITHM:-}
SPECULATIVE_DRAFT_MODEL_PATH=${SPECULATIVE_DRAFT_MODEL_PATH:-}
SPECULATIVE_NUM_STEPS=${SPECULATIVE_NUM_STEPS:-}
SPECULATIVE_EAGLE_TOPK=${SPECULATIVE_EAGLE_TOPK:-}
SPECULATIVE_NUM_DRAFT_TOKENS=${SPECULATIVE_NUM_DRAFT_TOKENS:-}
# The Python that has SGLang.
PYTHON=${PYTHON:-python3}

set -euo pipefail

fail() { # fail CODE MESSAGE: 2 = wrong use, 3 = could not run
  echo "sglang_run_server.sh: $2" >&2
  exit "$1"
}

usage() { # the comment at the top, and the variables with theirs
  sed -n -e '2,/^# The variables/s/^# \{0,1\}//' -e '2,/^set -euo/{/^set -euo/!p;}' "$0"
}

dry_run=
extra=()
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=1 ;;
    -h | --help) usage; exit 0 ;;
    --) shift; extra+=("$@"); break ;;
    *) extra+=("$1") ;;
  esac
  shift
done

for name in TENSOR_PARALLEL_SIZE PIPELINE_PARALLEL_SIZE PORT; do
  [[ ${!name} =~ ^[1-9][0-9]*$ ]] || fail 2 "$name is \"${!name}\": give a positive whole number"
done
if [ -n "$SPECULATIVE_DRAFT_MODEL_PATH" ] && [ -z "$SPECULATIVE_ALGORITHM" ]; then
  fail 2 "SPECULATIVE_DRAFT_MODEL_PATH is set without SPECULATIVE_ALGORITHM: set it too, as to EAGLE3"
fi

# The module rather than the newer `sglang serve`: every 0.5 release has it.
command=()
case $DEVICE in
  [0-9]*) command+=(env "CUDA_VISIBLE_DEVICES=$DEVICE") ;;
esac
command+=("$PYTHON" -m sglang.launch_server --model-path "$MODEL_PATH")
[ -z "$SERVED_MODEL_NAME" ] || command+=(--served-model-name "$SERVED_MODEL_NAME")
command+=(--tp-size "$TENSOR_PARALLEL_SIZE" --pp-size "$PIPELINE_PARALLEL_SIZE")
case $DEVICE in
  auto | [0-9]*) ;;
  *) command+=(--device "$DEVICE") ;;
esac
command+=(--host "$BIND_ADDRESS" --port "$PORT" --enable-cache-report)

if [ -n "$SPECULATIVE_ALGORITHM" ]; then
  command+=(--speculative-algorithm "$SPECULATIVE_ALGORITHM")
  [ -z "$SPECULATIVE_DRAFT_MODEL_PATH" ] || command+=(--speculative-draft-model-path "$SPECULATIVE_DRAFT_MODEL_PATH")
  [ -z "$SPECULATIVE_NUM_STEPS" ] || command+=(--speculative-num-steps "$SPECULATIVE_NUM_STEPS")
  [ -z "$SPECULATIVE_EAGLE_TOPK" ] || command+=(--speculative-eagle-topk "$SPECULATIVE_EAGLE_TOPK")
  [ -z "$SPECULATIVE_NUM_DRAFT_TOKENS" ] || command+=(--speculative-num-draft-tokens "$SPECULATIVE_NUM_DRAFT_TOKENS")
fi
command+=(${extra[@]+"${extra[@]}"}) # the detour: bash 3.2 calls an empty array unset

shown=$(printf '%q ' "${command[@]}")
if [ -n "$dry_run" ]; then
  echo "${shown% }"
  exit 0
fi
install='pip install sglang (or see https://docs.sglang.io/), or say which Python has it with PYTHON=/path/to/python3'
command -v "$PYTHON" >/dev/null || fail 3 "\"$PYTHON\" is not installed: $install"
"$PYTHON" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("sglang") is None)' ||
  fail 3 "$PYTHON has no sglang: $install"
echo "+ ${shown% }" >&2
exec "${command[@]}"
