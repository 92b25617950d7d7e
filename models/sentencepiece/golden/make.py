"""Makes the goldens beside itself: `make.py LINES`. Needs PyPI sentencepiece (0.2.3) and zstandard.

LINES are lines of text (those of the labelled texts of models/shipped/README.md were used: encyclopaedia, manuals, poems).
`small.model.zst` is a unigram model with the usual character map, `pieces.jsonl` how it cuts (filters/perplexity/golden
has numbers of it, so that both are made anew together). `kinds.jsonl.zst` has other
kinds: by line, the model in hexadecimal digits and how it cuts. `tiny.jsonl.zst` has models of a few pieces with scores at random,
among them many ways that are alike.
"""
import io, json, os, random, struct, sys
import sentencepiece, zstandard

HERE = os.path.dirname(os.path.abspath(__file__))
lines = [line for line in open(sys.argv[1], encoding="utf8").read().split("\n") if line.strip()]
random.Random(1).shuffle(lines)


def train(**settings):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines[:4000]), model_writer=out, num_threads=1, minloglevel=2, **settings
    )
    return out.getvalue()


def cuts(model, texts):
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [[text, sp.encode(text, out_type=str)] for text in texts]


def write(name, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(zstandard.ZstdCompressor(19).compress(text) if name.endswith(".zst") else text)


odd = [
    "", " ", "  two  spaces \t tab\n\nline ", "Café cafe\u0301 ÅNGSTRÖM ﬁne ①②㌔ ｶﾞ １２３", "👩‍👩‍👧‍👦 🇨🇳 ☃️ \u200b\u00ad", "日本語 한국어 עברית ไทย",
    "\u3000全角\u3000空格\u00a0", "▁ is a mark ▁▁", "a\u0000b", "\ufb01\ufdfa", "ａｂｃ　ＤＥＦ", "…。！？", "\u0301 accent alone", "x" * 300, " \u0001 c",
]
model = train(vocab_size=2500, character_coverage=0.99, model_type="unigram")
write("pieces.jsonl", cuts(model, odd + [line[:120] for line in lines[4000:4320]]))
with open(os.path.join(HERE, "small.model.zst"), "wb") as file:
    file.write(zstandard.ZstdCompressor(19).compress(model))

kinds = [
    dict(model_type="bpe", vocab_size=1500, character_coverage=0.98),
    dict(model_type="bpe", vocab_size=1500, character_coverage=0.98, byte_fallback=True),
    dict(model_type="unigram", vocab_size=1500, character_coverage=0.98, byte_fallback=True),
    dict(model_type="bpe", vocab_size=1500, character_coverage=0.98, treat_whitespace_as_suffix=True),
    dict(model_type="unigram", vocab_size=1500, character_coverage=0.98, treat_whitespace_as_suffix=True),
    dict(model_type="bpe", vocab_size=1500, character_coverage=0.98, add_dummy_prefix=False, remove_extra_whitespaces=False),
    dict(model_type="unigram", vocab_size=1500, character_coverage=0.98, remove_extra_whitespaces=False),
    dict(model_type="bpe", vocab_size=1500, character_coverage=0.98, user_defined_symbols=["[SEP]", "the", "the mill", "。", "①"]),
    dict(model_type="unigram", vocab_size=1500, character_coverage=0.98, user_defined_symbols=["[SEP]", "the", "the mill", "。", "①"]),
    dict(model_type="bpe", vocab_size=1500, character_coverage=0.98, byte_fallback=True, split_digits=True, control_symbols=["<ctl>"]),
]
odd += ["a[SEP]b [SEP] the mill themill other the 。。 ①", "<0x41> <ctl> <s> </s> <unk>", " [SEP]", "[SEP] "]
rows = []
for settings in kinds:
    model = train(normalization_rule_name="identity", **settings)
    rows.append([model.hex(), cuts(model, odd + [line[:100] for line in lines[4400:4520]])])
write("kinds.jsonl.zst", rows)


def message(field, bytes):
    return bytes_of(field << 3 | 2) + bytes_of(len(bytes)) + bytes


def bytes_of(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


NORMAL, UNKNOWN, DEFINED, UNUSED = 1, 2, 4, 5
draw, rows = random.Random(2), []
for number in range(300):
    kind = 1 + number % 2
    step = draw.choice([1.0, 0.1, 0.3, 0.7])
    texts = {"".join(draw.choice("ab▁河") for _ in range(draw.randint(1, 4))) for _ in range(draw.randint(3, 20))}
    pieces = [("<unk>", 0.0, UNKNOWN)]
    for text in sorted(texts):
        score = -step * draw.randint(0, 12) if draw.random() < 0.9 else step * draw.randint(0, 3)
        pieces.append((text, score, draw.choice([NORMAL] * 8 + [UNUSED if kind == 1 else DEFINED] * 2) if number % 4 > 1 else NORMAL))
    if not any(kind == NORMAL for *_, kind in pieces):
        continue
    model = b"".join(
        message(1, message(1, text.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind]))
        for text, score, kind in pieces
    )
    model += message(2, b"\x18" + bytes([kind]))
    texts = ["".join(draw.choice("aaabbb 河c") for _ in range(draw.randint(1, 30))) for _ in range(12)]
    rows.append([model.hex(), cuts(model, texts)])
write("tiny.jsonl.zst", rows)
