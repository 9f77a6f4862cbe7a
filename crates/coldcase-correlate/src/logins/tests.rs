//! Which failures are mended, and logins gathered from parts in any order.

use super::gather::{Gathered, Whole};
use super::*;

fn login(place: usize, second: i64, success: bool, user: u32) -> Login {
    Login {
        ts: second * 1_000_000_000,
        at: i64::try_from(place).expect("few"),
        user,
        origin: 0,
        key: 0,
        pid: i32::try_from(place).expect("few"),
        port: 0,
        is_dated: true,
        success,
        by_key: false,
    }
}

/// Logins as (seconds, let in, account); the failures that are mended, by their place.
fn check(logins: &[(i64, bool, u32)], expected: &[usize]) {
    let logins: Vec<Login> = logins
        .iter()
        .enumerate()
        .map(|(place, (second, success, user))| login(place, *second, *success, *user))
        .collect();
    let places: Vec<usize> = mended(&logins).into_iter().collect();
    assert_eq!(places, expected);
}

#[test]
fn a_success_of_the_same_account_soon_after_mends() {
    let (ann, bob) = (1, 2);
    check(
        &[(0, false, ann), (9, false, ann), (20, true, ann)],
        &[0, 1],
    );
    check(&[(0, false, ann), (20, true, bob)], &[]);
    check(&[(0, false, ann), (121, true, ann)], &[]);
    // Another success between: the first failure belonged to that.
    check(&[(0, false, ann), (5, true, ann), (10, true, ann)], &[0]);
    // Others come in by the same translated address meanwhile.
    check(&[(0, false, ann), (5, true, bob), (10, true, ann)], &[0]);
}

#[test]
fn a_run_of_guesses_is_not_mended() {
    let mut logins: Vec<(i64, bool, u32)> = (0..7).map(|at| (at * 5, false, 1)).collect();
    logins.push((40, true, 1));
    check(&logins, &[]);
}

fn origin(file: &str) -> Origin {
    Origin {
        file: file.to_owned(),
        format: "authlog".to_owned(),
        by_line: true,
        is_assumed: false,
    }
}

/// A part whose files are numbered in this order, with logins of (source, file, second, process).
fn part(files: &[&str], logins: &[(&str, &str, i64, i32)]) -> Gathered {
    let mut gathered = Gathered::default();
    for file in files {
        gathered.origin_number(origin(file));
    }
    for (place, (source, file, second, pid)) in logins.iter().enumerate() {
        let of = (gathered.names.number(source), gathered.names.number("db"));
        let mut login = login(place, *second, false, gathered.names.number("root"));
        login.origin = gathered.origin_number(origin(file));
        login.pid = *pid;
        gathered.groups.entry(of).or_default().push(login);
    }
    gathered
}

fn told(logins: &Logins) -> Vec<(String, Vec<(String, i64)>)> {
    let place = |login: &Login| (logins.record(login).file, login.ts / 1_000_000_000);
    logins
        .by_source()
        .map(|of| {
            let of_source = of.logins().iter().map(place).collect();
            (of.source.to_owned(), of_source)
        })
        .collect()
}

#[test]
fn parts_in_any_order_make_the_same_groups_and_copies_count_once() {
    let first = || {
        part(
            &["secure", "messages"],
            &[
                ("10.0.0.2", "secure", 5, 7),
                ("10.0.0.1", "secure", 9, 8),
                ("10.0.0.1", "messages", 10, 8),
            ],
        )
    };
    let second = || {
        let logins = [("10.0.0.1", "messages", 1, 3), ("10.0.0.1", "secure", 1, 3)];
        part(&["messages", "secure"], &logins)
    };
    let expected = [
        (
            "10.0.0.1".to_owned(),
            vec![("messages".to_owned(), 1), ("secure".to_owned(), 9)],
        ),
        ("10.0.0.2".to_owned(), vec![("secure".to_owned(), 5)]),
    ];
    let joined = |parts: Vec<Gathered>| {
        let mut whole = Whole::default();
        parts.into_iter().for_each(|part| whole.take(vec![part]));
        whole.finish()
    };
    let told_once = joined(vec![first(), second()]);
    assert_eq!(told(&told_once), expected);
    let mut together = Whole::default();
    together.take(vec![first(), second()]);
    assert_eq!(told(&together.finish()), expected);
    let records: Vec<usize> = told_once.by_source().map(|of| of.records()).collect();
    assert_eq!(records, [4, 1], "copies are records too");
    let turned = joined(vec![second(), Gathered::default(), first()]);
    assert_eq!(told(&turned), expected);
}

#[test]
fn keys_open_and_passwords_do_not() {
    let mut gathered = Gathered::default();
    for (json, by_key, key) in [
        (
            r#"{"method":"publickey","key":"SHA256:abc"}"#,
            true,
            "SHA256:abc",
        ),
        (r#"{"method":"password","port":22}"#, false, ""),
        (r#"{"method":"gssapi-with-mic"}"#, true, ""),
        ("{}", false, ""),
        ("no json", false, ""),
    ] {
        let (found, number) = gathered.opened_by(json);
        assert_eq!((found, gathered.names.get(number)), (by_key, key), "{json}");
    }
}
