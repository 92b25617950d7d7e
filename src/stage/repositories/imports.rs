//! Which other files a source file asks for, read by regular expressions, not by a parser.

use std::sync::LazyLock;

use regex::Regex;

/// What a file asks for, as it says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Import {
    /// A path from the folder of the file that asks: `./x`, `../a/b`.
    Near(String),
    /// A path from a root that the file does not name: `a/b/c`. What its last parts name may lie within a file.
    Far(String),
    /// Every file of a folder.
    Folder(String),
}

use Import::{Far, Folder, Near};

/// Imports that are read of one file, so that a file of nothing else costs what any other does.
const MOST: usize = 1000;

/// The imports of a text in a language, called as [`code_language`](wanjuan_filters::kit::code_language) calls it.
pub fn imports(language: &str, text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    match language {
        "Python" | "Cython" => python(text, &mut found),
        "JavaScript" | "TypeScript" | "TSX" | "Vue" | "Svelte" => {
            each(&JAVASCRIPT, text, |path| {
                found.push(if path.starts_with('.') { Near(path.to_owned()) } else { Far(path.to_owned()) });
            });
        }
        "Java" | "Kotlin" | "Scala" | "Groovy" => each(&JAVA, text, |name| {
            let name = name.replace('.', "/");
            found.push(match name.strip_suffix("/*").or_else(|| name.strip_suffix("/_")) {
                Some(package) => Folder(package.to_owned()),
                None => Far(name),
            });
        }),
        "C" | "C++" | "Cuda" | "Objective-C" | "Objective-C++" => each(&INCLUDE, text, |path| {
            found.push(Near(path.to_owned()));
            found.push(Far(path.to_owned()));
        }),
        "Go" => each(&GO, text, |path| found.push(Folder(path.to_owned()))),
        "Rust" => rust(text, &mut found),
        "C#" => each(&CSHARP, text, |name| found.push(Folder(name.replace('.', "/")))),
        "Ruby" => {
            each(&RUBY_NEAR, text, |path| found.push(Near(path.to_owned())));
            each(&RUBY, text, |path| found.push(Far(path.to_owned())));
        }
        "PHP" => {
            each(&PHP_FILE, text, |path| found.push(Near(format!("./{}", path.trim_start_matches('/')))));
            each(&PHP, text, |name| found.push(Far(name.replace('\\', "/"))));
        }
        "Haskell" | "Elm" | "Agda" | "Lean" => each(&MODULE, text, |name| found.push(Far(name.replace('.', "/")))),
        "Lua" => each(&LUA, text, |name| found.push(Far(name.replace('.', "/")))),
        "Dart" => each(&JAVASCRIPT, text, |path| match path.strip_prefix("package:") {
            Some(path) => found.push(Far(path.to_owned())),
            None => found.push(Near(path.to_owned())),
        }),
        "Shell" => each(&SHELL, text, |path| found.push(Near(path.to_owned()))),
        _ => {}
    }
    found
}

macro_rules! expressions {
    ($($name:ident = $expression:literal;)*) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($expression).expect("a constant"));)*
    };
}

expressions! {
    PYTHON = r"(?m)^[ \t]*(?:import[ \t]+([\w.]+(?:[ \t]+as[ \t]+\w+)?(?:[ \t]*,[ \t]*[\w.]+(?:[ \t]+as[ \t]+\w+)?)*)|from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(?:\(([^)]*)|([^\n]+)))";
    JAVASCRIPT = r#"(?m)(?:\bfrom\s*|\brequire\s*\(\s*|\bimport\s*\(\s*|^\s*import\s+|^\s*export\s+|^\s*part\s+)["']([^"'\n]+)["']"#;
    JAVA = r"(?m)^[ \t]*import[ \t]+(?:static[ \t]+)?(\w+(?:\.\w+)*(?:\.\*)?)";
    INCLUDE = r#"(?m)^[ \t]*#[ \t]*(?:include|import)[ \t]*["<]([^">\n]+)[">]"#;
    GO = r#"(?m)^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?"([\w./~-]+/[\w./~-]+)"[ \t\r]*$"#;
    RUST_MODULE = r"(?m)^[ \t]*(?:pub(?:\([^)\n]*\))?[ \t]+)?mod[ \t]+(?:r#)?(\w+)[ \t]*;";
    RUST_USE = r"(?m)^[ \t]*(?:pub(?:\([^)\n]*\))?[ \t]+)?use[ \t]+(crate|super|self)::((?:\w+::)*\w+)";
    CSHARP = r"(?m)^[ \t]*(?:global[ \t]+)?using[ \t]+(?:static[ \t]+)?([\w.]+)[ \t]*;";
    RUBY_NEAR = r#"(?m)^[ \t]*require_relative[ \t(]+["']([^"'\n]+)["']"#;
    RUBY = r#"(?m)^[ \t]*(?:require|load)[ \t(]+["']([^"'\n]+)["']"#;
    PHP_FILE = r#"(?m)\b(?:require|include)(?:_once)?[ \t(]+(?:__DIR__[ \t]*\.[ \t]*)?["']([^"'\n]+)["']"#;
    PHP = r"(?m)^[ \t]*use[ \t]+(?:function[ \t]+|const[ \t]+)?\\?([\w\\]+)";
    MODULE = r"(?m)^import[ \t]+(?:qualified[ \t]+)?([\w.]+)";
    LUA = r#"\brequire[ \t(]*["']([^"'\n]+)["']"#;
    SHELL = r#"(?m)^[ \t]*(?:source|\.)[ \t]+["']?([\w./-]+)"#;
}

fn each(expression: &Regex, text: &str, mut found: impl FnMut(&str)) {
    for captures in expression.captures_iter(text).take(MOST) {
        found(captures.get(1).map_or("", |name| name.as_str()));
    }
}

fn python(text: &str, found: &mut Vec<Import>) {
    for captures in PYTHON.captures_iter(text).take(MOST) {
        if let Some(modules) = captures.get(1) {
            for module in modules.as_str().split(',') {
                let name = module.split_whitespace().next().unwrap_or_default();
                found.push(Far(name.replace('.', "/")));
            }
            continue;
        }
        let from = captures.get(2).map_or("", |from| from.as_str());
        let names = captures.get(3).or(captures.get(4)).map_or("", |names| names.as_str());
        let module = from.trim_start_matches('.');
        let dots = from.len() - module.len();
        let mut base = "./".to_owned() + &"../".repeat(dots.saturating_sub(1).min(16));
        base.push_str(&module.replace('.', "/"));
        for name in names.lines().flat_map(|line| line.split('#').next().unwrap_or_default().split(',')).take(MOST) {
            // A name may be a module of its own, or something within the module it comes from.
            let name = name.split_whitespace().next().unwrap_or_default().trim_end_matches(['\\', ')']);
            if name.is_empty() {
                continue;
            }
            let near = format!("{}/{name}", base.trim_end_matches('/'));
            match dots {
                0 => found.push(Far(near[2..].to_owned())),
                _ => found.push(Near(near)),
            }
        }
        if dots > 0 {
            found.push(Near(base));
        }
    }
}

fn rust(text: &str, found: &mut Vec<Import>) {
    each(&RUST_MODULE, text, |name| found.push(Near(format!("mod {name}"))));
    for captures in RUST_USE.captures_iter(text).take(MOST) {
        let path = captures[2].replace("::", "/");
        match &captures[1] {
            "crate" => found.push(Far(path)),
            _ => found.push(Near(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for language in ["Python", "JavaScript", "Java", "C", "Go", "Rust", "C#", "Ruby", "PHP", "Lua", "Shell"] {
            for piece in
                ["from a import (b, ", "import ", "\n#include \"", "from \"", "use a::", "\nimport a, b, ", "字"]
            {
                imports(language, &piece.repeat(50_000));
            }
        }
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }

    #[test]
    fn imports_of_each_language_are_found() {
        let near = |path: &str| Near(path.to_owned());
        let far = |path: &str| Far(path.to_owned());
        let folder = |path: &str| Folder(path.to_owned());
        for (language, text, expected) in [
            ("Python", "import os.path as p, json\n", vec![far("os/path"), far("json")]),
            ("Python", "from a.b import c\n", vec![far("a/b/c")]),
            ("Python", "from . import x # y, z\n", vec![near("./x"), near("./")]),
            ("Python", "from ..a import (\n  b,\n  c,\n)", vec![near("./../a/b"), near("./../a/c"), near("./../a")]),
            ("JavaScript", "import a from './a';\nconst b = require(\"b/c\");", vec![near("./a"), far("b/c")]),
            ("TypeScript", "import {\n a,\n} from '../x'", vec![near("../x")]),
            ("Java", "import a.b.C;\nimport static a.d.*;", vec![far("a/b/C"), folder("a/d")]),
            ("C", "#include \"a.h\"\n# include <b/c.h>", vec![near("a.h"), far("a.h"), near("b/c.h"), far("b/c.h")]),
            ("Go", "import (\n\t\"fmt\"\n\tx \"m.org/a/b\"\n)", vec![folder("m.org/a/b")]),
            ("Rust", "pub(crate) mod a;\nuse crate::b::C;\nuse super::d;", vec![near("mod a"), far("b/C"), near("d")]),
            ("C#", "using A.B;", vec![folder("A/B")]),
            ("Ruby", "require_relative 'a'\nrequire 'b/c'", vec![near("a"), far("b/c")]),
            ("PHP", "require_once __DIR__ . '/a.php';\nuse A\\B\\C;", vec![near("./a.php"), far("A/B/C")]),
            ("Haskell", "import qualified Data.Map as M", vec![far("Data/Map")]),
            ("Lua", "local a = require('b.c')", vec![far("b/c")]),
            ("Shell", ". ./a.sh\nsource lib/b.sh", vec![near("./a.sh"), near("lib/b.sh")]),
            ("Markdown", "import a", vec![]),
            ("Python", "# 导入\nx = 'from 甲 import'", vec![]),
        ] {
            let mut found = imports(language, text);
            let mut expected = expected;
            for list in [&mut found, &mut expected] {
                list.dedup();
            }
            assert!(expected.iter().all(|import| found.contains(import)), "{language} {text}: {found:?}");
            assert_eq!(found.len(), expected.len(), "{language} {text}: {found:?}");
        }
    }
}
