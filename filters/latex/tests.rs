use proptest::prelude::*;

use super::*;

fn mapped(settings: &str, text: &str) -> (Verdict, String, Measure) {
    let mut document = Document::new("", text);
    let mut measure = Measure::default();
    let step = Latex::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
    let verdict = step.map(&mut document, &mut measure);
    (verdict, document.text().to_owned(), measure)
}

const PAPER: &str = r"\documentclass{article} % a class
\newcommand{\R}{\mathbb{R}}
\def\half{\frac{1}{2}}
\newcommand\both{\half\R}
\newcommand{\norm}[1]{\|#1\|}
% \section{Not here}
\begin{document}
\title{On halves}
\section{引言} % first
100\% of $\both^n$ and $\Rest$, \norm{x}~\cite[p. 2]{a,b}.
% gone
\begin{verbatim}
% stays \R
\end{verbatim}
\begin{equation}\label{eq} x = \half \end{equation}
\label{sec} See.
\begin{figure}[t] \caption{One} \end{figure}
\appendixname
\begin{thebibliography}{9} \end{thebibliography}
\end{document}
";

#[test]
fn a_per_cent_sign_in_an_address_or_in_literal_text_begins_no_comment() {
    for line in [r"\href{http://a.com/%20b}{text} end", r"\path{a%b} \verb|50% x| end", r"\lstinline!a % b! end"] {
        let text = format!("\\section{{A}}\n{line}");
        assert_eq!(mapped("", &text).1, text);
    }
    assert!(!mapped("", "\\section{A}\n\\url{http://a.com} % gone").1.contains("gone"));
}

#[test]
fn a_paper_is_cleaned_as_redpajama_says() {
    let (verdict, text, measure) = mapped("", PAPER);
    assert_eq!(verdict, Verdict::Keep);
    let expected = r"\section{引言} 
100\% of $\frac{1}{2}\mathbb{R}^n$ and $\Rest$, \norm{x}~\cite[p. 2]{a,b}.
\begin{verbatim}
% stays \R
\end{verbatim}
\begin{equation}\label{eq} x = \frac{1}{2} \end{equation}
\label{sec} See.
\begin{figure}[t] \caption{One} \end{figure}
\appendixname
";
    assert_eq!(text, expected);
    assert_eq!(measure, Measure { comments: Some(4.0), expansions: Some(2.0), dropped_commands: Some(0.0) });
}

#[test]
fn each_setting_changes_its_own() {
    let all = "labels = true\ncitations = true\nfigures = true";
    let (_, text, measure) = mapped(all, PAPER);
    assert!(text.contains("\\norm{x}.\n"), "{text}");
    assert!(text.contains("\\label{eq}") && !text.contains("\\label{sec}") && !text.contains("caption"), "{text}");
    assert_eq!(measure.dropped_commands, Some(3.0));
    assert!(mapped("start = \"document\"", PAPER).1.starts_with("\n\\title{On halves}\n\\section"));
    assert!(mapped("start = \"keep\"\nmacros = false\ncomments = false\nbibliography = false", PAPER).1 == PAPER);
    assert!(mapped("bibliography = false", PAPER).1.contains("thebibliography"));
    assert!(mapped("comments = false\nstart = \"document\"", PAPER).1.contains("% first"));
    assert!(mapped("macros = false", PAPER).1.contains("\\both"));
}

#[test]
fn a_macro_has_the_value_it_has_where_it_stands() {
    let text = r"\newcommand{\x}{one}\section{A} \x \renewcommand{\x}{two}\x \renewcommand*\x{three}\x";
    assert_eq!(mapped("", text).1, r"\section{A} one two three");
    let used_first = r"\section{A} \x \def\x{one}\x";
    assert_eq!(mapped("", used_first).1, r"\section{A} \x one");
    let arguments = r"\def\x{one}\section{A} \x \renewcommand{\x}[1]{#1}\x{two}";
    assert_eq!(mapped("", arguments).1, r"\section{A} one \renewcommand{\x}[1]{#1}\x{two}");
    let provided = r"\def\x{one}\providecommand{\x}{two}\providecommand{\y}{three}\section{A}\x\y";
    assert_eq!(mapped("", provided).1, r"\section{A}onethree");
}

#[test]
fn commands_of_latex_that_are_redefined_stay_commands() {
    let text = "\\renewcommand{\\section}{\\@startsection{section}}\n\\section{A}\n\\renewcommand{\\arraystretch}{1.5}中\\arraystretch";
    assert_eq!(mapped("", text).1, "\\section{A}\n中\\arraystretch");
}

#[test]
fn literal_text_holds_no_heading_no_end_and_no_macro() {
    let text = r"\def\x{one} \verb|\section{No}| \section{A} \verb|\appendix| \verb*+\x+ \lstinline!\def\x{two}! \x, \appendix gone";
    assert_eq!(mapped("", text).1, r"\section{A} \verb|\appendix| \verb*+\x+ \lstinline!\def\x{two}! one, ");
    let text = "\\begin{verbatim}\n\\section{No}\\def\\x{one}\n\\end{verbatim}\n\\section{A}\n\\begin{lstlisting}\n\\end{document}\n\\end{lstlisting}\n\\x 后";
    assert!(mapped("", text).1.starts_with("\\section{A}\n") && mapped("", text).1.ends_with("\\x 后"));
    // One that does not close is none.
    assert_eq!(mapped("", "\\section{A}\\verb|a\n\\appendix|").1, "\\section{A}\\verb|a\n");
}

#[test]
fn a_text_without_a_heading_is_dropped() {
    assert_eq!(mapped("", "no heading").0, Verdict::Drop("no_heading"));
    assert_eq!(mapped("", "").0, Verdict::Drop("no_heading"));
    assert_eq!(mapped("", "\\sectionmark x").0, Verdict::Drop("no_heading"));
    assert_eq!(mapped("start = \"document\"", "中文").1, "中文");
}

#[test]
fn macros_that_multiply_stay_within_bounds() {
    let mut text = String::from("\\section{x}\n\\def\\a{aaaaaaaaaa}\\def\\z{\\z}");
    for (outer, inner) in "bcdefghij".chars().zip("abcdefghi".chars()) {
        text += &format!("\\def\\{outer}{{{}}}", format!("\\{inner}").repeat(10));
    }
    text += &"\\j \\z ".repeat(100);
    let (_, cleaned, _) = mapped("", &text);
    assert!(cleaned.len() < 50 * text.len(), "{}", cleaned.len());
    // Each by itself is long, and none in another.
    let text = format!("\\section{{x}}\\def\\a{{{}}}", "x".repeat(4000)) + &"\\a".repeat(10_000);
    let (_, cleaned, measure) = mapped("", &text);
    assert!(cleaned.len() < 6 * text.len(), "{}", cleaned.len());
    assert!(cleaned.ends_with("\\a") && measure.expansions.unwrap() < 100.0);
}

#[test]
fn huge_and_odd_texts_take_linear_time() {
    let started = std::time::Instant::now();
    for text in [
        "%",
        "\\",
        "{",
        "$",
        "\\begin{verbatim}\n",
        "\\newcommand{",
        "\\def\\a{\\a}",
        "\\cite{",
        "\\begin{figure}",
        "\\[",
        "%\n",
        "\\section{",
        "\\verb|",
        "\\verb1 \\verb2 ",
        "\\renewcommand{\\a}{\\a}",
    ] {
        let all = "labels = true\ncitations = true\nfigures = true\nstart = \"keep\"";
        mapped(all, &text.repeat(20_000));
    }
    assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn no_text_panics(text in "(\\\\|\\{|\\}|\\[|\\$|%|\n|a|中|~|#|\\*|begin|end|verbatim|figure|equation|def|newcommand|verb|cite|label|section|\\PC){0,60}") {
        mapped("start = \"keep\"\nlabels = true\ncitations = true\nfigures = true", &text);
    }

    #[test]
    fn a_second_time_changes_nothing(parts in prop::collection::vec("[a-z]{1,5}|中|\\$x\\$|% [a-z]{1,3}\n|\\\\section\\{[a-z]\\}|\\\\label\\{[a-z]\\}|\\\\cite\\{[a-z]\\}|\\\\def\\\\q\\{[a-z]\\}|\\\\q |\n", 0..20)) {
        let settings = "start = \"keep\"\nlabels = true\ncitations = true\nfigures = true";
        let once = mapped(settings, &parts.join(" ")).1;
        prop_assert_eq!(&mapped(settings, &once).1, &once);
    }
}
