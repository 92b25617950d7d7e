"""Makes models/encoder/golden: tiny models with weights by chance (a seed), and what transformers makes of some texts.

    python3 golden.py models/encoder/golden      with transformers 5.24, torch, safetensors and tokenizers
"""
import json, pathlib, sys
import torch, transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (BertConfig, BertForSequenceClassification, ModernBertConfig, ModernBertForSequenceClassification,
                          RobertaConfig, RobertaForSequenceClassification)

TEXTS = ["A river rises in the hills.", "今天天气很好，我们去公园。", "a", "The quick brown fox jumps over the lazy dog. " * 6,
         "河水流过田野、城镇和沼泽，走了很长的路，最后流入大海。" * 2, "[SEP] </s> [CLS]", "x = 3.14; print(x)\n"]
CORPUS = [text for text in TEXTS for _ in range(3)]

def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=220, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer

def bytes_(specials, first, last):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, specials.index(first)), (last, specials.index(last))])
    return tokenizer

common = dict(hidden_size=24, num_attention_heads=2, intermediate_size=40, initializer_range=0.3)
def bert():
    tokenizer = wordpiece()
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=2, max_position_embeddings=96, num_labels=1, **common)
    return tokenizer, BertForSequenceClassification(config)

def roberta():
    tokenizer = bytes_(["<s>", "<pad>", "</s>", "<unk>"], "<s>", "</s>")
    config = RobertaConfig(vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=2, max_position_embeddings=258, type_vocab_size=1,
                           layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                           id2label={0: "good", 1: "poor", 2: "odd"}, label2id={"good": 0, "poor": 1, "odd": 2}, **common)
    return tokenizer, RobertaForSequenceClassification(config)

def modernbert():
    tokenizer = bytes_(["[PAD]", "[CLS]", "[SEP]", "[UNK]"], "[CLS]", "[SEP]")
    config = ModernBertConfig(vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=4, max_position_embeddings=256, local_attention=16,
                              initializer_cutoff_factor=3.0, classifier_pooling="mean", problem_type="multi_label_classification",
                              pad_token_id=0, cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2,
                              id2label={0: "toxic", 1: "advert"}, label2id={"toxic": 0, "advert": 1}, **common)
    return tokenizer, ModernBertForSequenceClassification(config)

root = pathlib.Path(sys.argv[1])
for make in (bert, roberta, modernbert):
    torch.manual_seed(7)
    tokenizer, model = make()
    folder = root / make.__name__
    folder.mkdir(parents=True, exist_ok=True)
    for name, parameter in model.named_parameters():  # norms and biases that do something
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0, 0.2)
    # Weights of 16 bits: smaller files, and bf16 and f16 are read.
    kind = {"bert": torch.float32, "roberta": torch.float16, "modernbert": torch.bfloat16}[make.__name__]
    for parameter in model.parameters():
        parameter.data = parameter.data.to(kind).float()
    model.eval()
    model.config._attn_implementation = "eager"
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    model.config.architectures = [type(model).__name__]
    (folder / "config.json").write_text(model.config.to_json_string())
    state = {name: tensor.to(kind).contiguous() for name, tensor in model.state_dict().items() if not name.endswith("position_ids")}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.encode_special_tokens = True
    rows = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        with torch.no_grad():
            body = model.base_model(torch.tensor([ids])).last_hidden_state[0]
            logits = model(torch.tensor([ids])).logits[0]
        scores = {"bert": lambda x: x, "roberta": lambda x: x.softmax(-1), "modernbert": torch.sigmoid}[make.__name__](logits)
        mean = body.mean(0)
        rows.append({"text": text, "ids": ids, "scores": scores.tolist(), "embedding": (mean / mean.norm()).tolist()})
    (folder / "expected.json").write_text(json.dumps({"transformers": transformers.__version__, "torch": torch.__version__, "rows": rows}, ensure_ascii=False) + "\n")
    print(make.__name__, len(tokenizer.get_vocab()), [round(score, 4) for row in rows for score in row["scores"]])
head = torch.zeros(2, 24)
head[0, 0] = 2
save_file({"weight": head, "bias": torch.tensor([0.0, 0.5])}, root / "head.safetensors",
          metadata={"labels": "double\nhalf", "problem": "regression", "pooling": "mean"})
