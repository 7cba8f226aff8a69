#!/usr/bin/env bash
# Starts a vLLM server in the way tokenomics likes to measure it: usage tells
# cached prompt tokens. Flag names as of vLLM 0.32.
#
# usage: [VARIABLE=value ...] scripts/vllm_run_server.sh [--dry-run] [--help] [--] [vllm serve arguments]
#
#   --dry-run   print the command and stop
#   --help      print this text; `-- --help` is vLLM's own
#
# All other arguments go to `vllm serve` as they are; after `--`, every one does.
# The variables, each of which the environment overrides:

# Model directory or Hugging Face name.
MODEL_PATH=${MODEL_PATH:-deepseek-ai/DeepSeek-R1-Distill-Llama-8B}
# Name that clients ask for; empty = the model path.
SERVED_MODEL_NAME=${SERVED_MODEL_NAME-distill-llama-8b}
# Devices that each layer is split over, and stages that the layers are split into.
TENSOR_PARALLEL_SIZE=${TENSOR_PARALLEL_SIZE:-1}
PIPELINE_PARALLEL_SIZE=${PIPELINE_PARALLEL_SIZE:-1}
# auto = what the installed build supports; cpu; or a list of GPUs, as 0,1.
# vLLM has had no --device flag since it went over to one build per platform.
DEVICE=${DEVICE:-auto}
# Loopback, though vLLM itself listens everywhere: it asks for no key, and the
# proxy beside it needs no more. 0.0.0.0 opens it. (Not called HOST, because
# conda's compiler packages export a HOST that is not an address.)
BIND_ADDRESS=${BIND_ADDRESS:-127.0.0.1}
# vLLM's default, and where `tokenomics loadgen` looks. With the proxy on 8000,
# use 8001.
PORT=${PORT:-8000}
# Speculative decoding as vLLM's JSON; empty = off. Examples:
#   {"method":"ngram","num_speculative_tokens":4,"prompt_lookup_max":4}
#   {"method":"eagle3","model":"DRAFT_MODEL","num_speculative_tokens":3}
SPECULATIVE_CONFIG=${SPECULATIVE_CONFIG:-}
# The vLLM program.
VLLM=${VLLM:-vllm}

set -euo pipefail

fail() { # fail CODE MESSAGE: 2 = wrong use, 3 = could not run
  echo "vllm_run_server.sh: $2" >&2
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

command=()
case $DEVICE in
  auto | cuda) ;;
  cpu) command+=(env VLLM_TARGET_DEVICE=cpu) ;;
  [0-9]*) command+=(env "CUDA_VISIBLE_DEVICES=$DEVICE") ;;
  *) fail 2 "DEVICE is \"$DEVICE\": vLLM takes the kind of device from the installed build; leave it at auto, or give cpu or GPU numbers as 0,1" ;;
esac
command+=("$VLLM" serve "$MODEL_PATH")
[ -z "$SERVED_MODEL_NAME" ] || command+=(--served-model-name "$SERVED_MODEL_NAME")
command+=(
  --tensor-parallel-size "$TENSOR_PARALLEL_SIZE"
  --pipeline-parallel-size "$PIPELINE_PARALLEL_SIZE"
  --host "$BIND_ADDRESS"
  --port "$PORT"
  --enable-prompt-tokens-details
)
[ -z "$SPECULATIVE_CONFIG" ] || command+=(--speculative-config "$SPECULATIVE_CONFIG")
command+=(${extra[@]+"${extra[@]}"}) # the detour: bash 3.2 calls an empty array unset

shown=$(printf '%q ' "${command[@]}")
if [ -n "$dry_run" ]; then
  echo "${shown% }"
  exit 0
fi
command -v "$VLLM" >/dev/null ||
  fail 3 "\"$VLLM\" is not installed: pip install vllm (or see https://docs.vllm.ai/en/latest/getting_started/installation/), or say where it is with VLLM=/path/to/vllm"
echo "+ ${shown% }" >&2
exec "${command[@]}"
