"""Writes a tiny Llama model directory that vLLM can serve: config, tokenizer, chat template.

No weights: the server is started with --load-format dummy and makes random ones.
The text that such a model writes has no sense; its framing, its counts and its
errors are the engine's own.

usage: vllm_tiny_model.py DIRECTORY
"""

import json
import pathlib
import pydoc_data.topics
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ["<|pad|>", "<|bos|>", "<|end|>", "<tool_call>", "</tool_call>", "<think>", "</think>"]
PAD, BOS, END = range(3)

CHAT_TEMPLATE = (
    "<|bos|>{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if tools %}tools: {{ tools | tojson }}\n{% endif %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def write_tokenizer(to: pathlib.Path) -> int:
    """Trains a byte-level BPE on Python's own help texts (English that is on every machine)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),  # so that any bytes can be written
        show_progress=False,
    )
    tokenizer.train_from_iterator(pydoc_data.topics.topics.values(), trainer)
    tokenizer.save(str(to / "tokenizer.json"))
    (to / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "pad_token": SPECIAL[PAD],
                "bos_token": SPECIAL[BOS],
                "eos_token": SPECIAL[END],
                "chat_template": CHAT_TEMPLATE,
                "clean_up_tokenization_spaces": False,
                "model_max_length": 1024,
            },
            indent=1,
        )
    )
    return tokenizer.get_vocab_size()


def write_config(to: pathlib.Path, vocab: int) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 64,  # the smallest that every attention kernel takes
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "max_position_embeddings": 1024,
        "vocab_size": vocab,
        "tie_word_embeddings": False,
        "pad_token_id": PAD,
        "bos_token_id": BOS,
        "eos_token_id": END,
        "torch_dtype": "bfloat16",
    }
    (to / "config.json").write_text(json.dumps(config, indent=1))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    write_config(directory, write_tokenizer(directory))
