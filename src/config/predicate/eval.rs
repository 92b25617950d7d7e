//! The typed tree of a predicate, and its evaluation without a copy of any text but for `lower`.

use std::borrow::Cow;
use std::cmp::Ordering;

use wanjuan_filters::kit::{Document, Name, Value};

#[derive(Debug, Clone)]
pub enum Boolean {
    Literal(Option<bool>),
    Field(Name),
    And(Box<[Boolean; 2]>),
    Or(Box<[Boolean; 2]>),
    Not(Box<Boolean>),
    Numbers(Compare, Box<[Number; 2]>),
    Texts(Compare, Box<[Text; 2]>),
    Booleans(Compare, Box<[Boolean; 2]>),
    IsNull(Box<Any>),
    NumberIn(Box<Number>, Vec<f64>),
    TextIn(Box<Text>, Vec<String>),
    Like(Box<Text>, Pattern),
}

#[derive(Debug, Clone)]
pub enum Number {
    Literal(f64),
    Field(Name),
    Measure(usize),
    /// Characters, not bytes.
    Length(Box<Text>),
    Negative(Box<Number>),
    Arithmetic(Operator, Box<[Number; 2]>),
}

#[derive(Debug, Clone)]
pub enum Text {
    Literal(String),
    Id,
    Body,
    Field(Name),
    Lower(Box<Text>),
}

/// An expression of any type.
#[derive(Debug, Clone)]
pub enum Any {
    Boolean(Boolean),
    Number(Number),
    Text(Text),
    Null,
    /// A name of a scope that is open: it may be of any type, and is never evaluated.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

impl Compare {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Compare::Equal => order.is_eq(),
            Compare::NotEqual => order.is_ne(),
            Compare::Less => order.is_lt(),
            Compare::LessOrEqual => order.is_le(),
            Compare::Greater => order.is_gt(),
            Compare::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Boolean {
    /// `None` is SQL's NULL.
    pub fn eval(&self, document: &Document) -> Option<bool> {
        match self {
            Boolean::Literal(value) => *value,
            Boolean::Field(name) => match document.field(*name)? {
                Value::Boolean(value) => Some(*value),
                _ => None,
            },
            Boolean::And(sides) => match sides[0].eval(document) {
                Some(false) => Some(false),
                left => match sides[1].eval(document) {
                    Some(false) => Some(false),
                    right => Some(left? && right?),
                },
            },
            Boolean::Or(sides) => match sides[0].eval(document) {
                Some(true) => Some(true),
                left => match sides[1].eval(document) {
                    Some(true) => Some(true),
                    right => Some(left? || right?),
                },
            },
            Boolean::Not(inner) => inner.eval(document).map(|value| !value),
            Boolean::Numbers(compare, sides) => {
                let (left, right) = (sides[0].eval(document)?, sides[1].eval(document)?);
                left.partial_cmp(&right).map(|order| compare.holds(order))
            }
            Boolean::Texts(compare, sides) => {
                Some(compare.holds(sides[0].eval(document)?.as_ref().cmp(sides[1].eval(document)?.as_ref())))
            }
            Boolean::Booleans(compare, sides) => {
                Some(compare.holds(sides[0].eval(document)?.cmp(&sides[1].eval(document)?)))
            }
            Boolean::IsNull(inner) => Some(match &**inner {
                Any::Boolean(inner) => inner.eval(document).is_none(),
                Any::Number(inner) => inner.eval(document).is_none(),
                Any::Text(inner) => inner.eval(document).is_none(),
                Any::Null | Any::Unknown => true,
            }),
            Boolean::NumberIn(inner, list) => inner.eval(document).map(|value| list.contains(&value)),
            Boolean::TextIn(inner, list) => inner.eval(document).map(|value| list.iter().any(|item| *item == *value)),
            Boolean::Like(inner, pattern) => inner.eval(document).map(|value| pattern.matches(&value)),
        }
    }
}

impl Number {
    fn eval(&self, document: &Document) -> Option<f64> {
        let value = match self {
            Number::Literal(value) => *value,
            Number::Field(name) => document.field(*name)?.as_number()?,
            Number::Measure(slot) => *document.measures.get(*slot)?,
            Number::Length(inner) => inner.eval(document)?.chars().count() as f64,
            Number::Negative(inner) => -inner.eval(document)?,
            Number::Arithmetic(operator, sides) => {
                let (left, right) = (sides[0].eval(document)?, sides[1].eval(document)?);
                match operator {
                    Operator::Plus => left + right,
                    Operator::Minus => left - right,
                    Operator::Times => left * right,
                    Operator::Divide | Operator::Modulo if right == 0.0 => return None,
                    Operator::Divide => left / right,
                    Operator::Modulo => left % right,
                }
            }
        };
        // A measure that is missing is stored as NaN: it is NULL.
        (!value.is_nan()).then_some(value)
    }
}

impl Text {
    fn eval<'a>(&'a self, document: &'a Document) -> Option<Cow<'a, str>> {
        match self {
            Text::Literal(value) => Some(Cow::Borrowed(value)),
            Text::Id => Some(Cow::Borrowed(&document.id)),
            Text::Body => Some(Cow::Borrowed(document.text())),
            Text::Field(name) => document.field(*name)?.as_text().map(Cow::Borrowed),
            Text::Lower(inner) => inner.eval(document).map(|value| Cow::Owned(value.to_lowercase())),
        }
    }
}

/// A pattern of `like`: `%` stands for any characters, `_` for one.
#[derive(Debug, Clone)]
pub struct Pattern {
    parts: Vec<Part>,
    ignore_case: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Character(char),
    One,
    Any,
}

impl Pattern {
    pub fn new(pattern: &str, escape: Option<char>, ignore_case: bool) -> Pattern {
        let mut parts = Vec::new();
        let pattern = if ignore_case { pattern.to_lowercase() } else { pattern.to_owned() };
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                _ if Some(character) == escape => parts.extend(characters.next().map(Part::Character)),
                '%' if parts.last() != Some(&Part::Any) => parts.push(Part::Any),
                '%' => {}
                '_' => parts.push(Part::One),
                _ => parts.push(Part::Character(character)),
            }
        }
        Pattern { parts, ignore_case }
    }

    /// Greedy matching with one point to go back to: never worse than length times pattern.
    pub fn matches(&self, text: &str) -> bool {
        let lowered;
        let text = if self.ignore_case {
            lowered = text.to_lowercase();
            &lowered
        } else {
            text
        };
        let mut rest = text.chars();
        let mut part = 0;
        let mut back: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            match self.parts.get(part) {
                Some(Part::Any) => {
                    part += 1;
                    back = Some((part, rest.clone()));
                    continue;
                }
                None if rest.as_str().is_empty() => return true,
                Some(expected) => {
                    let found = rest.next();
                    if found.is_some_and(|found| *expected == Part::One || *expected == Part::Character(found)) {
                        part += 1;
                        continue;
                    }
                }
                None => {}
            }
            let Some((from, start)) = &mut back else { return false };
            if start.next().is_none() {
                return false;
            }
            part = *from;
            rest = start.clone();
        }
    }
}
