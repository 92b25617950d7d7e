"""Makes `small.model.zst` and `pieces.jsonl` beside itself: `make.py LINES`. Needs PyPI sentencepiece and zstandard.

LINES are lines of text (those of the labelled texts of models/shipped/README.md were used: encyclopaedia, manuals, poems).
"""
import io, json, os, random, sys
import sentencepiece, zstandard

HERE = os.path.dirname(os.path.abspath(__file__))
lines = [line for line in open(sys.argv[1], encoding="utf8").read().split("\n") if line.strip()]
random.Random(1).shuffle(lines)
out = io.BytesIO()
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(lines[:4000]), model_writer=out, vocab_size=2500, character_coverage=0.99, model_type="unigram",
    num_threads=1, minloglevel=2,
)
sp = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
odd = [
    "", " ", "  two  spaces \t tab\n\nline ", "Café cafe\u0301 ÅNGSTRÖM ﬁne ①②㌔ ｶﾞ １２３", "👩‍👩‍👧‍👦 🇨🇳 ☃️ \u200b\u00ad", "日本語 한국어 עברית ไทย",
    "\u3000全角\u3000空格\u00a0", "▁ is a mark ▁▁", "a\u0000b", "\ufb01\ufdfa", "ａｂｃ　ＤＥＦ", "…。！？", "\u0301 accent alone", "x" * 300, " \u0001 c",
]
cases = odd + [line[:120] for line in lines[4000:4320]]
with open(os.path.join(HERE, "pieces.jsonl"), "w", encoding="utf8") as file:
    for text in cases:
        file.write(json.dumps([text, sp.encode(text, out_type=str)], ensure_ascii=False) + "\n")
with open(os.path.join(HERE, "small.model.zst"), "wb") as file:
    file.write(zstandard.ZstdCompressor(19).compress(out.getvalue()))
