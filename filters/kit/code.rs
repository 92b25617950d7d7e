//! Which programming language a file is in, by its name and its first line.
//!
//! Languages are called as GitHub's Linguist calls them (`C++`, `Jupyter Notebook`), which is how The
//! Stack names them too. An ending that several languages share (`.h`, `.m`, `.pl`) means the most common.

/// Endings of file names, lower case, sorted.
const ENDINGS: &[(&str, &str)] = &[
    ("ada", "Ada"),
    ("adb", "Ada"),
    ("ads", "Ada"),
    ("agda", "Agda"),
    ("asm", "Assembly"),
    ("astro", "Astro"),
    ("awk", "Awk"),
    ("bash", "Shell"),
    ("bat", "Batchfile"),
    ("bib", "TeX"),
    ("c", "C"),
    ("cc", "C++"),
    ("cjs", "JavaScript"),
    ("cl", "Common Lisp"),
    ("clj", "Clojure"),
    ("cljc", "Clojure"),
    ("cljs", "Clojure"),
    ("cmake", "CMake"),
    ("cmd", "Batchfile"),
    ("coffee", "CoffeeScript"),
    ("cpp", "C++"),
    ("cr", "Crystal"),
    ("cs", "C#"),
    ("css", "CSS"),
    ("csv", "CSV"),
    ("cts", "TypeScript"),
    ("cu", "Cuda"),
    ("cuh", "Cuda"),
    ("cxx", "C++"),
    ("d", "D"),
    ("dart", "Dart"),
    ("dockerfile", "Dockerfile"),
    ("dot", "Graphviz (DOT)"),
    ("el", "Emacs Lisp"),
    ("elm", "Elm"),
    ("erl", "Erlang"),
    ("ex", "Elixir"),
    ("exs", "Elixir"),
    ("f", "Fortran"),
    ("f03", "Fortran"),
    ("f90", "Fortran"),
    ("f95", "Fortran"),
    ("for", "Fortran"),
    ("fs", "F#"),
    ("fsi", "F#"),
    ("fsx", "F#"),
    ("glsl", "GLSL"),
    ("go", "Go"),
    ("gradle", "Gradle"),
    ("graphql", "GraphQL"),
    ("groovy", "Groovy"),
    ("gv", "Graphviz (DOT)"),
    ("h", "C"),
    ("hcl", "HCL"),
    ("hh", "C++"),
    ("hpp", "C++"),
    ("hrl", "Erlang"),
    ("hs", "Haskell"),
    ("htm", "HTML"),
    ("html", "HTML"),
    ("hxx", "C++"),
    ("idr", "Idris"),
    ("ini", "INI"),
    ("inl", "C++"),
    ("ipp", "C++"),
    ("ipynb", "Jupyter Notebook"),
    ("java", "Java"),
    ("jl", "Julia"),
    ("js", "JavaScript"),
    ("json", "JSON"),
    ("jsx", "JavaScript"),
    ("kt", "Kotlin"),
    ("kts", "Kotlin"),
    ("lean", "Lean"),
    ("less", "Less"),
    ("lhs", "Haskell"),
    ("lisp", "Common Lisp"),
    ("lua", "Lua"),
    ("m", "Objective-C"),
    ("markdown", "Markdown"),
    ("md", "Markdown"),
    ("mdx", "MDX"),
    ("mjs", "JavaScript"),
    ("mk", "Makefile"),
    ("ml", "OCaml"),
    ("mli", "OCaml"),
    ("mm", "Objective-C++"),
    ("mts", "TypeScript"),
    ("nim", "Nim"),
    ("nix", "Nix"),
    ("owl", "Web Ontology Language"),
    ("pas", "Pascal"),
    ("patch", "Diff"),
    ("php", "PHP"),
    ("pl", "Perl"),
    ("pm", "Perl"),
    ("proto", "Protocol Buffer"),
    ("ps1", "PowerShell"),
    ("psm1", "PowerShell"),
    ("py", "Python"),
    ("pyi", "Python"),
    ("pyw", "Python"),
    ("pyx", "Cython"),
    ("r", "R"),
    ("rake", "Ruby"),
    ("rb", "Ruby"),
    ("rs", "Rust"),
    ("rst", "reStructuredText"),
    ("s", "Assembly"),
    ("sass", "Sass"),
    ("scala", "Scala"),
    ("scm", "Scheme"),
    ("scss", "SCSS"),
    ("sh", "Shell"),
    ("smt", "SMT"),
    ("smt2", "SMT"),
    ("sol", "Solidity"),
    ("sparql", "SPARQL"),
    ("sql", "SQL"),
    ("sv", "SystemVerilog"),
    ("svelte", "Svelte"),
    ("svg", "SVG"),
    ("swift", "Swift"),
    ("tcl", "Tcl"),
    ("tex", "TeX"),
    ("tf", "HCL"),
    ("thrift", "Thrift"),
    ("toml", "TOML"),
    ("ts", "TypeScript"),
    ("tsv", "TSV"),
    ("tsx", "TSX"),
    ("txt", "Text"),
    ("v", "Verilog"),
    ("vb", "Visual Basic .NET"),
    ("vhd", "VHDL"),
    ("vhdl", "VHDL"),
    ("vim", "Vim Script"),
    ("vue", "Vue"),
    ("wat", "WebAssembly"),
    ("xml", "XML"),
    ("xsd", "XML"),
    ("xsl", "XSLT"),
    ("xslt", "XSLT"),
    ("yaml", "YAML"),
    ("yml", "YAML"),
    ("zig", "Zig"),
    ("zsh", "Shell"),
];

/// File names that say it whole, lower case.
const NAMES: &[(&str, &str)] = &[
    ("build", "Starlark"),
    ("build.bazel", "Starlark"),
    ("cmakelists.txt", "CMake"),
    ("dockerfile", "Dockerfile"),
    ("gemfile", "Ruby"),
    ("gnumakefile", "Makefile"),
    ("makefile", "Makefile"),
    ("rakefile", "Ruby"),
    ("readme", "Text"),
    ("vagrantfile", "Ruby"),
];

/// Interpreters named in a first line that begins with `#!`, without the version at their ends.
const INTERPRETERS: &[(&str, &str)] = &[
    ("ash", "Shell"),
    ("awk", "Awk"),
    ("bash", "Shell"),
    ("dash", "Shell"),
    ("deno", "TypeScript"),
    ("fish", "Shell"),
    ("gawk", "Awk"),
    ("groovy", "Groovy"),
    ("julia", "Julia"),
    ("ksh", "Shell"),
    ("lua", "Lua"),
    ("node", "JavaScript"),
    ("nodejs", "JavaScript"),
    ("perl", "Perl"),
    ("php", "PHP"),
    ("pwsh", "PowerShell"),
    ("pypy", "Python"),
    ("python", "Python"),
    ("Rscript", "R"),
    ("ruby", "Ruby"),
    ("runhaskell", "Haskell"),
    ("sh", "Shell"),
    ("tclsh", "Tcl"),
    ("zsh", "Shell"),
];

/// The programming language of a file, by its path, then by the interpreter in its first line. `path` may be empty.
pub fn code_language(path: &str, text: &str) -> Option<&'static str> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, language)| *language);
    named.or_else(|| of_ending(name.rsplit_once('.')?.1)).or_else(|| of_interpreter(text))
}

fn of_ending(ending: &str) -> Option<&'static str> {
    let found = ENDINGS.binary_search_by_key(&ending, |(known, _)| known).ok()?;
    Some(ENDINGS[found].1)
}

fn of_interpreter(text: &str) -> Option<&'static str> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_ascii_whitespace();
    let program = |word: &str| word.rsplit('/').next().map(str::to_owned);
    let mut name = program(words.next()?)?;
    if name == "env" {
        // `#!/usr/bin/env -S VAR=1 python3 -u`
        name = program(words.find(|word| !word.starts_with('-') && !word.contains('='))?)?;
    }
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.iter().find(|(known, _)| *known == name).map(|(_, language)| *language)
}

/// Every name that GitHub's Linguist has for a language.
pub fn code_languages() -> impl Iterator<Item = &'static str> + Clone {
    include_str!("../data/code_languages.txt").lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_told_to_be_is_a_name_of_linguist() {
        let known: Vec<String> = code_languages().map(str::to_lowercase).collect();
        for (ending, language) in ENDINGS.iter().chain(NAMES).chain(INTERPRETERS) {
            assert!(known.contains(&language.to_lowercase()), "{ending}: {language}");
        }
    }

    #[test]
    fn tables_are_sorted_and_lower_case() {
        assert!(ENDINGS.is_sorted_by(|a, b| a.0 < b.0));
        for (name, _) in ENDINGS.iter().chain(NAMES) {
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }

    #[test]
    fn a_language_is_told_by_name_ending_or_first_line() {
        for (path, text, language) in [
            ("src/main.rs", "", Some("Rust")),
            ("A/B.CPP", "", Some("C++")),
            ("docker/Dockerfile", "", Some("Dockerfile")),
            ("x/CMakeLists.txt", "", Some("CMake")),
            ("notes.txt", "", Some("Text")),
            ("bin/run", "#!/bin/sh\necho", Some("Shell")),
            ("bin/run", "#!/usr/bin/env python3.11\n", Some("Python")),
            ("", "#!/usr/bin/env -S A=1 node --x\n", Some("JavaScript")),
            ("a.rs", "#!/bin/sh", Some("Rust")),
            ("bin/run", "#!", None),
            ("bin/run", "#!/usr/bin/env", None),
            ("你好", "你好", None),
            ("", "", None),
            ("a.", "", None),
        ] {
            assert_eq!(code_language(path, text), language, "{path} {text}");
        }
    }
}
