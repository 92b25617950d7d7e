use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use proptest::prelude::*;

use super::chars::{Chars, characters, with_words};
use super::train::{Config, Trained, Trainer};
use super::*;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ngram/golden").join(name)
}

const KINDS: [&str; 5] =
    ["test.probing.kenlm", "test.trie.kenlm", "test.q8b7trie.kenlm", "test.a22trie.kenlm", "test.q6b5a64trie.kenlm"];

fn compare(model: &Model, name: &str) {
    let texts = std::fs::read_to_string(golden("texts.txt")).unwrap();
    let scores = std::fs::read_to_string(golden(&format!("{name}.scores"))).unwrap();
    assert_eq!(texts.lines().count(), scores.lines().count());
    for (text, expected) in texts.lines().zip(scores.lines()) {
        let expected: Vec<f64> = expected.split('\t').map(|number| number.parse().unwrap()).collect();
        let score = model.score_line(text);
        assert!((score.log10 - expected[0]).abs() < 1e-4, "{name} `{text}`: {} {}", score.log10, expected[0]);
        assert_eq!([score.words as f64, score.unknown as f64], expected[1..], "{name} `{text}`");
    }
}

#[test]
fn scores_are_those_of_kenlm_for_every_format() {
    for name in ["test.arpa", "test_nounk.arpa"].iter().chain(&KINDS) {
        compare(&Model::load(&golden(name)).unwrap(), name);
    }
}

#[test]
fn a_compressed_arpa_file_is_read_and_a_binary_file_says_the_same() {
    let plain = std::fs::read(golden("test.arpa")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &plain).unwrap();
    compare(&Model::from_bytes(&gzip.finish().unwrap()).unwrap(), "test.arpa");
    compare(&Model::from_bytes(&zstd::encode_all(&plain[..], 3).unwrap()).unwrap(), "test.arpa");
    let binary = Model::from_bytes(&plain).unwrap().to_binary().unwrap();
    compare(&Model::from_bytes(&binary).unwrap(), "test.arpa");
}

#[test]
fn words_before_and_behind_a_sentence_can_be_left_out() {
    let model = Model::load(&golden("test.arpa")).unwrap();
    let words = || "looking on a little".split(' ').map(str::as_bytes);
    let whole = model.score(words());
    let open = model.score_as(words(), true, false);
    assert_eq!((whole.words, open.words), (5, 4));
    assert!(open.log10 > whole.log10);
    assert_ne!(model.score_as(words(), false, false).log10, open.log10);
    assert_eq!(model.score_as([].into_iter(), false, false).perplexity(), None);
}

#[test]
fn a_file_that_is_cut_or_damaged_is_refused_and_none_panics() {
    let arpa = std::fs::read(golden("test.arpa")).unwrap();
    for end in 0..arpa.trim_ascii_end().len() {
        assert!(Model::from_bytes(&arpa[..end]).is_err(), "{end}");
    }
    for name in KINDS {
        let bytes = std::fs::read(golden(name)).unwrap();
        for end in 0..bytes.len() {
            assert!(Model::from_bytes(&bytes[..end]).is_err(), "{name} {end}");
        }
        for at in (0..bytes.len()).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            if let Ok(model) = Model::from_bytes(&damaged) {
                model.score_line("looking on a little more loin");
            }
        }
    }
}

#[test]
fn a_damage_is_told_by_its_line() {
    let arpa = std::fs::read_to_string(golden("test.arpa")).unwrap();
    let wrong = |from: &str, to: &str| Model::from_bytes(arpa.replacen(from, to, 1).as_bytes()).err().unwrap();
    assert!(wrong("-1.383514\t,", "1.5\t,").contains("line 10: the logarithm"), "{}", wrong("-1.383514\t,", "1.5\t,"));
    assert!(wrong("-1.383514\t,", "x\t,").contains("line 10"));
    assert!(wrong("\\2-grams:", "\\3-grams:").contains("expected `\\2-grams:`"));
    assert!(wrong("ngram 2=47", "ngram 2=46").contains("3-grams"));
    assert!(wrong("\\data\\", "\\date\\").contains("`\\data\\`"));
    assert!(wrong("</s>", "<e>").contains("no unigram"));
}

#[test]
fn other_formats_are_refused_with_their_reason() {
    let bytes = std::fs::read(golden(KINDS[0])).unwrap();
    let with = |at: usize, value: u8| {
        let mut other = bytes.clone();
        other[at] = value;
        Model::from_bytes(&other).err().unwrap()
    };
    let version = bytes.iter().position(|&byte| byte == b'5').unwrap();
    assert!(with(version, b'4').contains("format version 4"), "{}", with(version, b'4'));
    // Behind the check of the machine: order, multiplier, kind.
    let kind = 88 + 8;
    assert!(with(kind, 1).contains("rest costs"), "{}", with(kind, 1));
    assert!(with(kind, 9).contains("kind 9"));
    assert!(Model::from_bytes(b"").err().unwrap().contains("too early"));
}

fn train(config: Config, lines: &[&str]) -> Trained {
    let mut trainer = Trainer::new(config).unwrap();
    for line in lines {
        trainer.push(line.split_ascii_whitespace().map(str::as_bytes)).unwrap();
    }
    trainer.finish().unwrap()
}

fn packed(trained: &Trained) -> Vec<u8> {
    let mut packed = Vec::new();
    let unpacked = trained.write_packed(&mut packed).unwrap();
    assert_eq!(zstd::decode_all(&packed[..]).unwrap().len() as u64, unpacked);
    packed
}

fn arpa(trained: &Trained) -> String {
    let mut out = Vec::new();
    trained.write_arpa(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Modified Kneser-Ney as Chen and Goodman write it down, with maps: the probability of a word behind a context.
struct Plain {
    order: usize,
    /// By order and n-gram, the first word first.
    counts: Vec<BTreeMap<Vec<String>, u64>>,
    discounts: Vec<[f64; 3]>,
    words: usize,
}

impl Plain {
    fn new(order: usize, lines: &[&str]) -> Plain {
        let mut raw = vec![BTreeMap::<Vec<String>, u64>::new(); order];
        for line in lines {
            let mut words = vec!["<s>".to_owned()];
            words.extend(line.split_ascii_whitespace().map(str::to_owned));
            words.push("</s>".to_owned());
            for n in 1..=order {
                for gram in words.windows(n) {
                    *raw[n - 1].entry(gram.to_vec()).or_default() += 1;
                }
            }
        }
        let mut counts = raw.clone();
        for n in 1..order {
            let mut before: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
            for gram in raw[n].keys() {
                before.entry(gram[1..].to_vec()).or_default().insert(gram[0].clone());
            }
            for (gram, count) in &mut counts[n - 1] {
                if gram[0] != "<s>" {
                    *count = before.get(gram).map_or(0, |before| before.len() as u64);
                }
            }
        }
        counts[0].remove(&vec!["<s>".to_owned()]);
        let discounts = counts.iter().map(|counts| {
            let of = |times: u64| counts.values().filter(|&&count| count == times).count() as f64;
            let y = of(1) / (of(1) + 2.0 * of(2));
            let found = [1.0, 2.0, 3.0].map(|j: f64| j - (j + 1.0) * y * of(j as u64 + 1) / of(j as u64));
            let fits = found.iter().zip([1.0, 2.0, 3.0]).all(|(d, j)| *d >= 0.0 && *d <= j);
            if fits { found } else { [0.5, 1.0, 1.5] }
        });
        let discounts = discounts.collect();
        let words = counts[0].len() + 1;
        Plain { order, counts, discounts, words }
    }

    fn prob(&self, gram: &[String]) -> f64 {
        let Some((word, context)) = gram.split_last() else { return 1.0 / self.words as f64 };
        let discounts = self.discounts[gram.len() - 1];
        let of = |count: u64| if count == 0 { 0.0 } else { discounts[count.min(3) as usize - 1] };
        let follow = self.counts[gram.len() - 1].iter().filter(|(gram, _)| gram[..gram.len() - 1] == *context);
        let (mut sum, mut rest, mut own) = (0.0, 0.0, 0.0);
        for (gram, &count) in follow {
            sum += count as f64;
            rest += of(count);
            if gram.last() == Some(word) {
                own = count as f64 - of(count);
            }
        }
        let shorter = &gram[1..];
        let below = if gram.len() == 1 { 1.0 / self.words as f64 } else { self.prob(shorter) };
        if sum == 0.0 { below } else { own / sum + rest / sum * below }
    }

    fn score(&self, line: &str) -> f64 {
        let mut words = vec!["<s>".to_owned()];
        words.extend(line.split_ascii_whitespace().map(str::to_owned));
        words.push("</s>".to_owned());
        (1..words.len()).map(|at| self.prob(&words[(at + 1).saturating_sub(self.order)..=at]).log10()).sum()
    }
}

fn corpus() -> Vec<&'static str> {
    TEXT.lines().collect()
}

const TEXT: &str = "the river runs past the old mill and the old mill stands by the river\n\
    a river is a stream of water and a mill is a house by a river\nthe old house stands\n\nthe mill\n\
    the river runs to the sea and the sea is wide\na sea is a sea\nand the river runs\n河 水 流 过 河 边 的 旧 磨 坊\n河 水";

#[test]
fn a_trained_model_is_that_of_plain_code() {
    for order in 1..=5 {
        let lines = corpus();
        let trained = train(Config { order, ..Config::default() }, &lines);
        let model = Model::from_bytes(arpa(&trained).as_bytes()).unwrap();
        let plain = Plain::new(order, &lines);
        for (found, expected) in trained.discounts().iter().zip(&plain.discounts) {
            assert_eq!(found.values, *expected, "order {order}");
        }
        for line in lines.iter().chain(&["the sea runs by the old water", "river", "unheard of", ""]) {
            let (found, expected) = (model.score_line(line).log10, plain.score(line));
            assert!((found - expected).abs() < 1e-4, "order {order} `{line}`: {found} {expected}");
        }
    }
}

#[test]
fn threads_and_memory_do_not_show() {
    let text = "a b c d e f g a c e g b d f a a b b c c d d".repeat(40);
    let words: Vec<&str> = text.split(' ').collect();
    let lines: Vec<String> = (0..400).map(|at| words[at..(at * 7) % 300 + at + 1].join(" ")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let with = |memory, threads| {
        let trained = train(Config { order: 4, memory, threads, ..Config::default() }, &lines);
        (arpa(&trained), packed(&trained))
    };
    let whole = with(1 << 28, 1);
    // The least room is that of 1024 rows: 60,000 n-grams make runs enough that they are merged twice.
    assert_eq!(whole, with(0, 1));
    assert_eq!(whole, with(100_000, 3));
}

#[test]
fn what_is_trained_is_written_in_every_format() {
    let trained = train(Config { order: 3, ..Config::default() }, &corpus());
    let arpa = Model::from_bytes(arpa(&trained).as_bytes()).unwrap();
    let model = trained.model().unwrap();
    let binary = Model::from_bytes(&model.to_binary().unwrap()).unwrap();
    let packed = packed(&trained);
    let small = Model::from_bytes(&packed).unwrap();
    for line in corpus() {
        let score = arpa.score_line(line);
        assert_eq!(score, binary.score_line(line));
        assert!((score.log10 - model.score_line(line).log10).abs() < 1e-4);
        // There are fewer n-grams than steps.
        assert!((score.log10 - small.score_line(line).log10).abs() < 0.01 * score.words as f64);
    }
    for end in 0..packed.len() {
        assert!(Model::from_bytes(&packed[..end]).is_err(), "{end}");
    }
    for at in 0..packed.len() {
        let mut damaged = packed.clone();
        damaged[at] ^= 0x10;
        if let Ok(model) = Model::from_bytes(&damaged) {
            assert_eq!(model.score_line(corpus()[0]), small.score_line(corpus()[0]), "{at}");
        }
    }
}

#[test]
fn a_pruned_model_still_gives_all_words_together_a_probability_of_one() {
    let trained = train(Config { order: 3, prune: vec![0, 0, 1], ..Config::default() }, &corpus());
    let whole = train(Config { order: 3, ..Config::default() }, &corpus());
    assert!(trained.counts()[2] < whole.counts()[2] && trained.counts()[1] == whole.counts()[1]);
    for trained in [trained, whole] {
        let model = trained.model().unwrap();
        for context in ["", "the", "the old", "river runs", "unheard"] {
            let mut state = model.sentence();
            for word in context.split_ascii_whitespace() {
                let mut next = State::default();
                model.step(&state, model.word(word.as_bytes()), &mut next);
                state = next;
            }
            let ids = (0..model.counts()[0] as u32).filter(|&id| id != model.begin);
            let sum: f64 = ids.map(|id| 10_f64.powf(f64::from(model.step(&state, id, &mut State::default())))).sum();
            assert!((sum - 1.0).abs() < 1e-4, "`{context}` {sum}");
        }
    }
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let wrong = |config: Config| Trainer::new(config).err().unwrap().to_string();
    assert!(wrong(Config { order: 7, ..Config::default() }).contains("from 1 to 6"));
    assert!(wrong(Config { prune: vec![0, 2, 1], ..Config::default() }).contains("prune"));
    assert!(Trainer::new(Config::default()).unwrap().finish().err().unwrap().to_string().contains("no sentence"));
    let mut trainer = Trainer::new(Config::default()).unwrap();
    assert!(trainer.push([&b"a b"[..]].into_iter()).is_err());
    trainer.push([&b"<s>"[..], b"a", b"<unk>"].into_iter()).unwrap();
    assert_eq!(trainer.finish().unwrap().counts()[0], 4);
}

#[test]
fn characters_are_lower_case_with_digits_alike_and_one_space_for_many() {
    assert_eq!(characters("  A\t \u{3000}字9２É ").collect::<String>(), "a▁字00é");
    assert_eq!(characters("İ").collect::<String>(), "İ");
    let mut trainer = Trainer::new(Config { order: 3, ..Config::default() }).unwrap();
    for line in corpus() {
        with_words(line, |words| trainer.push(words)).unwrap();
    }
    let chars = Chars::new(trainer.finish().unwrap().model().unwrap());
    for line in ["The  river 9\t runs", "", "河水 流过", "𝒳 no such", "İ"] {
        let plain = with_words(line, |words| chars.model().score(words));
        assert_eq!(chars.score(line), plain, "{line}");
    }
}

#[test]
fn hashes_of_words_are_those_of_murmur() {
    // Of Appleby's MurmurHash64A with seed 0, by KenLM's own tables: each word is found in a file that KenLM wrote.
    let model = Model::load(&golden("test.probing.kenlm")).unwrap();
    let arpa = Model::load(&golden("test.arpa")).unwrap();
    let names = arpa.names.as_ref().unwrap();
    let known: HashMap<_, _> = (1..names.len()).map(|id| (names.get(id), model.word(names.get(id)))).collect();
    assert_eq!(known.len(), 36);
    assert!(known.values().all(|&id| id != UNKNOWN));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_small_corpus_gives_the_model_of_plain_code(
        lines in prop::collection::vec("([abcd] ){0,7}", 1..12), order in 1..5_usize, other in "([abcde] ){0,6}"
    ) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let model = train(Config { order, ..Config::default() }, &lines).model().unwrap();
        let plain = Plain::new(order, &lines);
        for line in lines.iter().copied().chain([&other[..]]) {
            let (found, expected) = (model.score_line(line).log10, plain.score(line));
            prop_assert!((found - expected).abs() < 1e-3 || expected.is_infinite(), "{} {}", found, expected);
        }
    }
}

#[test]
fn a_folder_that_another_process_has_is_left_to_it() {
    let parent = tempfile::tempdir().unwrap();
    // Another machine's process of the same number was here before.
    for number in 0..200 {
        std::fs::create_dir(parent.path().join(format!("ngrams-{}-{number}", std::process::id()))).unwrap();
    }
    let config = Config { order: 2, folder: parent.path().to_owned(), ..Config::default() };
    let trained = train(config, &["a b", "a c"]);
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 201);
    drop(trained);
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 200);
}
