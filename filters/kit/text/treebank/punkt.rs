//! Sentences by NLTK's Punkt and its English model (NLTK 3.10, Apache-2.0).
//!
//! The rules are written anew from their description; the lists are the model's. It also knows of 20,000
//! words whether they were seen in lower case, and where; that table is left out. So behind an
//! abbreviation a sentence begins only with one of the model's frequent sentence starters, never with
//! another capital; and an initial before a capital never ends one. NLTK finds a few more.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::kit::python::{is_digit, is_regex_word as is_word, is_space};

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
pub(super) fn sentences(text: &str, mut found: impl FnMut(usize, usize)) {
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
