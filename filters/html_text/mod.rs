//! Replaces a web page by its main content, as clean text.
//!
//! Finds the part of the page that a person came for (Mozilla's Readability, by the crate
//! dom_smoothie), and writes it as text: paragraphs on lines of their own, an empty line between
//! blocks, list items behind `- `, table cells between ` | `, code verbatim with its indentation,
//! formulas in TeX where the page has it. Manuals are pages as much as articles are: links within
//! sentences, boxes among paragraphs and introductions to sections are text.
//! Sets the field `title`, and `published` where the page states its day (ISO 8601). A text without
//! a tag is left as it is. A page nested absurdly deep, or with more tags than any page for
//! people, is stripped of its tags and kept whole.
//!
//! | setting     | default | source                                                          |
//! |-------------|---------|-----------------------------------------------------------------|
//! | `fallback`  | true    | ours: a page in which no article is found gives all its text    |
//! | `min_chars` | 1       | ours: shorter content is dropped as `no_main_text`              |

mod guard;
mod meta;
mod prune;
mod render;
mod siblings;

use dom_smoothie::{Config as Readable, Readability, TextMode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Document, Field, Mapper, Name, Reason, Setup, Step, Type, Verdict, Wrong, kind};

/// Settings of [`HtmlText`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether a page in which no article is found gives all its text.
    pub fallback: bool,
    /// Fewest characters of content to keep a page.
    pub min_chars: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { fallback: true, min_chars: 1 }
    }
}

crate::measures! {
    /// What [`HtmlText`] measures.
    pub struct Measure {
        /// Characters of content over characters of the page.
        content_share,
    }
}

/// See the words at the top of this file.
pub struct HtmlText {
    config: Config,
    title: Name,
    published: Name,
}

/// What a page comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The main content.
    pub text: String,
    /// The page's title, without the site's name.
    pub title: Option<String>,
    /// The day it was published, `2024-02-29`.
    pub published: Option<String>,
}

impl Step for HtmlText {
    const NAME: &'static str = "html_text";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(HtmlText { config, title: Name::new("title"), published: Name::new("published") })
    }

    fn writes(&self) -> Vec<Field> {
        vec![Field::new("title", Type::Text), Field::new("published", Type::Text)]
    }
}

impl Mapper for HtmlText {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[Reason::of("no_main_text", "min_chars").unmeasured()];

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let html = document.take_text();
        let Page { text, title, published } = extract(&html, self.config.fallback);
        if !html.is_empty() {
            measure.content_share = Some(text.len() as f64 / html.len() as f64);
        }
        if text.chars().take(self.config.min_chars.max(1)).count() < self.config.min_chars.max(1) {
            document.set_text(html);
            return Verdict::Drop("no_main_text");
        }
        document.set_text(text);
        if let Some(title) = title {
            document.set_field(self.title, title);
        }
        if let Some(published) = published {
            document.set_field(self.published, published);
        }
        Verdict::Keep
    }
}

/// Finds the main content of a page. `fallback`: of a page without an article, all its text.
pub fn extract(html: &str, fallback: bool) -> Page {
    if !guard::has_tags(html) {
        return Page { text: html.trim().to_owned(), ..Page::default() };
    }
    let all = || Page { text: render::render(html), ..Page::default() };
    match guard::parse(html) {
        None => all(),
        Some(document) => article(document, html).or_else(|| fallback.then(all)).unwrap_or_default(),
    }
}

fn article(document: dom_query::Document, html: &str) -> Option<Page> {
    let config = Readable { text_mode: TextMode::Raw, keep_classes: true, ..Readable::default() };
    prune::before(&document);
    let mut readability = Readability::with_document(document, None, Some(config)).ok()?;
    let article = readability.parse().ok()?;
    let published = article.published_time.as_deref().and_then(meta::day);
    let title = (!article.title.is_empty()).then_some(article.title);
    let text = render::render(siblings::joined(&readability.doc).as_deref().unwrap_or(&article.content));
    (!text.is_empty()).then(|| Page { text, title, published: published.or_else(|| meta::published(html)) })
}

#[cfg(test)]
#[path = "../benches/gold/mod.rs"]
mod gold;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;

    use proptest::prelude::*;

    use super::gold::Score;

    use super::*;

    fn page(body: &str) -> String {
        format!(
            "<html><head><title>Of rivers - The Site</title><meta property=\"article:published_time\" content=\"2021-03-04T05:06:07Z\"></head><body><nav><a href=/>Home</a> <a href=/a>About</a></nav><article><h1>Of rivers</h1>{body}</article><footer>Copyright</footer></body></html>"
        )
    }

    const PARAGRAPH: &str = "<p>The river rises in the hills, far from the sea, and takes a long way, through fields, towns and marshes, before it comes to the coast.</p>";

    #[test]
    fn the_article_is_kept_and_the_frame_of_the_page_is_not() {
        let found = extract(&page(&PARAGRAPH.repeat(5)), true);
        assert!(found.text.contains("The river rises"), "{}", found.text);
        assert!(!found.text.contains("Home") && !found.text.contains("Copyright"), "{}", found.text);
        assert_eq!(found.published.as_deref(), Some("2021-03-04"));
        assert!(found.title.unwrap().starts_with("Of rivers"));
    }

    #[test]
    fn code_lists_and_tables_stay_readable() {
        let body = format!(
            "{0}<pre><code>fn main() {{\n    println!(\"a &lt; b\");\n}}</code></pre>{0}<ul><li>one</li><li>two</li></ul>{0}<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>{0}",
            PARAGRAPH.repeat(2)
        );
        let text = extract(&page(&body), true).text;
        assert!(text.contains("fn main() {\n    println!(\"a < b\");\n}"), "{text}");
        assert!(text.contains("- one\n- two"), "{text}");
        assert!(text.contains("a | b\n1 | 2"), "{text}");
    }

    #[test]
    fn chinese_pages_are_pages() {
        let body = "<p>这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，走了很长的路，最后流入大海，两岸的人们世世代代依靠它生活。</p>".repeat(6);
        let text = extract(&page(&body), true).text;
        assert!(text.starts_with("这条河") || text.contains("\n这条河"), "{text}");
    }

    #[test]
    fn of_forty_pages_in_chinese_japanese_and_korean_the_text_is_found() {
        let rows = gold::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/gold-cjk.jsonl.zst"));
        assert_eq!(rows.len(), 40);
        // Lines of code with indentation, rows of tables and items of lists: how many, and how many are found as they are.
        let (mut indented, mut tables, mut lists) = ((0, 0), (0, 0), (0, 0));
        let mut scores = HashMap::<&str, Vec<Score>>::new();
        for row in &rows {
            let text = extract(&row.html, true).text;
            for line in row.gold.lines() {
                let kind = match line.trim_start() {
                    item if item.starts_with("- ") => &mut lists,
                    cells if cells.contains(" | ") => &mut tables,
                    code if code.len() < line.len() && line.is_ascii() => &mut indented,
                    _ => continue,
                };
                kind.0 += 1;
                kind.1 += usize::from(text.lines().any(|found| found == line));
            }
            let score = Score::of(&text, &row.gold);
            assert!(score.recall > 0.85, "{}: {score:?}", row.id);
            scores.entry(&row.source).or_default().push(score);
        }
        let all = Score::mean(&scores.values().flatten().copied().collect::<Vec<_>>());
        assert!(all.f1() >= 0.985, "{all:?}");
        for (source, scores) in scores {
            let mean = Score::mean(&scores);
            assert!(mean.f1() >= if source == "readability-tests" { 0.94 } else { 0.985 }, "{source}: {mean:?}");
        }
        for (kind, (wanted, found)) in [("code", indented), ("tables", tables), ("lists", lists)] {
            assert!(wanted > 50 && found * 100 >= wanted * 98, "{kind}: {found} of {wanted} lines");
        }
    }

    #[test]
    fn characters_without_spaces_between_words_are_tokens_of_the_score() {
        let half = Score::of("今天天气很好", "今天天气很好我们去公园");
        assert!(half.precision == 1.0 && half.recall > 0.3 && half.recall < 0.5, "{half:?}");
        assert_eq!(Score::of("用apt-get装2个包。", "用 apt get 装 2 个 包").f1(), 1.0);
        assert_eq!(Score::of("a b c d x", "a b c d e"), Score { precision: 0.5, recall: 0.5 });
        assert_eq!(Score::of("", ""), Score { precision: 1.0, recall: 1.0 });
        assert_eq!(Score::of("", "a"), Score { precision: 0.0, recall: 0.0 });
    }

    #[test]
    fn readings_edit_links_and_permalinks_are_not_part_of_the_text() {
        let paragraph =
            "川は山から流れ、町を通り、海に着く。人々は川のそばで暮らし、橋を架け、舟を浮かべた。".repeat(4);
        let body = format!(
            "<h2>歴史<span class=\"mw-editsection\">[<a href=/e>編集</a>]</span></h2><p>{paragraph}</p><h2 id=x>Use<a class=headerlink href=#x>¶</a></h2><p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>は{paragraph}<sup class=\"reference\"><a href=#n>[1]</a></sup>終わり。</p><h3>Next <a href=#y>#</a></h3><p>{paragraph}</p>"
        );
        for text in [extract(&page(&body), true).text, render::render(&page(&body))] {
            assert!(text.contains("漢字は川は") && !text.contains("かん"), "{text}");
        }
        let text = extract(&page(&body), true).text;
        assert!(text.contains("舟を浮かべた。終わり。"), "{text}");
        assert!(!text.contains(['¶', '#', '[']) && text.contains("歴史") && text.contains("Use"), "{text}");
    }

    #[test]
    fn a_text_without_tags_is_left_as_it_is_and_an_empty_one_is_dropped() {
        assert_eq!(extract("1 < 2 & 3 > 2", true).text, "1 < 2 & 3 > 2");
        let step = HtmlText::new(Config::default(), &mut Setup::default()).unwrap();
        let mut document = Document::new("", "<html><body><script>x</script></body></html>");
        assert_eq!(step.map(&mut document, &mut Measure::default()), Verdict::Drop("no_main_text"));
    }

    #[test]
    fn a_page_without_an_article_gives_all_its_text() {
        assert_eq!(extract("<ul><li><a href=x>a</a><li>b</ul>", true).text, "- a\n- b");
    }

    #[test]
    fn absurd_pages_take_no_stack_and_little_time() {
        let started = std::time::Instant::now();
        for html in [
            "<div>".repeat(1_000_000),
            "<b>x".repeat(300_000),
            "<p>".repeat(300_000),
            format!("<p title=\"{}\">x", "y".repeat(5_000_000)),
            "<a><table>".repeat(200_000),
            "&lt".repeat(1_000_000),
            "<math><mi>x".repeat(20_000),
            format!("<h2>x</h2>{}", format!("{PARAGRAPH}<p><a href=x>y</a><aside>z</aside>").repeat(2_000)),
            format!("{}{}", "<aside class=sidebar>".repeat(300), PARAGRAPH.repeat(2_000)),
            format!("{}{}", "<table><tr><td>x<td>".repeat(100), PARAGRAPH.repeat(2_000)),
            "<div><h2>x</h2><p>y</div><p>z".repeat(5_000),
        ] {
            extract(&html, true);
        }
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_page_makes_it_panic(parts in prop::collection::vec(prop_oneof!["</?(p|div|b|table|td|tr|li|ul|pre|script|style|a|svg|math|template|!--|!\\[CDATA\\[)[ >]?", "\\PC{0,20}", "[&<>\"'=/ \n]{0,4}"], 0..60)) {
            extract(&parts.concat(), true);
        }
    }
}
