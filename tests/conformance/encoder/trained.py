"""Loads folders that were trained with the library's own classes, and compares scores of all texts that ours scored."""
import json, pathlib, sys
import torch, transformers
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification

worst = 0.0
for folder in map(pathlib.Path, sys.argv[1:]):
    model, told = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
    wrong = {name: list(told[name]) for name in ("missing_keys", "unexpected_keys", "mismatched_keys") if told[name]}
    assert not wrong, f"{folder}: {wrong}"
    assert model.dtype == torch.float32, model.dtype
    model.eval()
    config = model.config
    most = config.max_position_embeddings - (config.pad_token_id + 1 if "roberta" in config.model_type else 0)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding(); tokenizer.enable_truncation(most)
    tokenizer.encode_special_tokens = True  # special tokens that stand in a text are text
    apart, count = 0.0, 0
    for line in (folder / "ask.jsonl").read_text().splitlines():
        row = json.loads(line)
        with torch.no_grad():
            logits = model(torch.tensor([tokenizer.encode(row["text"]).ids])).logits[0]
        scores = logits if config.problem_type == "regression" else logits.softmax(-1)
        ours = [row["scores"][config.id2label[at]] for at in range(config.num_labels)]
        apart = max(apart, max(abs(a - b) for a, b in zip(scores.tolist(), ours)))
        count += 1
    print(f"{type(model).__name__} of transformers {transformers.__version__}: {count} texts, scores at most {apart:.1e} apart")
    worst = max(worst, apart if count else 1.0)
sys.exit(1 if worst > 1e-4 else 0)
