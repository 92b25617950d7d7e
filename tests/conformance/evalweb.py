"""Asks ChineseWebText's preprocess.py into which folder it puts a text (CASIA-LM/ChineseWebText, de83375; pip install
zhconv numpy tqdm zstandard).

    evalweb.py FOLDER_OF_CHECKOUT > filters/golden/evalweb.jsonl
    evalweb.py FOLDER_OF_CHECKOUT BINARY LANGS FILE.jsonl.zst...

The first writes texts of ours and their folders: all in simplified Chinese, as traditional Chinese is told otherwise here.
The second compares `evalweb` on the rows whose `lang` is asked for (zh,zh-hant; or all). BINARY is `cargo build
--profile bench -p wanjuan-filters --example measure`. Sensitive words are those of filters/data/zh_sensitive/porn.txt
and violence.txt. Exits 1 below 99.5 % agreement."""
import collections, json, os, sys, tempfile

sys.path.insert(0, os.path.abspath(sys.argv[1]))
from preprocess import preprocess

FOLDERS = ("length", "character", "sensitive", "duplication", "remain")
# The order of the folders is that of the rules; two of ours go to one folder.
OURS = {"too_few_chars": "length", "lines_too_short": "length", "too_little_chinese": "character", "traditional_chinese": "character",
        "too_many_sensitive_words": "sensitive", "repeats_itself": "duplication", "-": "remain"}

def corpus(binary, langs, files):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import gopher

    texts = gopher.read(files, langs.split(","))
    data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../filters/data/zh_sensitive")
    words = [f"{data}/{name}.txt" for name in ("porn", "violence")]
    settings = f"sensitive_words = {json.dumps([os.path.realpath(path) for path in words])}"
    found = gopher.ours(binary, "evalweb@chinesewebtext", texts, settings)
    peer = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("dict.txt", "w") as file:
            for path in words:
                with open(path) as lines:
                    file.write("".join(f"1\t{line.strip()}\n" for line in lines if line.strip() and not line.startswith("#")))
        os.mkdir("day")
        with open("day/all.jsonl", "w") as file:
            for at, text in enumerate(texts):
                file.write(json.dumps({"raw_content": text, "url": at, "title": "", "source_domain": ""}) + "\n")
        preprocess("./day/all.jsonl")
        for name in FOLDERS:
            with open(f"day/{name}/all.jsonl") as file:
                peer.update({json.loads(line)["info"]["url"]: name for line in file})
    assert len(peer) == len(texts), "the original gave up on a text"
    verdicts, kinds, examples = 0, collections.Counter(), {}
    for at, (text, measures) in enumerate(zip(texts, found, strict=True)):
        wanted, reason = peer[at], measures["reason"]
        verdicts += (wanted == "remain") == (reason == "-")
        if wanted != OURS[reason]:
            kinds[wanted, reason] += 1
            examples.setdefault((wanted, reason), []).append((at, text[:60]))
    share = verdicts / len(texts)
    print(f"{verdicts} of {len(texts)} verdicts equal ({share:.2%}); by folder: {dict(collections.Counter(peer.values()))}")
    for kind, count in kinds.most_common():
        print(f"    {count:>5}  the original {kind[0]}, ours {kind[1]}")
        for at, head in examples[kind][:6]:
            print(f"           {at} {head!r} {diff(texts[at])}")
    return share

def diff(text):
    """What zhconv changes first, to tell why."""
    from zhconv import convert
    other = convert(text, "zh-cn")
    at = next((i for i, (x, y) in enumerate(zip(text, other)) if x != y), None)
    return None if at is None else f"{text[max(0, at - 3) : at + 5]!r} to {other[max(0, at - 3) : at + 5]!r}"

if len(sys.argv) > 2:
    sys.exit(1 if corpus(sys.argv[2], sys.argv[3], [os.path.abspath(path) for path in sys.argv[4:]]) < 0.995 else 0)

digits = "零一二三四五六七八九"
def prose(lines):
    return "".join(f"第{digits[n // 10 % 10]}{digits[n % 10]}天他去了河边，看见{digits[n * 7 % 10]}条船。\n" for n in range(lines))
runs = "".join(chr(0x4e00 + n * 7 % 500) for n in range(400))
simple = "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联"
texts = ["", prose(3), prose(30), simple[:200], simple[:201], simple, prose(30).replace("，", "\n\n\n"), "The river and the town. " * 9,
         "abc" * 100 + simple[:127], "abc" * 100 + simple[:130], prose(10) * 3, simple + simple, simple + simple[:100], (simple[:99] + "\n") * 3, "赌博毒品" + simple, "赌" + simple + "\n" + simple[::-1],
         "赌博" + simple + "\n" + simple[::-1] + "\n" + simple[::2] + "\n" + simple[1::3], "字" * 300, simple.lower() + "\n" + "A b\tC" * 40]
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    with open("dict.txt", "w") as file:
        file.write("1\t赌博\n1\t毒品\n2\t赌\n")
    os.mkdir("day")
    for text in texts:
        with open("day/one.jsonl", "w") as file:
            file.write(json.dumps({"raw_content": text, "url": "", "title": "", "source_domain": ""}) + "\n")
        preprocess("./day/one.jsonl")
        [into] = [name for name in ("length", "character", "sensitive", "duplication", "remain") if os.path.getsize(f"day/{name}/one.jsonl")]
        print(json.dumps({"text": text, "folder": into}, ensure_ascii=False))
