"""Writes filters/golden/evalweb.jsonl: texts, and the folder that ChineseWebText's preprocess.py puts each into.

    evalweb.py FOLDER_OF_CHECKOUT > filters/golden/evalweb.jsonl      (CASIA-LM/ChineseWebText, de83375; pip install zhconv numpy tqdm)

All texts are in simplified Chinese, since traditional Chinese is another step's to tell."""
import json, os, sys, tempfile

sys.path.insert(0, os.path.abspath(sys.argv[1]))
from preprocess import preprocess

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
