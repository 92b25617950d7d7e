//! Disks that are full or fail: exit code 4, a message that names path and need, no panic, and the same
//! bytes once the disk is well again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::kit::{Bench, mask, run, same};

#[test]
fn a_full_disk_ends_with_4_and_says_which_and_how_much_is_needed() {
    let bench = Bench::new(2, 1500);
    bench.undisturbed();
    let mount = bench.path("small");
    fs::create_dir(&mount).unwrap();
    let resize = |options: &str| {
        let arguments = ["-t", "tmpfs", "-o", options, "tmpfs", mount.to_str().unwrap()];
        Command::new("mount").args(arguments).status().is_ok_and(|status| status.success())
    };
    if !resize("size=300k") {
        // A file system of its own needs rights; without them there is nothing to test with.
        eprintln!("no right to mount a small disk: not tested here");
        return;
    }
    let pipeline = bench.pipeline("full.toml", "small/full", |text| text);
    for size in ["300k", "450k", "600k", "750k", "900k"] {
        assert!(resize(&format!("remount,size={size}")));
        let told = String::from_utf8(run(&pipeline, &[], 4).stderr).unwrap();
        assert!(told.contains("small/full") && told.contains("No space left"), "{told}");
        assert!(told.contains("the whole run takes about") && told.contains("free there"), "{told}");
    }
    assert!(resize("remount,size=64m"));
    run(&pipeline, &[], 0);
    let output = mount.join("full");
    mask(&output, "small/full");
    same(&bench.path("whole"), &output);
    Command::new("umount").arg(&mount).status().unwrap();
}

#[test]
fn an_index_that_its_disk_has_no_room_for_is_refused_before_anything_is_written() {
    let bench = Bench::new(2, 1500);
    let mount = bench.path("small");
    fs::create_dir(&mount).unwrap();
    let mounted = ["-t", "tmpfs", "-o", "size=128k", "tmpfs", mount.to_str().unwrap()];
    if !Command::new("mount").args(mounted).status().is_ok_and(|status| status.success()) {
        eprintln!("no right to mount a small disk: not tested here");
        return;
    }
    let pipeline = bench.pipeline("index.toml", "out", |text| {
        let step = "use = \"minhash\"\nbands = 400\nrows = 1\nindex = \"small/index\"";
        text.replace("use = \"exact_duplicates\"", step)
    });
    let told = run(&pipeline, &[], 2);
    Command::new("umount").arg(&mount).status().unwrap();
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(
        told.contains("small/index has 1") && told.contains("KiB free; the index of `minhash` takes about "),
        "{told}"
    );
    assert!(told.contains("help: give `index` a folder on a larger disk"), "{told}");
    assert!(!bench.path("out").exists() && !bench.path("small/index").exists());
    // With room for it the same run goes through.
    run(&pipeline, &[], 0);
    assert!(bench.path("small/index/_manifest.json").exists());
}

/// Runs the pipeline under libfiu, which makes system calls fail.
fn run_with_faults(pipeline: &Path, fault: &str) -> Output {
    Command::new("fiu-run")
        .args(["-x", "-c", fault, env!("CARGO_BIN_EXE_wanjuan"), "run", pipeline.to_str().unwrap(), "--threads", "2"])
        .args(["--segment", "64KiB"])
        .output()
        .unwrap()
}

#[test]
fn failing_calls_end_with_4_and_never_with_a_panic() {
    if Command::new("fiu-run").arg("-h").output().is_err() {
        eprintln!("fiu-run is not installed (fiu-utils): not tested here");
        return;
    }
    let bench = Bench::new(2, 400);
    bench.undisturbed();
    let (mut failed, mut rounds) = (0, 0);
    for (call, errors) in [
        ("posix/io/rw/write", &[28, 5, 122][..]), // ENOSPC, EIO, EDQUOT
        ("posix/io/rw/read", &[5]),
        ("posix/io/oc/open", &[24, 28]), // EMFILE, ENOSPC
        ("posix/io/sync/fsync", &[5, 28]),
        ("posix/io/dir/link", &[5, 28]),
        ("posix/io/dir/rename", &[28]),
    ] {
        for error in errors {
            for probability in [0.02, 0.3, 1.0] {
                rounds += 1;
                let name = format!("faults{rounds}");
                let pipeline = bench.pipeline("faults.toml", &name, |text| text);
                let fault = format!("enable_random name={call},probability={probability},failinfo={error}");
                let output = run_with_faults(&pipeline, &fault);
                let told = String::from_utf8_lossy(&output.stderr);
                // Before the pipeline file is read there is nothing but an error about it.
                assert!(matches!(output.status.code(), Some(0 | 2 | 4)), "{fault}: {:?} {told}", output.status);
                assert!(!told.contains("panicked"), "{fault}: {told}");
                failed += u32::from(output.status.code() == Some(4));
                // Where writing fails, so does writing the message.
                if output.status.code() == Some(4) && !call.ends_with("write") {
                    assert!(told.contains("error: ") && told.contains("To go on"), "{fault}: {told}");
                }
                run(&pipeline, &[], 0);
                mask(&bench.path(&name), &name);
                same(&bench.path("whole"), &bench.path(&name));
                fs::remove_dir_all(bench.path(&name)).unwrap();
            }
        }
    }
    assert!(failed >= 10, "{failed} of {rounds} runs failed");
}
