//! Words by the rules of NLTK's `word_tokenize` (NLTK 3.10, Apache-2.0): sentences by Punkt, words by
//! the conventions of the Penn Treebank.
//!
//! The rules are written anew from their description. NLTK pads marks with spaces, one rule after the
//! other, and splits at spaces in the end; here each chunk between white space gathers its cuts. What
//! NLTK spells anew (quotes, as ``` `` ``` and `''`) stays as it stands in the text.
//!
//! Sentences matter only for where a full stop is a word of its own. NLTK's English model also knows
//! of 20,000 words whether they were seen in lower case, and where; that table is left out. So behind an
//! abbreviation a sentence begins only with one of the model's frequent sentence starters, never
//! with another capital; and an initial before a capital never ends one. NLTK finds a few more.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::{Span, push};
use crate::kit::python::{is_digit, is_regex_word as is_word, is_space};

/// Cuts a text into words, marks included.
pub fn words(text: &str, spans: &mut Vec<Span>) {
    let mut chunk = Chunk::default();
    sentences(text, |start, end| sentence(text, start, end, &mut chunk, spans));
}

// ---- Punkt ----

/// Abbreviations of NLTK's English model, without their last full stop.
const ABBREVIATIONS: &str = "ct m.j t a.c n.h ms p.a.m dr pa p.m u.k st dec u.s.a lt g.k adm p h.m ga tenn yr sen n.c j.j d.h s.g inc vs s.p.a a.t n feb sr jan s.a.y n.y col g.f c.o.m.b d ft va r.k e.f chg r.i a.g minn a.h k n.j m l.f f.j gen i.m.s s.a aug j.p okla m.d.c ltd oct s vt r.a j.c ariz w.w b.v ore h w.r e.h mrs cie corp w n.v a.d r.j ok . . e.m w.c ill nov u.s prof conn u.s.s.r mg f.g ph.d g calif messrs h.f wash tues sw bros u.n l wis mr sep d.c ave e.l co s.s reps c r.t h.c r wed a.s v fla jr r.h c.v m.b.a rep a.a e c.i.t l.a b.f j.b d.w j.k ala f w.va sept mich n.m j.r l.p s.c colo fri a.m g.d kan maj ky a.m.e n.d t.j cos nev";

/// Words that often begin a sentence, of the same model.
const STARTERS: &str = "most he since so both these it nevertheless this indeed however instead under similarly some though while when in despite although nonetheless thus there if the nor separately moreover but they yet many according sales among meanwhile even i";

/// Words before a number, and words before a letter, whose full stop ends no sentence; of the same model.
const BEFORE_NUMBERS: &str = "international rj commodities stewart genentech toussie ludcke insider aes magnin credit corrections financing henley business levine walter pegasus aron review abreast who letters colgate cbot notable";
const BEFORE_LETTERS: &str =
    "cooper.b wedgestone.i pepper.j fialka.o aes.i pay-fone.b wigton.b edelman.b leisure.b smith.j dividend.j";

fn set(words: &'static str) -> HashSet<&'static str> {
    words.split(' ').collect()
}

static ABBREVIATION: LazyLock<HashSet<&str>> = LazyLock::new(|| set(ABBREVIATIONS));
static STARTER: LazyLock<HashSet<&str>> = LazyLock::new(|| set(STARTERS));
static BEFORE_NUMBER: LazyLock<HashSet<&str>> = LazyLock::new(|| set(BEFORE_NUMBERS));
static BEFORE_LETTER: LazyLock<HashSet<&str>> = LazyLock::new(|| set(BEFORE_LETTERS));

/// Marks that cannot stand within a word.
fn is_no_word(c: char) -> bool {
    matches!(
        c,
        ')' | '"'
            | ';'
            | '}'
            | ']'
            | '*'
            | ':'
            | '@'
            | '\''
            | '('
            | '{'
            | '['
            | '‘'
            | '’'
            | '“'
            | '”'
            | '«'
            | '»'
            | '?'
            | '!'
    )
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '}' | '‘' | '’' | '“' | '”' | '«' | '»')
}

/// A place where a sentence may end: behind one of `.?!`.
struct Candidate {
    /// Where the word that ends here starts.
    word: usize,
    /// Of the mark.
    mark: usize,
    /// Where the next sentence would start.
    next: usize,
    /// End of what follows: a mark, or white space and a run without any.
    context: usize,
}

/// Calls `found` with the ends of every sentence, in order; what lies between is white space.
fn sentences(text: &str, mut found: impl FnMut(usize, usize)) {
    // A sentence is held back until it is known how the next one starts: a closing quote or bracket
    // belongs to the one before.
    let mut held: Option<(usize, usize)> = None;
    let mut realign = 0;
    let mut give = |start: usize, end: usize, last: bool| {
        if let Some((from, to)) = held.take() {
            let from = from + realign;
            let (closes, moved) = closing(&text[start..end]);
            if moved > 0 {
                found(from, start + closes);
            } else if from < to {
                found(from, to);
            }
            realign = moved;
        }
        if last {
            if start + realign < end {
                found(start + realign, end);
            }
        } else {
            held = Some((start, end));
        }
    };
    let mut start = 0;
    candidates(text, |candidate| {
        if breaks(&text[candidate.word..candidate.context]) {
            give(start, candidate.mark + 1, false);
            start = candidate.next;
        }
    });
    let end = text.trim_end_matches(is_space).len();
    give(start.min(end), end, true);
}

/// Closing marks that open a sentence and end with white space, `--` or the end: their bytes, without and
/// with the white space.
fn closing(sentence: &str) -> (usize, usize) {
    let mut at = 0;
    for c in sentence.chars().take_while(|&c| is_closing(c)) {
        at += c.len_utf8();
        let rest = &sentence[at..];
        let space = rest.len() - rest.trim_start_matches(is_space).len();
        if rest.is_empty() || space > 0 || rest.starts_with("--") {
            return (at, at + space);
        }
    }
    (0, 0)
}

fn candidates(text: &str, mut found: impl FnMut(Candidate)) {
    let bytes = text.as_bytes();
    // The last candidate of a word stands for all of that word.
    let mut last: Option<Candidate> = None;
    let mut at = 0;
    while let Some(mark) = memchr::memchr3(b'.', b'?', b'!', &bytes[at..]) {
        let mark = at + mark;
        at = mark + 1;
        let rest = &text[at..];
        let Some(c) = rest.chars().next() else { break };
        let (next, context) = if is_no_word(c) {
            (at, at + c.len_utf8())
        } else if is_space(c) {
            let next = text.len() - rest.trim_start_matches(is_space).len();
            if next == text.len() {
                break;
            }
            (next, next + text[next..].find(is_space).unwrap_or(text.len() - next))
        } else {
            continue;
        };
        let from = last.as_ref().map_or(0, |last| last.mark);
        // A space at the very start of the stretch is none to NLTK, and it can only be so at the start of the text.
        let space = bytes[from..mark].iter().rposition(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).unwrap_or(0);
        let word = if space > 0 { from + space + 1 } else { last.as_ref().map_or(0, |last| last.word) };
        let new = Candidate { word, mark, next, context };
        if let Some(last) = last.replace(new).filter(|last| last.mark <= word) {
            found(last);
        }
    }
    if let Some(last) = last {
        found(last);
    }
}

/// What is known of a word of the context.
#[derive(Clone, Copy)]
struct Token<'a> {
    word: &'a str,
    breaks: bool,
    abbreviation: bool,
    ellipsis: bool,
}

/// Whether a sentence ends within these words, before their last.
fn breaks(context: &str) -> bool {
    // Nearly always: letters, a full stop, white space, letters.
    let mut tokens = context.split('\n').flat_map(tokens).map(first_look);
    let Some(mut token) = tokens.next() else { return false };
    for next in tokens {
        if second_look(token, next) {
            return true;
        }
        token = next;
    }
    false
}

fn first_look(word: &str) -> Token<'_> {
    let mut token = Token { word, breaks: false, abbreviation: false, ellipsis: false };
    if matches!(word, "." | "?" | "!") {
        token.breaks = true;
    } else if word.starts_with("..") && word.bytes().all(|byte| byte == b'.') {
        token.ellipsis = true;
    } else if let Some(stem) = word.strip_suffix('.').filter(|stem| !stem.ends_with('.')) {
        let known = |stem: &str| ABBREVIATION.contains(stem);
        // The longest abbreviation has eight letters.
        let tail = stem.rsplit('-').next().unwrap_or(stem);
        token.abbreviation = tail.len() <= 16 && {
            let tail = tail.to_lowercase();
            known(&tail) || stem.len() <= 16 && known(&stem.to_lowercase())
        };
        token.breaks = !token.abbreviation;
    }
    token
}

/// Whether a sentence ends behind the first of two words.
fn second_look(token: Token, next: Token) -> bool {
    let Some(stem) = token.word.strip_suffix('.') else { return token.breaks };
    let next_upper = next.word.chars().next().is_some_and(char::is_uppercase);
    let next_lower = next.word.chars().next().is_some_and(char::is_lowercase);
    let goes_on = matches!(next.word, ";" | ":" | "," | "." | "!" | "?") || next_lower;
    let numeric = is_numeric(token.word);
    if stem.len() <= 16 && !numeric {
        let stem = stem.to_lowercase();
        if is_numeric(next.word) {
            if BEFORE_NUMBER.contains(stem.as_str()) {
                return false;
            }
        } else if next.word.len() <= 2
            && BEFORE_LETTER.contains(format!("{stem}.{}", next.word.to_lowercase().trim_end_matches('.')).as_str())
        {
            return false;
        }
    }
    let starter = || {
        let next = if next.breaks { next.word.strip_suffix('.').unwrap_or(next.word) } else { next.word };
        next_upper && next.len() <= 16 && STARTER.contains(next.to_lowercase().as_str())
    };
    let mut letters = token.word.chars();
    let initial = letters.next().is_some_and(|c| is_word(c) && !is_digit(c)) && letters.as_str() == ".";
    if (token.abbreviation || token.ellipsis) && !initial && starter() {
        return true;
    }
    if (initial || numeric) && goes_on {
        return false;
    }
    if initial && next_upper && !starter() {
        return false;
    }
    token.breaks
}

fn is_numeric(word: &str) -> bool {
    let word = word.strip_prefix('-').unwrap_or(word);
    let word = word.strip_prefix(['.', ',']).unwrap_or(word);
    word.starts_with(is_digit) && word.chars().all(|c| is_digit(c) || matches!(c, ',' | '.' | '-'))
}

/// The words of a line of context: full stops stay, other marks are words of their own.
fn tokens(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_space);
        let first = rest.chars().next()?;
        let multi = multi(rest);
        let end = if multi > 0 {
            multi
        } else if matches!(
            first,
            '(' | '"' | '`' | '{' | '[' | ':' | ';' | '&' | '#' | '*' | '@' | ')' | '}' | ']' | '-' | ','
        ) {
            first.len_utf8()
        } else {
            word_end(rest)
        };
        let (token, tail) = rest.split_at(end);
        rest = tail;
        Some(token)
    })
}

/// Bytes of a run of hyphens or full stops that `text` begins with, 0 for none; `. . .` is one too.
fn multi(text: &str) -> usize {
    let run = |byte: u8| text.bytes().take_while(|&other| other == byte).count();
    match text.as_bytes().first() {
        Some(b'-') => Some(run(b'-')).filter(|&run| run > 1).unwrap_or(0),
        Some(b'.') => {
            let run = run(b'.');
            if run > 1 {
                return run;
            }
            let (mut at, mut stops) = (1, 1);
            while let Some(space) = text[at..].chars().next().filter(|&c| is_space(c))
                && text[at + space.len_utf8()..].starts_with('.')
            {
                at += space.len_utf8() + 1;
                stops += 1;
            }
            if stops > 2 { at } else { 0 }
        }
        _ => 0,
    }
}

fn word_end(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    let ends = |at: usize, c: char| is_space(c) || is_no_word(c) || multi(&text[at..]) > 0;
    let end = characters.find(|&(at, c)| {
        ends(at, c) || c == ',' && text[at + 1..].chars().next().is_none_or(|next| ends(at + 1, next))
    });
    end.map_or(text.len(), |(at, _)| at)
}

// ---- Treebank ----

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
