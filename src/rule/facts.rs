//! Facts of a text that need no other step: `text.characters`, `text.han`.

use wanjuan_filters::kit::{Classes, MeasureInfo, Text, Words};

/// One fact, as a number of [`FACTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact(usize);

macro_rules! facts {
    ($($name:ident $about:literal)*) => {
        /// Every fact.
        pub const FACTS: &[MeasureInfo] = &[$(MeasureInfo { name: stringify!($name), about: $about }),*];
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(non_camel_case_types)]
        enum Known { $($name),* }
        const KNOWN: [Known; FACTS.len()] = [$(Known::$name),*];
    };
}

facts! {
    characters "Characters of the text, white space included."
    words "Words, as white space parts them; Chinese has few."
    lines "Lines, empty ones included; the end of the last needs no mark."
    mean_line_chars "Mean length of a line that is not blank, in characters."
    letters "Share of characters that are letters of any script, Han among them."
    digits "Share of characters that are decimal digits of any script."
    punctuation "Share of characters that are punctuation (Unicode's P: no `+`, no `$`)."
    white_space "Share of characters that are white space, line ends included."
    han "Share of characters that are Han."
}

impl Fact {
    /// The fact of a name.
    pub fn named(name: &str) -> Option<Fact> {
        FACTS.iter().position(|fact| fact.name == name).map(Fact)
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        FACTS.iter().map(|fact| fact.name)
    }

    /// Its name, and what it is.
    pub fn info(self) -> MeasureInfo {
        FACTS[self.0]
    }
}

/// The facts that are asked for, in their order; NaN where a text has none.
pub fn measure(text: &Text, asked: &[Fact]) -> [f64; FACTS.len()] {
    let mut found = [f64::NAN; FACTS.len()];
    let chars = text.char_count() as f64;
    let share = |part: fn(&Classes) -> u64| part(text.classes()) as f64 / chars;
    for (slot, fact) in found.iter_mut().zip(asked) {
        *slot = match KNOWN[fact.0] {
            Known::characters => chars,
            Known::words => text.words(Words::Spaces).len() as f64,
            Known::lines => text.lines().len() as f64,
            Known::mean_line_chars => {
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                let (count, chars) = lines.fold((0, 0), |(n, chars), line| (n + 1, chars + line.chars().count()));
                chars as f64 / f64::from(count)
            }
            Known::letters => share(|classes| classes.letters),
            Known::digits => share(|classes| classes.digits),
            Known::punctuation => share(|classes| classes.punctuation),
            Known::white_space => share(|classes| classes.white_space),
            Known::han => share(|classes| classes.han),
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wanjuan_filters::kit::Document;

    use super::*;

    fn facts(text: &str) -> [f64; FACTS.len()] {
        let all: Vec<Fact> = (0..FACTS.len()).map(Fact).collect();
        measure(&Text::new(Document::new("", text)), &all)
    }

    #[test]
    fn facts_are_counted_in_characters() {
        let found = facts("Über 5 €,\n\n好。\n");
        assert_eq!(found[..4], [14.0, 4.0, 3.0, 5.5]);
        assert_eq!(found[4..], [5.0, 1.0, 2.0, 5.0, 1.0].map(|count| count / 14.0));
    }

    #[test]
    fn an_empty_text_has_no_shares() {
        let found = facts("");
        assert_eq!(found[..3], [0.0; 3]);
        assert!(found[3..].iter().all(|fact| fact.is_nan()));
    }

    #[test]
    fn only_what_is_asked_for_is_there() {
        let asked = [Fact::named("han").unwrap(), Fact::named("characters").unwrap()];
        let found = measure(&Text::new(Document::new("", "河水 ab")), &asked);
        assert_eq!(found[..2], [0.4, 5.0]);
        assert!(found[2..].iter().all(|fact| fact.is_nan()));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_shares_are_shares(text in "\\PC*|(.|\\n|字|5){0,50}") {
            let found = facts(&text);
            prop_assert!(found[4..].iter().all(|share| share.is_nan() || (0.0..=1.0).contains(share)));
        }
    }
}
