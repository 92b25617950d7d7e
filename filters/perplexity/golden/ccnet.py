"""Makes `ccnet.jsonl` beside itself: texts and their perplexities, as CCNet computes them: `ccnet.py CCNET ARPA MODEL TEXTS`.

CCNET is a clone of github.com/facebookresearch/cc_net, whose text_normalizer is used; ARPA (zstd) and MODEL (zstd) are
`ccnet.arpa.zst` beside this file and models/sentencepiece/golden/small.model.zst; TEXTS are JSON lines with `text`. Needs
PyPI kenlm, sentencepiece and zstandard. ccnet.arpa.zst was made by
`wanjuan train-scorer --kind ngram --order 3 --ccnet --units pieces --pieces small.model --prune 0,0,1 --held-out 0`.
"""
import importlib.util, json, os, sys, tempfile
import kenlm, sentencepiece, zstandard

HERE = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("text_normalizer", os.path.join(sys.argv[1], "cc_net/text_normalizer.py"))
text_normalizer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(text_normalizer)
unpack = lambda path: zstandard.ZstdDecompressor().stream_reader(open(path, "rb")).read()
with tempfile.NamedTemporaryFile(suffix=".arpa") as arpa:
    arpa.write(unpack(sys.argv[2]))
    arpa.flush()
    model = kenlm.Model(arpa.name)
sp = sentencepiece.SentencePieceProcessor(model_proto=unpack(sys.argv[3]))
with open(os.path.join(HERE, "ccnet.jsonl"), "w", encoding="utf8") as file:
    for line in open(sys.argv[4], encoding="utf8"):
        text = json.loads(line)["text"]
        tokens = " ".join(sp.encode_as_pieces(text_normalizer.normalize(text)))
        score, length = 0, 0
        for part in tokens.split("\n") if tokens else []:
            score += model.score(part)
            length += len(part.split()) + 1
        file.write(json.dumps([text, 10 ** (-score / length) if length else None], ensure_ascii=False) + "\n")
