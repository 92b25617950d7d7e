//! Whose signatures are reproduced.

use wanjuan_filters::kit::Profile;

/// Settings of a signature, and of what is done with it, under one name. Their `about` says what is reproduced, of which version, and the probability that
/// a pair becomes a candidate at a Jaccard index of .5, .6, .7, .8, .9 and .95.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "wanjuan",
        settings: "",
        about: "Our own: words and characters at once for every language, a hash that slides, permutations of 32 bits. \
                25 bands of 5 rows miss one pair in 20,000 at .8; what is found is meant to be verified. \
                Candidates: .548 .868 .990 1.000 1.000 1.000.",
    },
    Profile {
        name: "datatrove",
        settings: "bands = 14\nrows = 8\nngram = 5\ntokens = 'simplified'\nhash = 'xxh64'\npermutations = 'mersenne61'\nseed = 1\nverify = 'none'",
        about: "`MinhashDedupSignature` of datatrove 0.10 with its defaults: XXH64 of five words of the simplified text. \
                Signatures are equal bit for bit where the words are (set `words`). A text of fewer than five words has none. \
                Candidates: .053 .211 .565 .924 1.000 1.000.",
    },
    Profile {
        name: "fineweb",
        settings: "bands = 14\nrows = 8\nngram = 5\ntokens = 'simplified'\nhash = 'sha1_64'\npermutations = 'mersenne61'\nseed = 1\nverify = 'none'",
        about: "FineWeb (arXiv:2406.17557): as `datatrove` with `HashConfig(hash_fc=\"sha1\", precision=64)`. Bit for bit what \
                datatrove 0.10 signs so; FineWeb itself was made with NLTK's English words (`words = 'treebank'` is near). \
                Candidates: .053 .211 .565 .924 1.000 1.000.",
    },
    Profile {
        name: "nemo-curator",
        settings: "bands = 20\nrows = 13\nngram = 24\ntokens = 'characters'\nhash = 'murmur3_32'\npermutations = 'cudf'\nseed = 42\nverify = 'none'",
        about: "`MinHashStage` of NeMo Curator 1.4 over cuDF: 24 characters as they stand, MurmurHash3. By the formula of \
                cuDF's kernel; it needs a GPU, so signatures were compared with the formula in numpy and mmh3, never with cuDF. \
                An empty text has none here, and zeros there. \
                Candidates: .002 .026 .177 .677 .997 1.000.",
    },
    Profile {
        name: "data-juicer",
        settings: "bands = 25\nrows = 10\nngram = 5\ntokens = 'spaces'\nhash = 'sha1_32'\npermutations = 'mersenne61_32_pairs'\nseed = 42\nverify = 'none'",
        about: "`document_minhash_deduplicator` of Data-Juicer 1.6 with its defaults, bit for bit. `tokens = 'lower_characters'` is \
                its `character`, for Chinese; its `punctuation` and `sentencepiece` are not here. A text without a shingle has \
                no signature; Data-Juicer takes all of them for copies of each other. \
                Candidates: .024 .141 .511 .942 1.000 1.000.",
    },
    Profile {
        name: "text-dedup",
        settings: "bands = 25\nrows = 10\nngram = 5\ntokens = 'non_word'\nhash = 'sha1_32'\npermutations = 'mersenne61_32'\nseed = 42\nverify = 'jaccard'\nthreshold = 0.7",
        about: "`text_dedup.minhash` of text-dedup 0.4 with its defaults (250 permutations for .7, SHA-1, 64 bits), bit for bit; \
                `hash = 'xxh3_32'` is its `xxh3`. It leaves texts of fewer than five pieces out; here they have no signature. \
                Candidates: .024 .141 .511 .942 1.000 1.000.",
    },
    Profile {
        name: "redpajama",
        settings: "bands = 14\nrows = 9\nngram = 13\ntokens = 'normalized'\nhash = 'sha1_32'\npermutations = 'mersenne61_32_pairs'\nseed = 42\nverify = 'none'",
        about: "RedPajama-V2 (`app/src/dedupe/minhash.py` at 855a8e0), its 128 permutations split for .7, bit for bit; \
                `bands = 9, rows = 13` is its split for .8, `bands = 5, rows = 25` for .9. Thirteen words, as the paper says; \
                seed and permutations are the script's. \
                Candidates: .027 .132 .438 .867 .999 1.000.",
    },
    Profile {
        name: "slimpajama",
        settings: "bands = 9\nrows = 13\nngram = 6\ntokens = 'plain_characters'\nhash = 'sha1_32'\npermutations = 'mersenne61_32_pairs'\nseed = 1\nverify = 'none'",
        about: "SlimPajama (`to_hash.py` of Cerebras' model zoo): datasketch before 2.0 with 128 permutations, split for .8. The \
                script takes 6 characters where its authors write of 13-grams; this follows the script. \
                Candidates: .001 .012 .084 .399 .929 .998.",
    },
    Profile {
        name: "olmo3",
        settings: "bands = 26\nrows = 11\nngram = 5\ntokens = 'tokenizer'\nhash = 'rolling'\npermutations = 'multiply128'\nseed = 1\nverify = 'jaccard'\nthreshold = 0.8\nkeep = 'newest'",
        about: "OLMo 3 by duplodocus: five tokens of cl100k, 26 bands of 11. Tokens, shingles and bands are its own; hashes and \
                permutations (two seeded ahash, ChaCha20) are not, so that signatures differ and candidates have the same law. \
                A text shorter than a shingle is one. OLMo 3 then verifies at .8. \
                Candidates: .013 .090 .405 .903 1.000 1.000.",
    },
    Profile {
        name: "internlm2",
        settings: "bands = 14\nrows = 9\nngram = 5\nverify = 'none'\nkeep = 'newest'",
        about: "InternLM2 (arXiv:2403.17297, 3.1.1): 128 permutations of 5-grams for .7. Tokens, hashes and the split are not \
                published: the split is datasketch's, the rest our own. \
                Candidates: .027 .132 .438 .867 .999 1.000.",
    },
];

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use proptest::prelude::*;
    use sha1::{Digest, Sha1};
    use wanjuan_filters::kit::Words;

    use super::super::{Scratch, Settings, Signer, Tokens, bands_for, probability};
    use super::*;

    fn signer(profile: &Profile) -> Signer {
        let settings = signed_by(profile);
        match settings.tokens {
            Tokens::Tokenizer => {
                Signer::with_tokenizer(&settings, |text, tokens| tokens.extend(text.chars().map(u32::from)))
            }
            _ => Signer::new(&settings),
        }
        .unwrap_or_else(|wrong| panic!("{}: {}", profile.name, wrong.what))
    }

    /// What of a profile a signature is made of.
    fn signed_by(profile: &Profile) -> Settings {
        let mut settings: toml::Table = toml::from_str(profile.settings).unwrap();
        settings.retain(|name, _| !matches!(name, "verify" | "threshold" | "keep"));
        settings.try_into().unwrap()
    }

    #[test]
    fn every_profile_can_be_used_and_says_what_it_finds() {
        for profile in PROFILES {
            let settings = signer(profile).settings().clone();
            let found = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95].map(|jaccard| {
                let number = format!("{:.3}", probability(settings.bands, settings.rows, jaccard));
                number.strip_prefix('0').unwrap_or(&number).to_owned()
            });
            let found = format!("Candidates: {}.", found.join(" "));
            assert!(profile.about.ends_with(&found), "{}: {found}", profile.name);
        }
    }

    /// What peers sign of the first 250 English and Chinese texts of the sample: see `dedup/golden/README.md`.
    #[test]
    fn signatures_are_those_of_the_peers() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let sample = std::fs::File::open(folder.join("../pipelines/sample/mixed.jsonl.zst")).unwrap();
        let lines = BufReader::new(zstd::Decoder::new(sample).unwrap()).lines();
        let rows: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        let (mut scratch, mut signature) = (Scratch::default(), Vec::new());
        let mut compared = 0;
        for profile in PROFILES {
            for lang in ["en", "zh"] {
                let path = folder.join(format!("golden/minhash-{}-{lang}.txt", profile.name));
                let Ok(golden) = std::fs::read_to_string(path) else { continue };
                let mut settings = signed_by(profile);
                if lang == "zh" {
                    settings.words = Words::Chinese;
                    if settings.tokens == Tokens::Spaces {
                        settings.tokens = Tokens::LowerCharacters;
                    }
                }
                let signer = Signer::new(&settings).unwrap();
                let texts = rows.iter().filter(|row| row["lang"] == lang).map(|row| row["text"].as_str().unwrap());
                for (text, expected) in texts.zip(golden.lines()) {
                    let signed = signer.sign(text, &mut scratch, &mut signature);
                    let bytes: Vec<u8> = signature.iter().flat_map(|least| least.to_le_bytes()).collect();
                    let digest: String =
                        Sha1::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
                    assert_eq!(if signed { &digest } else { "none" }, expected, "{} {lang} {text:.60}", profile.name);
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, 14 * 250);
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let (mut scratch, mut signature) = (Scratch::default(), Vec::new());
        for profile in PROFILES {
            let signer = signer(profile);
            for piece in ["a", "a ", "1.", "\u{301}", "字", "한", "\u{1f600}", "Σ", "\u{302e}"] {
                signer.sign(&piece.repeat(1 << 15), &mut scratch, &mut signature);
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_the_signed_have_shingles(text in "\\PC{0,80}|[a-z0-9 .,字\n\u{301}]{0,200}") {
            let (mut scratch, mut signature, mut shingles) = (Scratch::default(), Vec::new(), Vec::new());
            for profile in PROFILES {
                let signer = signer(profile);
                let signed = signer.sign(&text, &mut scratch, &mut signature);
                prop_assert_eq!(signed, signer.shingles(&text, &mut scratch, &mut shingles));
                prop_assert_eq!(signature.len(), if signed { signer.length() } else { 0 });
                prop_assert!(signer.count_units(&text, &mut scratch) > 0 || !signed);
            }
        }
    }

    #[test]
    fn splits_are_those_of_the_thresholds() {
        assert_eq!(bands_for(0.7, 250), (25, 10)); // text-dedup
        assert_eq!(bands_for(0.7, 256), (25, 10)); // Data-Juicer
        assert_eq!(bands_for(0.7, 128), (14, 9)); // RedPajama-V2, InternLM2
        assert_eq!(bands_for(0.8, 128), (9, 13)); // SlimPajama
    }
}
