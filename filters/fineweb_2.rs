//! FineWeb-2's thresholds for eight of its languages, as profiles of three steps.
//!
//! From `configs/<language>_<script>.yml` and `fineweb-2-pipeline.py` of huggingface/fineweb-2 at 7ee60b3
//! (arXiv:2506.20920, sec. 4): repetition without its rules about paragraphs and characters in lines,
//! FineWeb's rules without the one about short lines, Gopher's quality rules. A test holds the three
//! tables together.

use crate::kit::Profile;

/// One list after another.
pub(crate) const fn join<const A: usize, const B: usize, const N: usize>(
    first: [Profile; A],
    second: [Profile; B],
) -> [Profile; N] {
    assert!(A + B == N);
    let mut all = [Profile { name: "", settings: "", about: "" }; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < A { first[at] } else { second[at - A] };
        at += 1;
    }
    all
}

/// Profiles of `gopher_repetition`.
pub(crate) const REPETITION: [Profile; 8] = [
    Profile {
        name: "fineweb-2-cmn_Hani",
        settings: r#"
            words = "chinese"
            max_dup_paragraphs = 1.0
            max_dup_paragraph_chars = 1.0
            max_dup_line_chars = 1.0
            max_dup_lines = 0.287
            max_top_ngram_chars = [0.256, 0.201, 0.171]
            max_dup_ngram_chars = [0.198, 0.182, 0.167, 0.154, 0.14, 0.127]
        "#,
        about: "FineWeb-2 for Chinese. Words are jieba's, as there.",
    },
    Profile {
        name: "fineweb-2-jpn_Jpan",
        settings: r#"
            words = "japanese"
            max_dup_paragraphs = 1.0
            max_dup_paragraph_chars = 1.0
            max_dup_line_chars = 1.0
            max_dup_lines = 0.375
            max_top_ngram_chars = [0.121, 0.129, 0.145]
            max_dup_ngram_chars = [0.307, 0.283, 0.264, 0.248, 0.234, 0.223]
        "#,
        about: "FineWeb-2 for Japanese. There words are Sudachi's; here two hiragana or two Han characters are one. Of 133 texts 131 have the same verdict of repetition, 126 of quality and all of FineWeb's rules; with each character a word it was 123, 80 and 129.",
    },
    Profile {
        name: "fineweb-2-kor_Hang",
        settings: r#"
            words = "general"
            max_dup_paragraphs = 1.0
            max_dup_paragraph_chars = 1.0
            max_dup_line_chars = 1.0
            max_dup_lines = 0.374
            max_top_ngram_chars = [0.282, 0.228, 0.185]
            max_dup_ngram_chars = [0.201, 0.184, 0.168, 0.154, 0.14, 0.127]
        "#,
        about: "FineWeb-2 for Korean. There words are Kiwi's morphemes; here they stand between spaces, so runs are longer. Its stop words are morphemes that seldom stand alone, so that rule is off. Of 31 texts all have the same verdict of repetition, 25 of quality and 30 of FineWeb's rules.",
    },
    Profile {
        name: "fineweb-2-deu_Latn",
        settings: r#"
            words = "german"
            max_dup_paragraphs = 1.0
            max_dup_paragraph_chars = 1.0
            max_dup_line_chars = 1.0
            max_dup_lines = 0.263
            max_top_ngram_chars = [0.169, 0.153, 0.137]
            max_dup_ngram_chars = [0.141, 0.134, 0.126, 0.117, 0.108, 0.098]
        "#,
        about: "FineWeb-2 for German. Words by spaCy's rules for German, as there.",
    },
    Profile {
        name: "fineweb-2-fra_Latn",
        settings: r#"
            words = "french"
            max_dup_paragraphs = 1.0
            max_dup_paragraph_chars = 1.0
            max_dup_line_chars = 1.0
            max_dup_lines = 0.264
            max_top_ngram_chars = [0.161, 0.149, 0.134]
            max_dup_ngram_chars = [0.15, 0.141, 0.131, 0.121, 0.111, 0.1]
        "#,
        about: "FineWeb-2 for French. Words by spaCy's rules for French, as there.",
    },
    Profile {
        name: "fineweb-2-spa_Latn",
        settings: r#"
            words = "spanish"
            max_dup_paragraphs = 1.0
            max_dup_paragraph_chars = 1.0
            max_dup_line_chars = 1.0
            max_dup_lines = 0.265
            max_top_ngram_chars = [0.077, 0.097, 0.112]
            max_dup_ngram_chars = [0.152, 0.137, 0.123, 0.114, 0.107, 0.099]
        "#,
        about: "FineWeb-2 for Spanish. Words by spaCy's rules for Spanish, as there.",
    },
    Profile {
        name: "fineweb-2-rus_Cyrl",
        settings: r#"
            words = "russian"
            max_dup_paragraphs = 1.0
            max_dup_paragraph_chars = 1.0
            max_dup_line_chars = 1.0
            max_dup_lines = 0.322
            max_top_ngram_chars = [0.184, 0.164, 0.146]
            max_dup_ngram_chars = [0.168, 0.156, 0.145, 0.133, 0.121, 0.109]
        "#,
        about: "FineWeb-2 for Russian. Words by spaCy's rules for Russian, as there.",
    },
    Profile {
        name: "fineweb-2-arb_Arab",
        settings: r#"
            words = "arabic"
            max_dup_paragraphs = 1.0
            max_dup_paragraph_chars = 1.0
            max_dup_line_chars = 1.0
            max_dup_lines = 0.304
            max_top_ngram_chars = [0.197, 0.172, 0.146]
            max_dup_ngram_chars = [0.165, 0.153, 0.142, 0.131, 0.12, 0.109]
        "#,
        about: "FineWeb-2 for Arabic. Words by spaCy's rules for Arabic, as there.",
    },
];

/// Profiles of `fineweb_quality`.
pub(crate) const FINEWEB: [Profile; 8] = [
    Profile {
        name: "fineweb-2-cmn_Hani",
        settings: r#"
            words = "chinese"
            max_short_lines = 1.0
            max_dup_line_chars = 0.1
            min_ended_lines = 0.106
            max_lines_per_word = 0.178
        "#,
        about: "FineWeb-2 for Chinese. Words are jieba's, as there.",
    },
    Profile {
        name: "fineweb-2-jpn_Jpan",
        settings: r#"
            words = "japanese"
            max_short_lines = 1.0
            max_dup_line_chars = 0.1
            min_ended_lines = 0.167
            max_lines_per_word = 0.162
        "#,
        about: "FineWeb-2 for Japanese. There words are Sudachi's; here two hiragana or two Han characters are one. Of 133 texts 131 have the same verdict of repetition, 126 of quality and all of FineWeb's rules; with each character a word it was 123, 80 and 129.",
    },
    Profile {
        name: "fineweb-2-kor_Hang",
        settings: r#"
            words = "general"
            max_short_lines = 1.0
            max_dup_line_chars = 0.1
            min_ended_lines = 0.062
            max_lines_per_word = 0.196
        "#,
        about: "FineWeb-2 for Korean. There words are Kiwi's morphemes; here they stand between spaces, so runs are longer. Its stop words are morphemes that seldom stand alone, so that rule is off. Of 31 texts all have the same verdict of repetition, 25 of quality and 30 of FineWeb's rules.",
    },
    Profile {
        name: "fineweb-2-deu_Latn",
        settings: r#"
            words = "german"
            max_short_lines = 1.0
            max_dup_line_chars = 0.1
            min_ended_lines = 0.0
            max_lines_per_word = 0.152
        "#,
        about: "FineWeb-2 for German. Words by spaCy's rules for German, as there.",
    },
    Profile {
        name: "fineweb-2-fra_Latn",
        settings: r#"
            words = "french"
            max_short_lines = 1.0
            max_dup_line_chars = 0.1
            min_ended_lines = 0.1
            max_lines_per_word = 0.185
        "#,
        about: "FineWeb-2 for French. Words by spaCy's rules for French, as there.",
    },
    Profile {
        name: "fineweb-2-spa_Latn",
        settings: r#"
            words = "spanish"
            max_short_lines = 1.0
            max_dup_line_chars = 0.1
            min_ended_lines = 0.3
            max_lines_per_word = 0.171
        "#,
        about: "FineWeb-2 for Spanish. Words by spaCy's rules for Spanish, as there.",
    },
    Profile {
        name: "fineweb-2-rus_Cyrl",
        settings: r#"
            words = "russian"
            max_short_lines = 1.0
            max_dup_line_chars = 0.1
            min_ended_lines = 0.231
            max_lines_per_word = 0.139
        "#,
        about: "FineWeb-2 for Russian. Words by spaCy's rules for Russian, as there.",
    },
    Profile {
        name: "fineweb-2-arb_Arab",
        settings: r#"
            words = "arabic"
            max_short_lines = 1.0
            max_dup_line_chars = 0.1
            min_ended_lines = 0.143
            max_lines_per_word = 0.189
        "#,
        about: "FineWeb-2 for Arabic. Words by spaCy's rules for Arabic, as there.",
    },
];

/// Profiles of `gopher_quality`.
pub(crate) const QUALITY: [Profile; 8] = [
    Profile {
        name: "fineweb-2-cmn_Hani",
        settings: r#"
            words = "chinese"
            min_mean_chars = 1.0
            max_mean_chars = 5.0
            min_alphabetic_words = 0.735
            stop_words = ["的", "年", "在", "月", "是", "和", "日", "了", "於", "·", "為", "有", "被", "人", "中", "为", "他", "與", "後", "也", "而", "由"]
        "#,
        about: "FineWeb-2 for Chinese. Words are jieba's, as there.",
    },
    Profile {
        name: "fineweb-2-jpn_Jpan",
        settings: r#"
            words = "japanese"
            min_mean_chars = 1.0
            max_mean_chars = 5.0
            min_alphabetic_words = 0.759
            stop_words = ["の", "に", "を", "は", "た", "て", "が", "と", "で", "年", "し", "・", "月", "れ", "さ"]
        "#,
        about: "FineWeb-2 for Japanese. There words are Sudachi's; here two hiragana or two Han characters are one. Of 133 texts 131 have the same verdict of repetition, 126 of quality and all of FineWeb's rules; with each character a word it was 123, 80 and 129.",
    },
    Profile {
        name: "fineweb-2-kor_Hang",
        settings: r#"
            words = "general"
            min_mean_chars = 1.0
            max_mean_chars = 6.0
            min_alphabetic_words = 0.791
            stop_words = ["의", "다", "이", "는", "에", "을", "한", "년", "하", "은", "를", "했", "고", "에서", "가", "있", "으로", "인", "월", "로", "되"]
            min_stop_words = 0
        "#,
        about: "FineWeb-2 for Korean. There words are Kiwi's morphemes; here they stand between spaces, so runs are longer. Its stop words are morphemes that seldom stand alone, so that rule is off. Of 31 texts all have the same verdict of repetition, 25 of quality and 30 of FineWeb's rules.",
    },
    Profile {
        name: "fineweb-2-deu_Latn",
        settings: r#"
            words = "german"
            min_mean_chars = 0.0
            max_mean_chars = 15.0
            min_alphabetic_words = 0.774
            stop_words = ["der", "und", "die", "in", "von", "im", "den", "des", "mit", "das", "er", "dem", "als", "wurde", "für"]
        "#,
        about: "FineWeb-2 for German. Words by spaCy's rules for German, as there.",
    },
    Profile {
        name: "fineweb-2-fra_Latn",
        settings: r#"
            words = "french"
            min_mean_chars = 2.0
            max_mean_chars = 11.0
            min_alphabetic_words = 0.812
            stop_words = ["de", "la", "le", "et", "à", "en", "l'", "des", "du", "les", "est", "d'", "un", "une", "il", "dans", "par", "au"]
        "#,
        about: "FineWeb-2 for French. Words by spaCy's rules for French, as there.",
    },
    Profile {
        name: "fineweb-2-spa_Latn",
        settings: r#"
            words = "spanish"
            min_mean_chars = 4.0
            max_mean_chars = 14.0
            min_alphabetic_words = 0.825
            stop_words = ["de", "la", "en", "el", "y", "a", "que", "del", "los", "se", "por", "un", "con", "una", "las", "su"]
        "#,
        about: "FineWeb-2 for Spanish. Words by spaCy's rules for Spanish, as there.",
    },
    Profile {
        name: "fineweb-2-rus_Cyrl",
        settings: r#"
            words = "russian"
            min_mean_chars = 3.0
            max_mean_chars = 11.0
            min_alphabetic_words = 0.713
            stop_words = ["в", "и", "на", "с", "года", "по", "году", "из", "был", "к", "не", "от", "что", "за", "для", "его", "как", "а", "он", "также", "до", "после"]
        "#,
        about: "FineWeb-2 for Russian. Words by spaCy's rules for Russian, as there.",
    },
    Profile {
        name: "fineweb-2-arb_Arab",
        settings: r#"
            words = "arabic"
            min_mean_chars = 2.0
            max_mean_chars = 9.0
            min_alphabetic_words = 0.787
            stop_words = ["،", "في", "من", "على", "إلى", "عام", "أن", "مع", "أو", "هو", "عن", "التي", "كان", "بين", "ما", "كانت", "هي", "المتحدة", "بعد"]
        "#,
        about: "FineWeb-2 for Arabic. Words by spaCy's rules for Arabic, as there.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_tables_speak_of_the_same_languages_and_words() {
        for ((a, b), c) in REPETITION.iter().zip(FINEWEB).zip(QUALITY) {
            assert!(a.name == b.name && a.name == c.name && a.about == b.about && a.about == c.about, "{}", a.name);
            let words = |profile: &Profile| profile.settings.parse::<toml::Table>().unwrap()["words"].clone();
            assert!(words(a) == words(&b) && words(a) == words(&c), "{}", a.name);
        }
    }
}
