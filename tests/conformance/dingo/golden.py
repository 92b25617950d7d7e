"""Writes filters/golden/dingo.jsonl: texts, the rules of dingo's group `pretrain` they break, and their
words by NLTK's `word_tokenize`. Run with the Python of run.sh: golden.py > filters/golden/dingo.jsonl"""
import json
from nltk.tokenize import word_tokenize
from dingo.io import Data
from dingo.model.model import Model
import dingo.model.rule.rule_common  # noqa: F401

PROSE = ("The river and the town that lie beside it have a long history, with many floods.\n"
         "We have walked there often. It is quiet in the winter, and the water is cold.\n"
         "Who would have thought that so few people live there now?\n")
TEXTS = [
    PROSE, "", " ", "a:", PROSE + "He said:", PROSE.upper(), PROSE * 3, PROSE.replace(".\n", "…\n"), PROSE.replace(".\n", "\n"),
    PROSE + "12, 34. " * 20, PROSE + "a&nbsp;b&nbsp;c&lt.", PROSE + "身份证号：11010519491231002X。", PROSE + "号码：11010519491231002X。",
    PROSE.replace("The ", "• The ").replace("We ", "▪ We ").replace("Who ", "– Who "), "JavaScript\njavascript: on\nuse Java-Script\nit is\n",
    PROSE + "Lorem, ipsum dolor.", PROSE + "x y " * 50, PROSE + "institutionalization unconstitutionally " * 30, PROSE + "house tree river stone " * 29,
    PROSE + "\ufffd\ufffd□ <|end|>", PROSE + "# it is # " * 30, PROSE + "so " * 600, PROSE + "Write to me@example.org.", PROSE + "Call 13812345678!",
    PROSE + "At 10.0.0.1 or 999.1.1.1.", PROSE + "Card 4111 1111 1111 1111.", "这条河发源于群山之中，离海很远。穿过田野、城镇和沼泽！最后流入大海。" * 3,
    "中文abc 混排text，一二三。四五六!七八。\u3000“引号”‘单’", "Mr. Smith said: \"No.\" He left... Then 3.5. Dr. J. Bach, Jr., came vs. nobody. And so on.",
    "I can't, won't and cannot; it's the dogs' (old) house! D'ye want 1,000 or 3:30? 'Tis gonna be lemme see, wanna?",
    "We'll've gone, don’t «you» “see” it. U.S. dollars. The U.S. He said. In Nov. 5 he was at No. 7. (That is so.) \"Why?\" --- He: -- x--y.",
    "See http://a.com/?q=1&b=2 ``quoted'' ''so'' `x` a,b:c ::x,, 5,000:30 e.g. this i.e. that etc. End.\" 'Quote.' Next.",
    "He came at 5 p.m. Monday. It cost $5.00 (U.K. price). \"Really?\" she said. [No.] {Yes.} <Maybe.> ... and. . . so ....",
    "n't 's 'll 'S' ''' \" '\" (\"a\") [''b''] c''. d'. e\" f.\" g.') h.”  ", "\"Start. And \"mid\" end\"", "So B. Smith. J.P. Morgan & Co. said 1. no 2. Yes.",
]
for text in TEXTS:
    rules = sorted(name for rule in Model.rule_groups["pretrain"] for name in [rule.__name__] if rule.eval(Data(data_id="0", content=text)).status)
    words = word_tokenize(text)
    print(json.dumps({"text": text, "rules": rules, "words": words}, ensure_ascii=False))
