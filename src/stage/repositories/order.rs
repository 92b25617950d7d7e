//! The order of a repository's files: what is imported before what imports it (InternLM2, arXiv:2403.17297,
//! sec. 3.1.2).
//!
//! Files are nodes, and so are folders that are imported as a whole, which keeps a package of thousands of
//! files from having an edge for every pair. Tarjan's algorithm, started in the order of the paths, gives
//! cycles whole, each after all that it imports. In time linear in files and imports, but for sorting.

use std::collections::HashMap;

use wanjuan_filters::kit::code_language;

use super::imports::{Import, imports};

/// A file to be put in order.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its path within the repository.
    pub path: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// Languages whose files describe others.
pub const DOCUMENTATION: [&str; 5] = ["Markdown", "Text", "reStructuredText", "MDX", "AsciiDoc"];

/// Parts at the end of a path by which a file is found from afar.
const MOST_PARTS: usize = 8;
/// Files of one name that an import chooses from: those of the first paths.
const MOST_CHOICES: usize = 16;

/// The numbers of the files in the order in which they should be read. Paths should differ.
pub fn order(files: &[File<'_>]) -> Vec<usize> {
    let mut by_path: Vec<usize> = (0..files.len()).collect();
    by_path.sort_by_key(|&file| (files[file].path, file));
    let languages: Vec<&str> = files.iter().map(|file| code_language(file.path, file.text).unwrap_or("")).collect();
    let is_documentation = |file: usize| DOCUMENTATION.contains(&languages[file]);
    let graph = Graph::new(files, &languages, &by_path);
    let code = by_path.iter().copied().filter(|&file| !is_documentation(file));
    let sorted = graph.sort(files, code);

    // Documentation goes before the first code of its folder, or of a folder below it.
    let mut documents: HashMap<&str, Vec<usize>> = HashMap::new();
    for &file in by_path.iter().filter(|&&file| is_documentation(file)) {
        documents.entry(folder(files[file].path)).or_default().push(file);
    }
    for documents in documents.values_mut() {
        documents.sort_by_key(|&file| !name(files[file].path).to_ascii_lowercase().starts_with("readme"));
    }
    let mut order = Vec::with_capacity(files.len());
    for file in sorted {
        let path = files[file].path;
        if !documents.is_empty() {
            let ends = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at)).take(64);
            for end in ends {
                order.extend(documents.remove(&path[..end]).into_iter().flatten());
            }
        }
        order.push(file);
    }
    let mut left: Vec<(&str, Vec<usize>)> = documents.into_iter().collect();
    left.sort_unstable();
    order.extend(left.into_iter().flat_map(|(_, documents)| documents));
    order
}

/// The folder of a path, without its last `/`.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A path without the ending of its file, and without a name that stands for the folder.
fn module(path: &str) -> &str {
    let start = path.len() - name(path).len();
    let stem = path[start..].rfind('.').filter(|&at| at > 0).map_or(path, |at| &path[..start + at]);
    match &stem[start..] {
        "__init__" | "index" | "mod" => folder(stem),
        _ => stem,
    }
}

/// Which node imports which; nodes past the files are folders.
struct Graph {
    edges: Vec<Vec<usize>>,
}

/// By the last parts of a path: who is called so, in the order of the paths.
type Index<'a> = HashMap<&'a str, Vec<usize>>;

/// Every ending of a path that begins at a part, the longest last.
fn endings(path: &str) -> impl Iterator<Item = &str> {
    let starts = path.rmatch_indices('/').map(|(at, _)| at + 1).chain(std::iter::once(0));
    starts.take(MOST_PARTS).map(|start| &path[start..]).filter(|ending| !ending.is_empty())
}

impl Graph {
    fn new<'a>(files: &[File<'a>], languages: &[&str], by_path: &[usize]) -> Graph {
        let mut paths: HashMap<&str, usize> = HashMap::new(); // with and without ending
        let (mut far, mut folders): (Index<'a>, Index<'a>) = Default::default();
        let mut edges = vec![Vec::new(); files.len()];
        let mut nodes: HashMap<&str, usize> = HashMap::new();
        let add = |index: &mut Index<'a>, ending: &'a str, node: usize| {
            let choices: &mut Vec<usize> = index.entry(ending).or_default();
            if choices.len() < MOST_CHOICES {
                choices.push(node);
            }
        };
        let mut names: Vec<&str> = Vec::new();
        for &file in by_path {
            let path = files[file].path;
            let module = module(path);
            for key in [path, module].into_iter().take(1 + usize::from(path != module)) {
                paths.entry(key).or_insert(file);
                for ending in endings(key) {
                    add(&mut far, ending, file);
                }
            }
            if languages[file].is_empty() || DOCUMENTATION.contains(&languages[file]) {
                continue;
            }
            let place = folder(path);
            let node = *nodes.entry(place).or_insert_with(|| {
                edges.push(Vec::new());
                names.push(place);
                edges.len() - 1
            });
            edges[node].push(file);
            if edges[node].len() == 1 {
                for ending in endings(place) {
                    add(&mut folders, ending, node);
                }
            }
        }
        let mut graph = Graph { edges };
        for &file in by_path {
            let path = files[file].path;
            let from = folder(path);
            for import in imports(languages[file], files[file].text) {
                let target = match &import {
                    Import::Near(to) => near(from, path, to).and_then(|to| paths.get(&*to).copied()),
                    Import::Far(to) => {
                        // The longest beginning that is a file: `a/b/C/method` may lie in `a/b/C`.
                        let ends = std::iter::once(to.len()).chain(to.rmatch_indices('/').map(|(at, _)| at));
                        ends.take(MOST_PARTS).find_map(|end| match &to[..end] {
                            // One word alone names a file of the folder, or of one above.
                            word if !word.contains(['/', '.']) => upward(from, word, &paths),
                            to => nearest(far.get(to)?, path, |file| files[file].path),
                        })
                    }
                    Import::Folder(to) => {
                        // A package may be named by an address, of which the repository is a part.
                        let found = endings(to).filter_map(|to| folders.get(to)).last();
                        found.and_then(|choices| nearest(choices, path, |node| names[node - files.len()]))
                    }
                };
                let Some(target) = target.filter(|&target| target != file) else { continue };
                // Within a folder, the file or the import that stands for all of it comes last.
                let own = match target.checked_sub(files.len()) {
                    Some(node) => names[node] == from,
                    None => {
                        let stands_for = name(files[target].path).starts_with("__init__.");
                        let place = folder(files[target].path);
                        stands_for
                            && (from == place || from.strip_prefix(place).is_some_and(|rest| rest.starts_with('/')))
                    }
                };
                if !own {
                    graph.edges[file].push(target);
                }
            }
            graph.edges[file].sort_unstable_by_key(|&target| {
                (target >= files.len(), files.get(target).map_or("", |file| file.path), target)
            });
            graph.edges[file].dedup();
        }
        graph
    }

    /// The files, each after those it imports. A cycle begins with its first path.
    fn sort(&self, files: &[File<'_>], starts: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut sorted = Vec::new();
        let mut walk = Walk::new(self.edges.len());
        let mut done = vec![false; self.edges.len()];
        for start in starts {
            walk.from(start, &self.edges, &mut |cycle| {
                // Whoever is walked first in the rest of the cycle: its imports within the cycle before it.
                cycle.sort_by_key(|&node| (node >= files.len(), files.get(node).map_or("", |file| file.path), node));
                let inside: HashMap<usize, ()> = cycle.iter().map(|&node| (node, ())).collect();
                done[cycle[0]] = true;
                if cycle[0] < files.len() {
                    sorted.push(cycle[0]);
                }
                for &node in &cycle[1..] {
                    let mut stack = vec![(node, 0)];
                    if std::mem::replace(&mut done[node], true) {
                        continue;
                    }
                    while let Some((node, next)) = stack.last_mut() {
                        let Some(&to) = self.edges[*node].get(*next) else {
                            if *node < files.len() {
                                sorted.push(*node);
                            }
                            stack.pop();
                            continue;
                        };
                        *next += 1;
                        if inside.contains_key(&to) && !std::mem::replace(&mut done[to], true) {
                            stack.push((to, 0));
                        }
                    }
                }
            });
        }
        sorted
    }
}

/// The choice that shares most of its path; of equally near ones the first.
fn nearest<'a>(choices: &[usize], path: &str, of: impl Fn(usize) -> &'a str) -> Option<usize> {
    let shared = |other: &str| other.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
    choices.iter().copied().min_by_key(|&choice| std::cmp::Reverse(shared(of(choice))))
}

/// The file called `word` in a folder or in the nearest one above it.
fn upward(from: &str, word: &str, paths: &HashMap<&str, usize>) -> Option<usize> {
    let mut place = from;
    for _ in 0..MOST_PARTS {
        if place.is_empty() {
            break;
        }
        if let Some(&file) = paths.get(&*format!("{place}/{word}")) {
            return Some(file);
        }
        place = folder(place);
    }
    paths.get(word).copied()
}

/// Where an import from `from` by the file `path` leads, as a path of the repository.
fn near(from: &str, path: &str, to: &str) -> Option<String> {
    // `mod x;` lies beside a root, and otherwise in a folder called as the file.
    let (from, to) = match to.strip_prefix("mod ") {
        Some(to) if !matches!(name(path), "main.rs" | "lib.rs" | "mod.rs") => (module(path), to),
        Some(to) => (from, to),
        None => (from, to),
    };
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Tarjan's algorithm without recursion.
struct Walk {
    /// By node: 0, or one more than the number at which it was found.
    found: Vec<usize>,
    low: Vec<usize>,
    waiting: Vec<usize>,
    waits: Vec<bool>,
    number: usize,
}

impl Walk {
    fn new(nodes: usize) -> Walk {
        Walk { found: vec![0; nodes], low: vec![0; nodes], waiting: Vec::new(), waits: vec![false; nodes], number: 0 }
    }

    fn enter(&mut self, node: usize) {
        self.number += 1;
        (self.found[node], self.low[node]) = (self.number, self.number);
        self.waiting.push(node);
        self.waits[node] = true;
    }

    /// Tells every cycle that can be reached and has not been told, or node that is in none.
    fn from(&mut self, start: usize, edges: &[Vec<usize>], tell: &mut dyn FnMut(&mut Vec<usize>)) {
        if self.found[start] != 0 {
            return;
        }
        self.enter(start);
        let mut stack = vec![(start, 0)];
        while let Some((node, next)) = stack.last_mut() {
            let node = *node;
            if let Some(&to) = edges[node].get(*next) {
                *next += 1;
                if self.found[to] == 0 {
                    self.enter(to);
                    stack.push((to, 0));
                } else if self.waits[to] {
                    self.low[node] = self.low[node].min(self.found[to]);
                }
                continue;
            }
            stack.pop();
            if let Some((above, _)) = stack.last() {
                self.low[*above] = self.low[*above].min(self.low[node]);
            }
            if self.low[node] == self.found[node] {
                let at = self.waiting.iter().rposition(|&waits| waits == node).expect("a node waits until it is told");
                let mut cycle = self.waiting.split_off(at);
                cycle.iter().for_each(|&node| self.waits[node] = false);
                tell(&mut cycle);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered<'a>(files: &[(&'a str, &'a str)]) -> Vec<&'a str> {
        let files: Vec<File<'_>> = files.iter().map(|&(path, text)| File { path, text }).collect();
        let order = order(&files);
        let mut all = order.clone();
        all.sort_unstable();
        assert_eq!(all, (0..files.len()).collect::<Vec<_>>(), "every file once");
        order.into_iter().map(|file| files[file].path).collect()
    }

    #[test]
    fn what_is_imported_comes_first() {
        assert_eq!(
            ordered(&[
                ("app/main.py", "from app.core import run\nimport app.util"),
                ("app/core.py", "from . import util"),
                ("app/util.py", ""),
            ]),
            ["app/util.py", "app/core.py", "app/main.py"]
        );
        assert_eq!(
            ordered(&[("a.js", "import x from './lib'"), ("lib/index.js", "require('./z.js')"), ("lib/z.js", "")]),
            ["lib/z.js", "lib/index.js", "a.js"]
        );
        assert_eq!(
            ordered(&[("a.c", "#include \"inc/b.h\""), ("inc/b.h", "#include \"c.h\""), ("inc/c.h", "")]),
            ["inc/c.h", "inc/b.h", "a.c"]
        );
        assert_eq!(
            ordered(&[("src/lib.rs", "mod a;\nmod b;"), ("src/a.rs", "use crate::b::B;"), ("src/b/mod.rs", "")]),
            ["src/b/mod.rs", "src/a.rs", "src/lib.rs"]
        );
        assert_eq!(
            ordered(&[
                ("cmd/main.go", "import (\n\t\"example.org/me/pkg/b\"\n)"),
                ("pkg/b/one.go", ""),
                ("pkg/b/two.go", "")
            ]),
            ["pkg/b/one.go", "pkg/b/two.go", "cmd/main.go"]
        );
        assert_eq!(
            ordered(&[("src/a/B.java", "import z.C;\nimport y.*;"), ("src/z/C.java", ""), ("src/y/D.java", "")]),
            ["src/z/C.java", "src/y/D.java", "src/a/B.java"]
        );
    }

    #[test]
    fn a_diamond_has_its_base_first_and_once() {
        assert_eq!(
            ordered(&[
                ("top.py", "import left, right"),
                ("left.py", "import base"),
                ("right.py", "import base"),
                ("base.py", "")
            ]),
            ["base.py", "left.py", "right.py", "top.py"]
        );
    }

    #[test]
    fn a_cycle_begins_with_its_first_path_and_comes_after_what_it_imports() {
        assert_eq!(
            ordered(&[
                ("b.py", "import c"),
                ("c.py", "import d, z"),
                ("d.py", "import b"),
                ("z.py", ""),
                ("a.py", "import c")
            ]),
            ["z.py", "b.py", "d.py", "c.py", "a.py"]
        );
        assert_eq!(ordered(&[("a.py", "import a")]), ["a.py"]);
    }

    #[test]
    fn an_init_comes_after_what_it_gathers_though_that_imports_the_package() {
        assert_eq!(
            ordered(&[
                ("pkg/__init__.py", "from .x import X\nfrom . import y"),
                ("pkg/x.py", "from pkg import y\nimport pkg"),
                ("pkg/y.py", "from . import nothing"),
                ("run.py", "import pkg"),
            ]),
            ["pkg/y.py", "pkg/x.py", "pkg/__init__.py", "run.py"]
        );
    }

    #[test]
    fn documentation_comes_before_the_first_code_of_its_folder() {
        assert_eq!(
            ordered(&[
                ("src/z.py", "import lib.a"),
                ("lib/a.py", ""),
                ("lib/NOTES.md", ""),
                ("lib/README.md", ""),
                ("README.md", "说明"),
                ("src/说明.txt", ""),
                ("docs/guide.rst", ""),
            ]),
            ["README.md", "lib/README.md", "lib/NOTES.md", "lib/a.py", "src/说明.txt", "src/z.py", "docs/guide.rst"]
        );
    }

    #[test]
    fn the_order_is_that_of_the_files_however_they_come() {
        let files = [("a.py", "import c"), ("b.py", "import a"), ("c.py", "import b"), ("d.md", "")];
        let mut turned = files;
        turned.reverse();
        assert_eq!(ordered(&files), ordered(&turned));
        assert!(ordered(&[]).is_empty());
    }

    #[test]
    fn thousands_of_files_take_linear_time() {
        let started = std::time::Instant::now();
        // A chain, a cycle through all of it, one name in every folder, and a package that everyone imports.
        let files: Vec<(String, String)> = (0..20_000)
            .map(|n| {
                (format!("d{n}/util.py"), format!("import d{}.util\nimport util\nfrom d5 import *", (n + 1) % 20_000))
            })
            .chain((0..20_000).map(|n| (format!("j/p/F{n}.java"), "import p.*;\nimport q.*;".to_owned())))
            .chain((0..20_000).map(|n| (format!("j/q/F{n}.java"), "import p.*;".to_owned())))
            .collect();
        let files: Vec<File<'_>> = files.iter().map(|(path, text)| File { path, text }).collect();
        assert_eq!(order(&files).len(), files.len());
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }
}
