//! Words by the rules of NLTK's `word_tokenize` (NLTK 3.10, Apache-2.0): sentences by Punkt, words by
//! the conventions of the Penn Treebank.
//!
//! The rules are written anew from their description. NLTK pads marks with spaces, one rule after the
//! other, and splits at spaces in the end; here each chunk between white space gathers its cuts. What
//! NLTK spells anew (quotes, as ``` `` ``` and `''`) stays as it stands in the text.
//!
//! Sentences matter only for where a full stop is a word of its own.

mod punkt;

use super::{Span, push};
use crate::kit::python::{is_digit, is_regex_word as is_word, is_space};

/// Cuts a text into words, marks included.
pub fn words(text: &str, spans: &mut Vec<Span>) {
    let mut chunk = Chunk::default();
    punkt::sentences(text, |start, end| sentence(text, start, end, &mut chunk, spans));
}

/// One chunk between white space: its characters, and where it is cut.
#[derive(Default)]
struct Chunk {
    characters: Vec<(usize, char)>,
    /// Whether there is a cut before each character, and one more for the end.
    cuts: Vec<bool>,
}

fn sentence(text: &str, start: usize, end: usize, chunk: &mut Chunk, spans: &mut Vec<Span>) {
    let stop = final_stop(&text[start..end]).map(|at| start + at);
    let mut at = start;
    while at < end {
        let rest = &text[at..end];
        let Some(length) = rest.find(|c| !is_space(c)) else { return };
        let from = at + length;
        let rest = &rest[length..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let length = if rest.as_bytes().get(letters).is_none_or(|&byte| byte == b' ') {
            letters
        } else {
            rest.find(is_space).unwrap_or(rest.len())
        };
        at = from + length;
        if length == letters && !(3..=6).contains(&letters) {
            push(spans, from, at);
            continue;
        }
        chunk.read(&text[from..at]);
        let first = from == start;
        let spaced = text[start..from].ends_with(' ');
        chunk.cut(first, spaced, at == end, stop.filter(|stop| (from..at).contains(stop)).map(|stop| stop - from));
        chunk.give(from, spans);
    }
}

/// Where the full stop stands that ends a sentence: behind it are only closing marks and white space.
fn final_stop(sentence: &str) -> Option<usize> {
    let mut rest = sentence.trim_end_matches(is_space);
    loop {
        let c = rest.chars().next_back()?;
        let before = &rest[..rest.len() - c.len_utf8()];
        match c {
            '.' => return before.chars().next_back().filter(|&c| c != '.').map(|_| before.len()),
            // An opening quote.
            '"' if before.ends_with([' ', '(', '[', '{', '<']) || before.is_empty() => return None,
            '\'' if before.ends_with(" '") || before.ends_with("('") => return None,
            ']' | ')' | '}' | '>' | '"' | '\'' | '»' | '”' | '’' | ' ' => rest = before,
            _ => return None,
        }
    }
}

impl Chunk {
    fn read(&mut self, text: &str) {
        self.characters.clear();
        self.characters.extend(text.char_indices());
        self.characters.push((text.len(), '\0'));
        self.cuts.clear();
        self.cuts.resize(self.characters.len(), false);
    }

    fn len(&self) -> usize {
        self.characters.len() - 1
    }

    /// The character at `at`, unless a cut or the end lies before it.
    fn uncut(&self, at: usize) -> Option<char> {
        (at < self.len() && !self.cuts[at]).then(|| self.characters[at].1)
    }

    /// The character that stands right before `at`.
    fn before(&self, at: usize) -> Option<char> {
        (at > 0 && !self.cuts[at]).then(|| self.characters[at - 1].1)
    }

    fn isolate(&mut self, from: usize, to: usize) {
        self.cuts[from] = true;
        self.cuts[to] = true;
    }

    fn cut(&mut self, first: bool, spaced: bool, last: bool, stop: Option<usize>) {
        let length = self.len();
        let c = |chunk: &Chunk, at: usize| chunk.characters[at].1;
        let run =
            |chunk: &Chunk, from: usize, wanted: char| (from..length).take_while(|&at| c(chunk, at) == wanted).count();
        if (0..length).all(|at| c(self, at).is_ascii_alphabetic()) {
            return self.contractions(0, length);
        }
        // Opening quotes.
        let mut at = 0;
        while at < length {
            match c(self, at) {
                '«' | '“' | '‘' | '„' => self.isolate(at, at + 1),
                '`' => {
                    let ticks = run(self, at, '`');
                    for pair in (0..ticks).step_by(2) {
                        self.isolate(at + pair, (at + pair + 2).min(at + ticks));
                    }
                    at += ticks - 1;
                }
                _ => {}
            }
            at += 1;
        }
        let mut taken = 0; // the character before must not be one that a quote before took
        for at in 0..length {
            let opens = if at == 0 {
                spaced || first && c(self, 0) == '"'
            } else {
                at > taken && matches!(c(self, at - 1), '(' | '[' | '{' | '<') || self.cuts[at]
            };
            if opens && c(self, at) == '"' {
                self.isolate(at, at + 1);
                taken = at + 1;
            } else if opens && run(self, at, '\'') >= 2 {
                self.isolate(at, at + 2);
                taken = at + 2;
            }
        }
        for at in 0..length {
            if c(self, at) == '\''
                && (at == 0 || !is_word(c(self, at - 1)))
                && self.uncut(at + 1).is_some_and(is_word)
                && !self.clitic(at + 1)
            {
                self.cuts[at + 1] = true;
            }
        }
        // Punctuation.
        if let Some(stop) = stop.and_then(|stop| self.characters.binary_search_by_key(&stop, |&(at, _)| at).ok()) {
            self.isolate(stop, stop + 1);
        }
        let mut at = 0;
        while at < length {
            if matches!(c(self, at), ':' | ',') {
                match self.uncut(at + 1) {
                    Some(next) if is_digit(next) => {}
                    Some(_) => {
                        self.isolate(at, at + 1);
                        at += 1; // taken by this rule
                    }
                    None => self.isolate(at, at + 1),
                }
            }
            at += 1;
        }
        if last && matches!(c(self, length - 1), ':' | ',') {
            self.isolate(length - 1, length);
        }
        let mut at = 0;
        while at < length {
            let uncut = |chunk: &Chunk, wanted: char| {
                1 + (at + 1..length).take_while(|&next| c(chunk, next) == wanted && !chunk.cuts[next]).count()
            };
            match c(self, at) {
                '.' => {
                    let stops = uncut(self, '.');
                    if stops > 1 {
                        self.isolate(at, at + stops);
                    }
                    at += stops - 1;
                }
                '-' => {
                    let hyphens = uncut(self, '-');
                    for pair in (0..hyphens - 1).step_by(2) {
                        self.isolate(at + pair, at + pair + 2);
                    }
                    at += hyphens - 1;
                }
                ';'
                | '@'
                | '#'
                | '$'
                | '%'
                | '&'
                | '\u{2012}'..='\u{2015}'
                | '?'
                | '!'
                | '*'
                | '['
                | ']'
                | '('
                | ')'
                | '{'
                | '}'
                | '<'
                | '>'
                | '"'
                | '»'
                | '”'
                | '’' => self.isolate(at, at + 1),
                _ => {}
            }
            at += 1;
        }
        let mut at = 0;
        while at + 1 < length {
            if c(self, at) == '\'' && self.uncut(at + 1) == Some('\'') {
                self.isolate(at, at + 2);
                at += 1;
            }
            at += 1;
        }
        // Endings.
        let ends = |chunk: &Chunk, at: usize| at >= length || chunk.cuts[at];
        for at in 0..length {
            if c(self, at) == '\'' && self.before(at).is_some_and(|c| c != '\'') {
                let letter = self.uncut(at + 1).is_some_and(|c| matches!(c, 's' | 'S' | 'm' | 'M' | 'd' | 'D'));
                if ends(self, at + 1) || letter && ends(self, at + 2) {
                    self.cuts[at] = true;
                }
            }
        }
        for at in 0..length {
            let tail = [c(self, at), self.uncut(at + 1).unwrap_or('\0'), self.uncut(at + 2).unwrap_or('\0')];
            let known = matches!(
                tail,
                ['\'', 'l', 'l']
                    | ['\'', 'L', 'L']
                    | ['\'', 'r', 'e']
                    | ['\'', 'R', 'E']
                    | ['\'', 'v', 'e']
                    | ['\'', 'V', 'E']
                    | ['n', '\'', 't']
                    | ['N', '\'', 'T']
            );
            if known && ends(self, at + 3) && self.before(at).is_some_and(|c| c != '\'') {
                self.cuts[at] = true;
            }
        }
        // Contractions, between what is no part of a word.
        let mut at = 0;
        while at < length {
            if !is_word(c(self, at)) {
                at += 1;
                continue;
            }
            let start = at;
            while at < length && is_word(c(self, at)) && (at == start || !self.cuts[at]) {
                at += 1;
            }
            self.contractions(start, at);
        }
    }

    /// Whether `re`, `ve`, `ll`, `m`, `t`, `s`, `d` or `n` stands at `at`, and no more of a word.
    fn clitic(&self, at: usize) -> bool {
        let letter = |at: usize| self.characters.get(at).map_or('\0', |&(_, c)| c.to_ascii_lowercase());
        let length = match (letter(at), letter(at + 1)) {
            ('r' | 'v', 'e') | ('l', 'l') => 2,
            ('m' | 't' | 's' | 'd' | 'n', _) => 1,
            _ => return false,
        };
        at + length >= self.len() || !is_word(letter(at + length))
    }

    /// Cuts `cannot` and its like, if that is what stands from `start` to `end`.
    fn contractions(&mut self, start: usize, end: usize) {
        let length = end - start;
        if !(1..=6).contains(&length) {
            return;
        }
        let mut word = ['\0'; 6];
        for (to, &(_, c)) in word.iter_mut().zip(&self.characters[start..end]) {
            *to = c.to_ascii_lowercase();
        }
        let tail = |chunk: &Chunk, wanted: &str| {
            let found = wanted
                .chars()
                .enumerate()
                .all(|(n, c)| chunk.uncut(end + n).is_some_and(|found| found.eq_ignore_ascii_case(&c)));
            let behind = end + wanted.len();
            found && (behind >= chunk.len() || chunk.cuts[behind] || !is_word(chunk.characters[behind].1))
        };
        let (middle, end) = match word {
            ['c', 'a', 'n', 'n', 'o', 't'] => (3, end),
            ['g', 'i', 'm', 'm', 'e', _]
            | ['g', 'o', 'n', 'n', 'a', _]
            | ['g', 'o', 't', 't', 'a', _]
            | ['l', 'e', 'm', 'm', 'e', _]
                if length == 5 =>
            {
                (3, end)
            }
            ['w', 'a', 'n', 'n', 'a', _] if length == 5 && (end == self.len() || self.cuts[end]) => (3, end),
            ['d', ..] if length == 1 && tail(self, "'ye") => (1, end + 3),
            ['m', 'o', 'r', 'e', ..] if length == 4 && tail(self, "'n") => (4, end + 2),
            _ => return,
        };
        self.isolate(start, end);
        self.cuts[start + middle] = true;
    }

    fn give(&self, from: usize, spans: &mut Vec<Span>) {
        let mut start = 0;
        for at in 1..=self.len() {
            if at == self.len() || self.cuts[at] {
                push(spans, from + self.characters[start].0, from + self.characters[at].0);
                start = at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let mut spans = Vec::new();
        words(text, &mut spans);
        spans.into_iter().map(|(start, end)| &text[start as usize..end as usize]).collect()
    }

    #[test]
    fn words_are_those_of_nltk() {
        // As `nltk.word_tokenize` (3.10.4, punkt_tab english) cuts them.
        for (text, wanted) in [
            ("Mr. Smith said: \"No.\" He left... Then 3.5.", "Mr.|Smith|said|:|\"|No|.|\"|He|left|...|Then|3.5|."),
            (
                "I can't, won't and cannot; it's the dogs' (old) house!",
                "I|ca|n't|,|wo|n't|and|can|not|;|it|'s|the|dogs|'|(|old|)|house|!",
            ),
            (
                "He said 'tis fine, y'all. D'ye want 1,000 or 3:30?",
                "He|said|'|tis|fine|,|y'all|.|D|'ye|want|1,000|or|3:30|?",
            ),
            ("一二三。四五六!七八。", "一二三。四五六|!|七八。"),
            ("See http://a.com/?q=1&b=2 -- ok--now -", "See|http|:|//a.com/|?|q=1|&|b=2|--|ok|--|now|-"),
            ("We'll've gone, don’t «you» “see” it.", "We'll|'ve|gone|,|don|’|t|«|you|»|“|see|”|it|."),
            ("U.S. dollars. The U.S. He said.", "U.S.|dollars|.|The|U.S|.|He|said|."),
            // NLTK cuts `J` and `.`, since its model has seen `brown` in lower case.
            ("J. Brown came.", "J.|Brown|came|."),
            ("", ""),
        ] {
            assert_eq!(cut(text), wanted.split('|').filter(|word| !word.is_empty()).collect::<Vec<_>>(), "{text}");
        }
    }
}
