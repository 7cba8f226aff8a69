"""Makes the tokenizers of this folder and what the reference library says of
a few texts, with "pip install tokenizers==0.23.3":

    python make.py ../../dataset/builtin/*.jsonl

They are trained on the builtin prompts, too small to be of any use, and cut and
merge in the ways of the models they are named for.
"""

import json
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
DEEPSEEK = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
            r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
SPECIAL = [AddedToken("<|begin|>", special=True), AddedToken("<|end|>", special=True)]


def split(*patterns):
    cuts = [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]
    return pre_tokenizers.Sequence(cuts + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def of_bytes(pre, norm=None):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder = pre, decoders.ByteLevel()
    if norm is not None:
        t.normalizer = norm
    return t, pre_tokenizers.ByteLevel.alphabet()


def of_characters(pre, norm=None):
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.pre_tokenizer = pre
    if norm is not None:
        t.normalizer = norm
    return t, []


def texts():
    """Texts with what tokenizers differ in."""
    rng = random.Random(1)
    chars = list("abXY  \t\n.,;'\"!?-_(){}/|0123456789éüñßÀ—“’€½日本中文हिعر🙂👩‍💻\u00a0\u3000\u0301ﬁ①")
    yield from ["", " ", "a", "Hello world", "I'LL say: don't, we're done!", "two  spaces   three\n\n\tand a tab ",
                "it was 1234567 o'clock", "naïve café Über señal", "日本語のテキスト 和中文", "🙂🙂 👩‍💻",
                "def f(x):\n    return x*2  # ok\n\n\n", "<|begin|>between<|end|> after", "b" * 60, "http://example.com/a?b=c&d=%20"]
    for _ in range(40):
        yield "".join(rng.choice(chars) for _ in range(rng.randint(1, 24)))


def main(prompts):
    made = {
        "gpt2": of_bytes(pre_tokenizers.ByteLevel(add_prefix_space=True), normalizers.NFKC()),
        "llama3": of_bytes(split(LLAMA3)),
        "deepseek": of_bytes(split(*DEEPSEEK), normalizers.NFC()),
        "llama2": of_characters(pre_tokenizers.Metaspace(prepend_scheme="first")),
        "gemma": of_characters(pre_tokenizers.Metaspace(prepend_scheme="never")),
        "mistral": of_characters(pre_tokenizers.Metaspace(prepend_scheme="first")),
        "digits": of_bytes(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])),
    }
    for name, (t, alphabet) in made.items():
        bytes_too = [] if alphabet else ["<unk>"] + [f"<0x{b:02X}>" for b in range(256)]
        t.train_from_iterator(prompts, trainers.BpeTrainer(
            vocab_size=700, limit_alphabet=256 if alphabet else 90, initial_alphabet=alphabet, special_tokens=bytes_too, show_progress=False))
        t.add_special_tokens(SPECIAL)
        spec = json.loads(t.to_str())
        spec["added_tokens"] = [a for a in spec["added_tokens"] if a["content"] in ("<|begin|>", "<|end|>")]
        if name == "llama3":
            spec["model"]["ignore_merges"] = True
        if name == "llama2":  # no words at all: the whole text is merged
            spec["pre_tokenizer"] = None
            spec["normalizer"] = {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
        if name == "gemma":  # the cut comes too late to find a space
            spec["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
            spec["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        if name == "gpt2":  # as older files write them
            spec["model"]["merges"] = [" ".join(m) for m in spec["model"]["merges"]]
        text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
        with open(name + ".json", "w") as f:
            f.write(text + "\n")
        ref = Tokenizer.from_str(text)
        with open(name + ".golden.jsonl", "w") as f:
            for s in texts():
                f.write(json.dumps({"text": s, "tokens": ref.encode(s, add_special_tokens=False).tokens}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main([json.loads(line)["prompt"] for name in sys.argv[1:] for line in open(name)])
