//! One bundle is one task: the script that schedulers run, by `xargs -P` and as a Slurm array's tasks, into one lake.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use coldcase_lake::{Lake, check};

fn fleet_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fleet")
}

fn bundles(folder: &Path, count: usize) -> Vec<PathBuf> {
    let make = |number: usize| {
        let path = folder.join(format!("bundles/web-{number:02}.tar.gz"));
        let log: String = (0..30)
            .map(|line| {
                format!(
                    "2023-05-07T03:{:02}:{line:02}+00:00 web sshd[{line}]: Accepted password for root from 192.0.2.{number} port 4{line:03} ssh2\n",
                    line % 7
                )
            })
            .collect();
        fs::create_dir_all(folder.join("bundles")).expect("a folder");
        let file = fs::File::create(&path).expect("an archive");
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(
            file,
            flate2::Compression::fast(),
        ));
        let mut head = tar::Header::new_gnu();
        head.set_size(log.len() as u64);
        head.set_mode(0o644);
        tar.append_data(
            &mut head,
            format!("web-{number:02}/auth.log"),
            log.as_bytes(),
        )
        .expect("a member");
        tar.into_inner()
            .and_then(|gz| gz.finish())
            .expect("an archive");
        path
    };
    (1..=count).map(make).collect()
}

fn run(command: &mut Command) -> Output {
    command
        .env("COLDCASE", env!("CARGO_BIN_EXE_coldcase"))
        .output()
        .expect("a shell")
}

#[test]
fn xargs_and_array_tasks_fill_one_lake() {
    let folder = tempfile::tempdir().expect("a folder");
    let (lake, scratch) = (folder.path().join("lake"), folder.path().join("scratch"));
    fs::create_dir(&scratch).expect("a folder");
    let paths: Vec<String> = bundles(folder.path(), 7)
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let list = folder.path().join("list.txt");
    fs::write(&list, paths.join("\n") + "\n").expect("a list");

    let line = format!(
        "head -n 6 '{}' | xargs -P 3 -n 1 '{}/ingest-one.sh' '{}'",
        list.display(),
        fleet_folder().display(),
        lake.display()
    );
    let ran = run(Command::new("sh")
        .args(["-c", &line])
        .env("SCRATCH", &scratch));
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );

    // Tasks of an array: one that was done already, one that is new, one beyond the list.
    for (task, is_there) in [(2, true), (6, true), (7, false)] {
        let mut command = Command::new("sh");
        command
            .arg(fleet_folder().join("slurm-array.sh"))
            .arg(&list)
            .arg(&lake);
        command
            .env("FLEET", fleet_folder())
            .env("SLURM_ARRAY_TASK_ID", task.to_string());
        command.env("SCRATCH", &scratch);
        let ran = run(&mut command);
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.success(), is_there, "{task}: {told}");
        assert!(is_there || told.contains("no line 8"), "{told}");
    }
    let opened = Lake::open(&lake).expect("a lake");
    let names: Vec<String> = opened.state().expect("a state").cases.into_keys().collect();
    let expected: Vec<String> = (1..=7).map(|number| format!("web-{number:02}")).collect();
    assert_eq!(names, expected);
    assert_eq!(check(&opened, true).expect("checked").troubles, []);
    assert_eq!(
        fs::read_dir(&scratch).expect("a folder").count(),
        0,
        "cases are taken away"
    );
}
