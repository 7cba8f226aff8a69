"""Makes the tokenizers of this folder and what the reference library says of
a few texts, and ../runes.txt, what it holds each character for, with
"pip install tokenizers==0.23.3 sentencepiece==0.2.3 protobuf":

    python make.py ../../dataset/builtin/*.jsonl

They are trained on the builtin prompts, too small to be of any use, and cut and
merge in the ways of the models they are named for.
"""

import base64
import io
import json
import random
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
DEEPSEEK = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
            r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
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


def unigram(prompts, normalizer, pre_tokenizer, byte_fallback=False):
    """As T5, XLM-R and the like have it."""
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    t.train_from_iterator(prompts, trainers.UnigramTrainer(
        vocab_size=600, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False))
    spec = json.loads(t.to_str())
    spec["normalizer"], spec["pre_tokenizer"] = normalizer, pre_tokenizer
    # The reference reads longer numbers with a last digit that may be wrong.
    spec["model"]["vocab"] = [[token, round(score, 4)] for token, score in spec["model"]["vocab"]]
    if byte_fallback:
        spec["model"]["byte_fallback"] = True
        spec["model"]["vocab"] += [[f"<0x{b:02X}>", 0] for b in range(256)]
    return spec


def wordpiece(prompts, normalizer, pre_tokenizer, longest=100):
    """As BERT has it."""
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(lowercase=normalizer.get("lowercase", True)), pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(prompts, trainers.WordPieceTrainer(
        vocab_size=600, limit_alphabet=120, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    spec = json.loads(t.to_str())
    spec["normalizer"], spec["pre_tokenizer"] = normalizer, pre_tokenizer
    spec["model"]["max_input_chars_per_word"] = longest
    return spec


def precompiled():
    """A table of characters as sentencepiece compiles it, of few of its rules."""
    rules = ["A\t20", "9\t20", "D\t20", "A0\t20", "3000\t20", "1\t", "AD\t", "FB01\t66 69", "FF21\t41", "2460\t31", "BD\t31 2044 32",
             "65 301\tE9", "65 301 323\t1EB9 301", "C5\t41 30A", "E33\tE4D E32", "FDFA\t635 644 649 20 627 644 644 647", "1100 1161\tAC00"]
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as f:
        f.write("\n".join(rules) + "\n")
        f.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c d e"] * 9), model_writer=out, vocab_size=20, hard_vocab_limit=False,
            normalization_rule_tsv=f.name, minloglevel=2)
    made = sentencepiece_model_pb2.ModelProto.FromString(out.getvalue())
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(made.normalizer_spec.precompiled_charsmap).decode()}


def steps(kind, *parts):
    return {"type": "Sequence", kind: list(parts)}


def metaspace(scheme, split=True):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def replace(of, by):
    return {"type": "Replace", "pattern": of, "content": by}


def added(content, **flags):
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"id": 0, "content": content} | plain | flags


def bert(**flags):
    return {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True} | flags


def embedders(prompts):
    """What embedders and rerankers have."""
    made = {
        "xlmr": unigram(prompts, precompiled(), steps("pretokenizers", {"type": "WhitespaceSplit"}, metaspace("always"))),
        "t5": unigram(prompts, steps("normalizers", precompiled(), {"type": "Strip", "strip_left": False, "strip_right": True},
                                     replace({"Regex": " {2,}"}, "▁")), metaspace("first")),
        "unigrambytes": unigram(prompts, steps("normalizers", {"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁")), None, True),
        "albert": unigram(prompts, steps("normalizers", replace({"String": "''"}, '"'), {"type": "Strip", "strip_left": True, "strip_right": True},
                                         {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}),
                          steps("pretokenizers", {"type": "WhitespaceSplit"}, metaspace("first"))),
        "nmt": unigram(prompts, steps("normalizers", {"type": "Nmt"}, {"type": "NFKC"}, replace({"Regex": r"\s+"}, " ")),
                       steps("pretokenizers", {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "Digits", "individual_digits": False},
                             metaspace("first", split=False))),
        "bert": wordpiece(prompts, bert(), {"type": "BertPreTokenizer"}),
        "bertcased": wordpiece(prompts, bert(lowercase=False, strip_accents=False), {"type": "BertPreTokenizer"}),
        "words": wordpiece(prompts, steps("normalizers", {"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}), {"type": "Whitespace"}, 8),
        "marks": wordpiece(prompts, steps("normalizers", {"type": "NFKD"}, {"type": "NFC"}), steps(
            "pretokenizers", {"type": "CharDelimiterSplit", "delimiter": " "}, {"type": "Digits", "individual_digits": True},
            {"type": "Split", "pattern": {"Regex": "[^-.]+"}, "behavior": "MergedWithPrevious", "invert": True})),
    }
    # Equal ways, and an unknown character that spares two unlikely tokens. Not
    # to make texts of: the name keeps it from the tests that do.
    made["paths_"] = made["t5"] | {
        "normalizer": {"type": "Prepend", "prepend": "-"},
        "pre_tokenizer": steps("pretokenizers", {"type": "Split", "pattern": {"String": "-"}, "behavior": "Isolated", "invert": False}, metaspace("first")),
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": [
            ["<unk>", 0], ["▁", -2], ["a", -1], ["b", -1], ["ab", -2], ["xy", -5], ["zw", -5], ["yzw", -1]]},
        "added_tokens": []}
    made["xlmr"]["added_tokens"] = [added("<s>", special=True), added("<mask>", lstrip=True, special=True)]
    made["t5"]["added_tokens"] = [added("<end>", lstrip=True, rstrip=True), added("we", single_word=True, normalized=True)]
    for name in ("bert", "bertcased"):
        made[name]["added_tokens"] = [added("[MASK]", lstrip=True, special=True), added("Hello", normalized=True)]
    for name in ("unigrambytes", "albert", "nmt", "words", "marks"):
        made[name]["added_tokens"] = []

    made["xlmr"]["post_processor"] = template("<s>", "$A", "</s>", "</s>")
    made["t5"]["post_processor"] = template("$A", "</s>")
    made["nmt"]["post_processor"] = steps("processors", BYTE_LEVEL, template("<s>", "$A"))
    made["bert"]["post_processor"] = template("[CLS]", "$A", "[SEP]")
    made["bertcased"]["post_processor"] = {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]}
    made["words"]["post_processor"] = {"type": "RobertaProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1], "trim_offsets": True, "add_prefix_space": False}
    made["marks"]["post_processor"] = BYTE_LEVEL
    return made


def template(*parts):
    def piece(p):
        return {"Sequence": {"id": "A", "type_id": 0}} if p == "$A" else {"SpecialToken": {"id": p, "type_id": 0}}

    special = {p: {"id": p, "ids": [1], "tokens": [p]} for p in parts if p != "$A"}
    return {"type": "TemplateProcessing", "single": [piece(p) for p in parts], "pair": [], "special_tokens": special}


def rune_classes():
    """Lines of a kind of characters and all there are of it, in ranges."""
    clean = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    accents = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    bare, nfd, nfkd = normalizers.StripAccents(), normalizers.NFD(), normalizers.NFKD()
    words, digits, punctuation = pre_tokenizers.Whitespace(), pre_tokenizers.Digits(), pre_tokenizers.Punctuation()

    def parts(pre, c):
        return len(pre.pre_tokenize_str("a" + c + "a"))

    kinds = {
        "control": lambda c: c not in "\0\ufffd" and clean.normalize_str(c) == "",
        "punctuation": lambda c: parts(punctuation, c) == 3,
        "nonspacing": lambda c: accents.normalize_str("a" + c) == "a",
        "combining": lambda c: bare.normalize_str("a" + c) == "a",
        "numeric": lambda c: parts(digits, c) == 3,
        "word": lambda c: parts(words, c) == 1,
        # Written otherwise, or put before U+0345 or behind U+0334, which stand last and first of all marks.
        "changing": lambda c: nfkd.normalize_str(c) != c or nfd.normalize_str("\u0345" + c)[0] != "\u0345" or nfd.normalize_str(c + "\u0334")[0] != c,
    }
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for kind, has in kinds.items():
        ranges = []
        for c in map(ord, filter(has, every)):
            if ranges and ranges[-1][1] == c - 1:
                ranges[-1][1] = c
            else:
                ranges.append([c, c])
        yield " ".join([kind] + [f"{a:X}-{b:X}" for a, b in ranges])


def texts():
    """Texts with what tokenizers differ in."""
    rng = random.Random(1)
    chars = list("abXY  \t\n.,;'\"!?-_(){}/|0123456789éüñßÀ—“’€½日本中文हिعر🙂👩‍💻\u00a0\u3000\u0301ﬁ①")
    yield from ["", " ", "a", "Hello world", "I'LL say: don't, we're done!", "two  spaces   three\n\n\tand a tab ",
                "it was 1234567 o'clock", "naïve café Über señal", "日本語のテキスト 和中文", "🙂🙂 👩‍💻",
                "def f(x):\n    return x*2  # ok\n\n\n", "<|begin|>between<|end|> after", "b" * 60, "http://example.com/a?b=c&d=%20"]
    for _ in range(40):
        yield "".join(rng.choice(chars) for _ in range(rng.randint(1, 24)))
    yield from ["   ", "\n\n", "  lead and trail  ", "a\r\nb\tc\x00d\x01e\x7ff\x85g\u2028h", "\x01control first", "\u00a0space first", "½ first",
                "한국어 문장 \u1100\u1161\u11a8", "हिन्दी क्षत्रिय", "العربية \u0600ab ﷺ", "Привет, Ёлка", "ภาษาไทย น้ำ", "İstanbul ΣΑΣ ǅ ꟜꞭ",
                "e\u0301\u0323 e\u0323\u0301 A\u030a Å ﬁ\u0301 ①\u0301", "㋿ ㍿ 𝟘 ｱﾞ Ａ½", "soft\u00adhyphen zero\u200bwidth\ufeff \ufffd", "▁under▁ ▁",
                "word" * 30, "antidisestablishmentarianism", "no-break-hyphen...and---dashes", "ye''s ``quoted''", "🤣🥲🫠 👍🏽 🇩🇪 ❤️", "\ue000\U000f0000 \u1cf7 \u1734 \u2e4f",
                "a [MASK] b  <mask>c <s> hello Hello  <end>  well we were we", "日本[MASK]", "a\uf900b一c㐀d𠀀e", "٣٤٥ Ⅷ ²", "<end>  <end> <end>x", "ab", "xyzw abxyzw qq"]
    for _ in range(40):
        yield "".join(rng.choice(chars + list("\x01\u0327\u200d\u00ad½ÅİΣ\r한\u1161ก\u0e33aei ")) for _ in range(rng.randint(1, 24)))


def write(name, spec):
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    with open(name + ".json", "w") as f:
        f.write(text + "\n")
    ref = Tokenizer.from_str(text)
    with open(name + ".golden.jsonl", "w") as f:
        for s in texts():
            f.write(json.dumps({"text": s, "tokens": ref.encode(s, add_special_tokens=False).tokens}, ensure_ascii=False) + "\n")
    return len(ref.encode("a").ids) - len(ref.encode("a", add_special_tokens=False).ids)


def main(prompts):
    special = {}
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
        special[name] = write(name, spec)
    for name, spec in embedders(prompts).items():
        special[name] = write(name, spec)
    with open("special.txt", "w") as f:
        for name, n in special.items():
            f.write(f"{name} {n}\n")
    with open("../runes.txt", "w") as f:
        for line in rune_classes():
            f.write(line + "\n")


if __name__ == "__main__":
    main([json.loads(line)["prompt"] for name in sys.argv[1:] for line in open(name)])
