//! From SQL text to the typed tree, every mistake with its place.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use sqlparser::ast::{
    self, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, InTarget, Spanned, UnaryOperator,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, Tokenizer};
use wanjuan_filters::kit::{Name, Type};

use super::eval::{Any, Boolean, Compare, Number, Operator, Pattern, Text};
use super::{Mistake, Scope};
use crate::rule::Fact;

/// The tree, the facts it names, and whether it reads the text itself.
pub fn compile(source: &str, scope: &Scope) -> Result<(Boolean, Vec<Fact>, bool), Mistake> {
    let compiler = Compiler { source, scope, facts: RefCell::default(), reads_text: Cell::new(false) };
    let operators = Tokenizer::new(&GenericDialect {}, source)
        .tokenize()
        .map_or(0, |tokens| tokens.iter().filter(|token| is_operator(token)).count());
    if operators > MOST_OPERATORS {
        let what = format!("{operators} operators; a condition can have {MOST_OPERATORS}");
        let help = Some("for a long list write `field in ('a', 'b', …)`".to_owned());
        return Err(Mistake { span: 0..source.len(), what, help });
    }
    let syntax = |error: ParserError| compiler.syntax(&error);
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(source).map_err(syntax)?;
    let expression = parser.parse_expr().map_err(syntax)?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let span = compiler.range(rest.span.start, rest.span.end);
        return Err(mistake(span, format!("`{}` does not belong to the expression", rest.token)));
    }
    let root = compiler.boolean(&expression)?;
    Ok((root, compiler.facts.into_inner(), compiler.reads_text.get()))
}

/// More would nest deeper than a thread's stack: a chain of `or` is as deep as it is long.
const MOST_OPERATORS: usize = 1000;

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod => true,
        Token::Word(word) => matches!(word.keyword, Keyword::AND | Keyword::OR | Keyword::NOT),
        _ => false,
    }
}

struct Compiler<'a> {
    source: &'a str,
    scope: &'a Scope,
    facts: RefCell<Vec<Fact>>,
    reads_text: Cell<bool>,
}

fn mistake(span: Range<usize>, what: impl Into<String>) -> Mistake {
    Mistake { span, what: what.into(), help: None }
}

fn name_of(any: &Any) -> &'static str {
    match any {
        Any::Boolean(_) => "a condition",
        Any::Number(_) => "a number",
        Any::Text(_) => "text",
        Any::Null => "null",
        Any::Unknown => "unknown",
    }
}

impl Compiler<'_> {
    fn syntax(&self, error: &ParserError) -> Mistake {
        let text = match error {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
            ParserError::RecursionLimitExceeded => "nested too deeply",
        };
        // The parser ends its messages with the place: " at Line: 1, Column: 8".
        let (what, place) = text.rsplit_once(" at Line: ").unwrap_or((text, ""));
        let place =
            place.split_once(", Column: ").and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?)));
        let span = match place {
            Some((line, column)) => {
                let start = self.offset(Location { line, column });
                let length = self.source[start..].chars().next().map_or(0, char::len_utf8);
                start..start + length
            }
            None => 0..self.source.len(),
        };
        mistake(
            span,
            what.trim_end_matches('.').replacen("Expected:", "expected", 1).replace("found: EOF", "found the end"),
        )
    }

    /// Lines and columns count from one, columns in characters.
    fn offset(&self, location: Location) -> usize {
        let mut start = 0;
        for _ in 1..location.line.max(1) {
            start += self.source[start..].find('\n').map_or(self.source.len() - start, |end| end + 1);
        }
        let line = &self.source[start..];
        let column = (location.column.max(1) - 1) as usize;
        start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
    }

    fn range(&self, start: Location, end: Location) -> Range<usize> {
        let start = self.offset(start);
        start..self.offset(end).max(start)
    }

    fn span(&self, expression: &Expr) -> Range<usize> {
        let span = expression.span();
        if span.start.line == 0 { 0..self.source.len() } else { self.range(span.start, span.end) }
    }

    fn wrong(&self, expression: &Expr, what: impl Into<String>) -> Mistake {
        mistake(self.span(expression), what)
    }

    fn boolean(&self, expression: &Expr) -> Result<Boolean, Mistake> {
        match self.any(expression)? {
            Any::Boolean(boolean) => Ok(boolean),
            Any::Null | Any::Unknown => Ok(Boolean::Literal(None)),
            other => Err(self.wrong(expression, format!("this is {}; a condition is needed here", name_of(&other)))),
        }
    }

    fn number(&self, expression: &Expr) -> Result<Number, Mistake> {
        match self.any(expression)? {
            Any::Number(number) => Ok(number),
            Any::Null | Any::Unknown => Ok(Number::Literal(f64::NAN)),
            other => Err(self.wrong(expression, format!("this is {}; a number is needed here", name_of(&other)))),
        }
    }

    fn text(&self, expression: &Expr) -> Result<Text, Mistake> {
        match self.any(expression)? {
            Any::Text(text) => Ok(text),
            Any::Unknown => Ok(Text::Body),
            other => Err(self.wrong(expression, format!("this is {}; text is needed here", name_of(&other)))),
        }
    }

    fn any(&self, expression: &Expr) -> Result<Any, Mistake> {
        Ok(match expression {
            Expr::Nested(inner) => self.any(inner)?,
            Expr::Value(value) => self.literal(expression, &value.value)?,
            Expr::Identifier(name) => self.named(expression, &name.value).map_err(|mut mistake| {
                if name.quote_style == Some('"') {
                    mistake.help = Some(format!("text stands between single quotes: '{}'", name.value));
                }
                mistake
            })?,
            Expr::CompoundIdentifier(names) => {
                let name = names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(".");
                self.named(expression, &name)?
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Any::Boolean(Boolean::Not(Box::new(self.boolean(expr)?))),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
                Any::Number(Number::Negative(Box::new(self.number(expr)?)))
            }
            Expr::UnaryOp { op: UnaryOperator::Plus, expr } => Any::Number(self.number(expr)?),
            Expr::BinaryOp { left, op, right } => self.binary(expression, left, op, right)?,
            Expr::IsNull(inner) => Any::Boolean(Boolean::IsNull(Box::new(self.any(inner)?))),
            Expr::IsNotNull(inner) => Any::Boolean(Boolean::Not(Box::new(Boolean::IsNull(Box::new(self.any(inner)?))))),
            Expr::IsTrue(inner) => Any::Boolean(self.is(inner, true)?),
            Expr::IsFalse(inner) => Any::Boolean(self.is(inner, false)?),
            Expr::IsNotTrue(inner) => Any::Boolean(Boolean::Not(Box::new(self.is(inner, true)?))),
            Expr::IsNotFalse(inner) => Any::Boolean(Boolean::Not(Box::new(self.is(inner, false)?))),
            Expr::In { expr, target: InTarget::List(list), negated, .. } => self.in_list(expr, list, *negated)?,
            Expr::Between { expr, negated, low, high } => {
                let low = self.compare(expression, expr, Compare::GreaterOrEqual, low)?;
                let high = self.compare(expression, expr, Compare::LessOrEqual, high)?;
                self.negate(Boolean::And(Box::new([low, high])), *negated)
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), false, *negated)?
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), true, *negated)?
            }
            Expr::Function(function) => self.function(expression, function)?,
            _ => {
                let mut mistake = self.wrong(expression, "this is not supported in a condition");
                mistake.help = Some(
                    "it takes comparisons, + - * / %, and, or, not, in, like, between, is null, length(), lower()"
                        .into(),
                );
                return Err(mistake);
            }
        })
    }

    fn is(&self, inner: &Expr, value: bool) -> Result<Boolean, Mistake> {
        // NULL is neither, so `is true` of it is false rather than NULL.
        let inner = self.boolean(inner)?;
        let known = Boolean::Not(Box::new(Boolean::IsNull(Box::new(Any::Boolean(inner.clone())))));
        let equal = Boolean::Booleans(Compare::Equal, Box::new([inner, Boolean::Literal(Some(value))]));
        Ok(Boolean::And(Box::new([known, equal])))
    }

    fn negate(&self, boolean: Boolean, negated: bool) -> Any {
        Any::Boolean(if negated { Boolean::Not(Box::new(boolean)) } else { boolean })
    }

    fn literal(&self, expression: &Expr, value: &ast::Value) -> Result<Any, Mistake> {
        Ok(match value {
            ast::Value::Number(digits, _) => {
                let number =
                    digits.parse().map_err(|_| self.wrong(expression, format!("`{digits}` is not a number")))?;
                Any::Number(Number::Literal(number))
            }
            ast::Value::SingleQuotedString(text) => Any::Text(Text::Literal(text.clone())),
            ast::Value::Boolean(value) => Any::Boolean(Boolean::Literal(Some(*value))),
            ast::Value::Null => Any::Null,
            ast::Value::DoubleQuotedString(text) => {
                let mut mistake = self.wrong(expression, "double quotes are for names");
                mistake.help = Some(format!("text stands between single quotes: '{text}'"));
                return Err(mistake);
            }
            _ => return Err(self.wrong(expression, "this kind of literal is not supported")),
        })
    }

    fn named(&self, expression: &Expr, name: &str) -> Result<Any, Mistake> {
        match name {
            "id" => return Ok(Any::Text(Text::Id)),
            "text" => {
                self.reads_text.set(true);
                return Ok(Any::Text(Text::Body));
            }
            _ => {}
        }
        if let Some(fact) = name.strip_prefix("text.") {
            return self.fact(expression, name, fact);
        }
        if let Some((name, kind)) = self.scope.fields.iter().find(|(field, _)| field.as_str() == name) {
            return Ok(field(*name, *kind));
        }
        let matching = |measure: &&(String, usize)| {
            measure.0 == name || measure.0.rsplit_once('.').is_some_and(|(_, short)| short == name)
        };
        let mut found = self.scope.measures.iter().filter(matching);
        match (found.next(), found.next()) {
            (Some((_, slot)), None) => Ok(Any::Number(Number::Measure(*slot))),
            (Some((one, _)), Some((two, _))) => {
                let mut mistake = self.wrong(expression, format!("`{name}` is measured by more than one step"));
                mistake.help = Some(format!("write `{one}` or `{two}`"));
                Err(mistake)
            }
            (None, _) if self.may_be(name) => Ok(Any::Unknown),
            (None, _) => {
                let mut mistake = self.wrong(expression, format!("no field or measure is called `{name}` here"));
                let known = self.scope.fields.iter().map(|(field, _)| field.as_str());
                let known: Vec<&str> = ["id", "text"]
                    .into_iter()
                    .chain(known)
                    .chain(self.scope.measures.iter().map(|(name, _)| name.as_str()))
                    .collect();
                mistake.help = Some(match crate::config::nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", known.join(", ")),
                });
                Err(mistake)
            }
        }
    }

    /// Whether a name that is not known may be one that a mistake before has hidden: not a measure of a step
    /// whose measures are known.
    fn may_be(&self, name: &str) -> bool {
        let of = |step: &str| {
            self.scope.measures.iter().any(|(known, _)| known.rsplit_once('.').is_some_and(|(known, _)| known == step))
        };
        self.scope.open && !name.rsplit_once('.').is_some_and(|(step, _)| of(step))
    }

    /// A number about the text, which a rule measures if it is named.
    fn fact(&self, expression: &Expr, name: &str, fact: &str) -> Result<Any, Mistake> {
        let Some(first) = self.scope.facts else {
            let mut mistake = self.wrong(expression, format!("`{name}` is known to the step `rule` alone"));
            mistake.help = Some("`wanjuan explain rule` describes it; here there is length(text)".into());
            return Err(mistake);
        };
        let Some(fact) = Fact::named(fact) else {
            let mut mistake = self.wrong(expression, format!("`{name}` is no fact that is known of a text"));
            let names = Fact::names();
            mistake.help = Some(match crate::config::nearest(fact, names.clone()) {
                Some(near) => format!("did you mean `text.{near}`?"),
                None => {
                    format!("there are {}", names.map(|name| format!("text.{name}")).collect::<Vec<_>>().join(", "))
                }
            });
            return Err(mistake);
        };
        let mut facts = self.facts.borrow_mut();
        let number = facts.iter().position(|known| *known == fact).unwrap_or_else(|| {
            facts.push(fact);
            facts.len() - 1
        });
        Ok(Any::Number(Number::Measure(first + number)))
    }

    fn binary(&self, whole: &Expr, left: &Expr, operator: &BinaryOperator, right: &Expr) -> Result<Any, Mistake> {
        let arithmetic = |operator| -> Result<Any, Mistake> {
            Ok(Any::Number(Number::Arithmetic(operator, Box::new([self.number(left)?, self.number(right)?]))))
        };
        let compare = |compare| self.compare(whole, left, compare, right).map(Any::Boolean);
        match operator {
            BinaryOperator::And => {
                Ok(Any::Boolean(Boolean::And(Box::new([self.boolean(left)?, self.boolean(right)?]))))
            }
            BinaryOperator::Or => Ok(Any::Boolean(Boolean::Or(Box::new([self.boolean(left)?, self.boolean(right)?])))),
            BinaryOperator::Plus => arithmetic(Operator::Plus),
            BinaryOperator::Minus => arithmetic(Operator::Minus),
            BinaryOperator::Multiply => arithmetic(Operator::Times),
            BinaryOperator::Divide => arithmetic(Operator::Divide),
            BinaryOperator::Modulo => arithmetic(Operator::Modulo),
            BinaryOperator::Eq => compare(Compare::Equal),
            BinaryOperator::NotEq => compare(Compare::NotEqual),
            BinaryOperator::Lt => compare(Compare::Less),
            BinaryOperator::LtEq => compare(Compare::LessOrEqual),
            BinaryOperator::Gt => compare(Compare::Greater),
            BinaryOperator::GtEq => compare(Compare::GreaterOrEqual),
            _ => Err(self.wrong(whole, format!("the operator `{operator}` is not supported in a condition"))),
        }
    }

    fn compare(&self, whole: &Expr, left: &Expr, compare: Compare, right: &Expr) -> Result<Boolean, Mistake> {
        match (self.any(left)?, self.any(right)?) {
            (Any::Number(one), Any::Number(two)) => {
                self.per_cent(left, &one, right, &two)?;
                self.per_cent(right, &two, left, &one)?;
                Ok(Boolean::Numbers(compare, Box::new([one, two])))
            }
            (Any::Text(left), Any::Text(right)) => Ok(Boolean::Texts(compare, Box::new([left, right]))),
            (Any::Boolean(left), Any::Boolean(right)) => Ok(Boolean::Booleans(compare, Box::new([left, right]))),
            (Any::Null, _) | (_, Any::Null) => {
                let mut mistake = self.wrong(whole, "a comparison with null is never true");
                mistake.help = Some("write `… is null` or `… is not null`".into());
                Err(mistake)
            }
            (Any::Unknown, _) | (_, Any::Unknown) => Ok(Boolean::Literal(None)),
            (left, right) => Err(self.wrong(whole, format!("{} is compared with {}", name_of(&left), name_of(&right)))),
        }
    }

    /// A share is compared with what it never reaches: per cent were meant.
    fn per_cent(&self, of: &Expr, measure: &Number, bound: &Expr, number: &Number) -> Result<(), Mistake> {
        let (Number::Measure(slot), Number::Literal(number)) = (measure, number) else { return Ok(()) };
        let fact = self.scope.facts.and_then(|first| self.facts.borrow().get(slot.checked_sub(first)?).copied());
        let is_share = fact.map_or(self.scope.shares.contains(slot), |fact| fact.info().is_share());
        if !is_share || *number <= 1.0 {
            return Ok(());
        }
        let name = &self.source[self.span(of)];
        let mut mistake = self.wrong(bound, format!("`{name}` is a share, from 0 to 1; it is never {number}"));
        mistake.help = (*number <= 100.0).then(|| format!("{number} per cent is {}", per_cent(*number)));
        Err(mistake)
    }

    fn in_list(&self, inner: &Expr, list: &[Expr], negated: bool) -> Result<Any, Mistake> {
        let boolean = match self.any(inner)? {
            Any::Number(number) => {
                let items = list.iter().map(|item| match self.number(item)? {
                    Number::Literal(value) => Ok(value),
                    Number::Negative(inner) if matches!(*inner, Number::Literal(_)) => match *inner {
                        Number::Literal(value) => Ok(-value),
                        _ => unreachable!("matched above"),
                    },
                    _ => Err(self.wrong(item, "a list holds literal values")),
                });
                Boolean::NumberIn(Box::new(number), items.collect::<Result<_, _>>()?)
            }
            Any::Text(text) => {
                let items = list.iter().map(|item| match self.text(item)? {
                    Text::Literal(value) => Ok(value),
                    _ => Err(self.wrong(item, "a list holds literal values")),
                });
                Boolean::TextIn(Box::new(text), items.collect::<Result<_, _>>()?)
            }
            Any::Unknown => Boolean::Literal(None),
            other => return Err(self.wrong(inner, format!("this is {}; `in` takes a number or text", name_of(&other)))),
        };
        Ok(self.negate(boolean, negated))
    }

    fn like(
        &self,
        inner: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        ignore_case: bool,
        negated: bool,
    ) -> Result<Any, Mistake> {
        let Text::Literal(literal) = self.text(pattern)? else {
            return Err(self.wrong(pattern, "the pattern of `like` is literal text"));
        };
        let escape = match escape.map(|escape| self.text(escape)).transpose()? {
            Some(Text::Literal(text)) => text.chars().next(),
            _ => None,
        };
        let pattern = Pattern::new(&literal, escape, ignore_case);
        Ok(self.negate(Boolean::Like(Box::new(self.text(inner)?), pattern), negated))
    }

    fn function(&self, whole: &Expr, function: &ast::Function) -> Result<Any, Mistake> {
        let name = function.name.to_string().to_lowercase();
        let arguments = match &function.args {
            FunctionArguments::List(list) => list.args.as_slice(),
            _ => &[],
        };
        let argument = match arguments {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] => argument,
            _ => return Err(self.wrong(whole, format!("`{name}` takes one argument"))),
        };
        match name.as_str() {
            "length" | "char_length" => Ok(Any::Number(Number::Length(Box::new(self.text(argument)?)))),
            "lower" => Ok(Any::Text(Text::Lower(Box::new(self.text(argument)?)))),
            _ => {
                let at = function.name.span();
                let mut mistake = mistake(self.range(at.start, at.end), format!("there is no function `{name}`"));
                mistake.help = Some("there are length(text), in characters, and lower(text)".into());
                Err(mistake)
            }
        }
    }
}

/// A number of per cent as a share, without what binary fractions add to it.
fn per_cent(number: f64) -> f64 {
    (number * 1e10).round() / 1e12
}

fn field(name: Name, kind: Type) -> Any {
    match kind {
        Type::Text => Any::Text(Text::Field(name)),
        Type::Integer | Type::Number => Any::Number(Number::Field(name)),
        Type::Boolean => Any::Boolean(Boolean::Field(name)),
    }
}
