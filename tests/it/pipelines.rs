//! Every pipeline that comes along runs on its sample, and its own tests pass.

use std::fs;
use std::path::Path;

use crate::kit::wanjuan;

#[test]
fn every_pipeline_passes_its_tests_and_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    let out = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        seen += 1;
        let file = path.to_str().unwrap();
        let tested = wanjuan(&["test", file]);
        assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
        let name = path.file_stem().unwrap().to_str().unwrap();
        let output = out.path().join(name);
        let ran = wanjuan(&["run", file, "--set", &format!("pipeline.output={}", output.display()), "-o", "json"]);
        assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
        let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert!(told["counts"]["sinks"]["clean"]["documents"].as_u64().unwrap() > 0, "{name}: {told}");
    }
    assert!(seen >= 3);
}

#[test]
fn the_starter_file_is_a_pipeline_but_for_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let starter = wanjuan(&["init"]).stdout;
    fs::write(folder.path().join("p.toml"), &starter).unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let mut encoder =
        zstd::stream::write::Encoder::new(fs::File::create(folder.path().join("data/a.jsonl.zst")).unwrap(), 1)
            .unwrap();
    std::io::Write::write_all(&mut encoder, b"{\"text\":\"hello\"}\n").unwrap();
    encoder.finish().unwrap();
    let checked = wanjuan(&["check", folder.path().join("p.toml").to_str().unwrap()]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn every_step_is_listed_and_explained_and_every_profile_is_of_its_form() {
    let listed = wanjuan(&["list", "-o", "json"]);
    let entries: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    for entry in entries.as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let about = entry["about"].as_str().unwrap();
        assert!(about.ends_with(['.', ':']) && about.len() < 110, "{name}: {about}");
        let explained = wanjuan(&["explain", name]);
        assert!(explained.status.success() && String::from_utf8_lossy(&explained.stdout).contains(about), "{name}");
    }
    let registry = wanjuan::registry::Registry::builtin();
    for entry in registry.entries() {
        for profile in entry.profiles {
            entry.fits(profile.settings.parse().unwrap()).unwrap();
        }
    }
    let schema = wanjuan(&["schema"]);
    assert!(serde_json::from_slice::<serde_json::Value>(&schema.stdout).is_ok());
}

/// The fenced block of the README that begins with `start`.
fn block<'a>(readme: &'a str, start: &str) -> &'a str {
    let (_, rest) = readme.split_once(start).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_readme_shows_what_its_pipeline_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("crawl")).unwrap();
    fs::copy(root.join("pipelines/sample/pages.warc.gz"), folder.path().join("crawl/pages.warc.gz")).unwrap();
    fs::write(folder.path().join("pipeline.toml"), block(&readme, "```toml\n")).unwrap();
    let ran = wanjuan(&["run", folder.path().join("pipeline.toml").to_str().unwrap()]);
    let told = String::from_utf8(ran.stdout).unwrap();
    let (shown, _) = block(&readme, "$ wanjuan run pipeline.toml\n").split_once("...\n").unwrap();
    assert!(told.starts_with(shown), "the README shows\n{shown}\nand this was printed\n{told}");
}
