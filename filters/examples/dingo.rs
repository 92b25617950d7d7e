//! Judges texts by each rule of `dingo`: lines of JSON strings in, one line of broken rules out. With
//! `--words`, the words as `word_tokenize` cuts them; with `--time`, the rate.

use std::io::{BufRead, Write};

use wanjuan_filters::Dingo;
use wanjuan_filters::kit::{Document, Filter, Setup, Step, Text, Verdict, Words};

/// All settings, each at the end where it lets everything pass.
const OFF: [(&str, &str); 26] = [
    ("min_alphabetic_words", "0"),
    ("max_capital_words", "inf"),
    ("capital_rule_words", "200"),
    ("min_chars", "0"),
    ("max_final_colon", "1"),
    ("max_dup_6gram_chars", "inf"),
    ("max_html_entities", "inf"),
    ("max_id_cards", "inf"),
    ("max_ellipsis_lines", "inf"),
    ("min_ended_lines", "0"),
    ("max_bullet_lines", "inf"),
    ("min_plain_lines", "0"),
    ("max_lorem_ipsum", "inf"),
    ("min_mean_word_chars", "0"),
    ("max_mean_word_chars", "inf"),
    ("max_unpunctuated_words", "inf"),
    ("min_sentences", "0"),
    ("max_sentences", "inf"),
    ("max_special_characters", "inf"),
    ("min_stop_words", "0"),
    ("min_stop_word_count", "0"),
    ("max_symbols_per_word", "inf"),
    ("min_unique_words", "0"),
    ("min_words", "0"),
    ("max_words", "inf"),
    ("max_pii", "inf"),
];

/// The rules that are there, with the settings of each.
const RULES: [(&str, &[&str]); 22] = [
    ("RuleAlphaWords", &["min_alphabetic_words"]),
    ("RuleCapitalWords", &["max_capital_words"]),
    ("RuleCharNumber", &["min_chars"]),
    ("RuleColonEnd", &["max_final_colon"]),
    ("RuleContentNull", &[]),
    ("RuleDocRepeat", &["max_dup_6gram_chars"]),
    ("RuleHtmlEntity", &["max_html_entities"]),
    ("RuleIDCard", &["max_id_cards"]),
    ("RuleLineEndWithEllipsis", &["max_ellipsis_lines"]),
    ("RuleLineEndWithTerminal", &["min_ended_lines"]),
    ("RuleLineJavascriptCount", &["min_plain_lines"]),
    ("RuleLineStartWithBulletpoint", &["max_bullet_lines"]),
    ("RuleLoremIpsum", &["max_lorem_ipsum"]),
    ("RuleMeanWordLength", &["min_mean_word_chars", "max_mean_word_chars"]),
    ("RuleNoPunc", &["max_unpunctuated_words"]),
    ("RulePIIDetection", &["max_pii"]),
    ("RuleSentenceNumber", &["min_sentences", "max_sentences"]),
    ("RuleSpecialCharacter", &["max_special_characters"]),
    ("RuleStopWord", &["min_stop_words", "min_stop_word_count"]),
    ("RuleSymbolWordRatio", &["max_symbols_per_word"]),
    ("RuleUniqueWords", &["min_unique_words"]),
    ("RuleWordNumber", &["min_words", "max_words"]),
];

fn built(on: &[&str]) -> Dingo {
    let off = OFF.iter().filter(|(name, _)| !on.contains(name));
    let settings: String = off.map(|(name, value)| format!("{name} = {value}\n")).collect();
    let config = toml::from_str(&settings).expect("settings of the step");
    Dingo::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{}", wrong.what))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let texts: Vec<String> = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let mut text = Text::default();
    let asked = std::env::args().nth(1).unwrap_or_default();
    let all = Dingo::new(toml::from_str("")?, &mut Setup::default()).map_err(|wrong| wrong.what)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if asked == "--time" {
        let (bytes, documents) = (texts.iter().map(String::len).sum::<usize>(), texts.len());
        let started = std::time::Instant::now();
        let mut kept = 0;
        for one in texts {
            text.replace(Document::new("", one));
            kept += usize::from(all.judge(&all.measure(&text)) == Verdict::Keep);
        }
        let seconds = started.elapsed().as_secs_f64();
        let (documents_rate, rate) = (documents as f64 / seconds, bytes as f64 / 1e6 / seconds);
        writeln!(out, "{kept} of {documents} kept, {documents_rate:.0} documents/s, {rate:.1} MB/s")?;
        return Ok(());
    }
    let rules: Vec<(&str, Dingo)> = RULES.iter().map(|(name, on)| (*name, built(on))).collect();
    for one in texts {
        text.replace(Document::new("", one));
        if asked == "--words" {
            writeln!(out, "{}", serde_json::to_string(&text.words(Words::Treebank).collect::<Vec<_>>())?)?;
            continue;
        }
        let measure = all.measure(&text);
        let broken = rules.iter().filter(|(name, rule)| {
            // An empty text breaks this one whatever else is asked.
            (rule.judge(&measure) == Verdict::Drop("empty_text")) == (*name == "RuleContentNull")
                && rule.judge(&measure) != Verdict::Keep
        });
        writeln!(out, "{}", broken.map(|(name, _)| *name).collect::<Vec<_>>().join(" "))?;
    }
    Ok(())
}
