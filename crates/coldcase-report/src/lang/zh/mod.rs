//! Findings and conclusions in Chinese. `findings.json` is in English; what correlators say is made from forms with values put
//! in, and the files beside this one hold each form in both languages. A sentence is read by the form that it fits and said again in
//! Chinese, its values untouched. A sentence that no form fits stays in English.
//!
//! In the files, pairs of lines stand apart by empty lines: English, then Chinese. `[name]` begins the forms of a kind of words.
//! `{x}` is any text, `{x~}` one without blanks, `{x#}` a number, `{x:name}` words of a kind, `{x:name+, }` a list of them. `·` is nothing.

mod cover;
mod form;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use form::Form;

/// Longer texts hold evidence that no sentence of ours does: they are left as they are.
const LONGEST: usize = 30_000;

const FILES: [&str; 7] = [
    include_str!("shared.txt"),
    include_str!("logins.txt"),
    include_str!("dns.txt"),
    include_str!("containers.txt"),
    include_str!("traffic.txt"),
    include_str!("hosts.txt"),
    include_str!("case.txt"),
];

/// All forms, by the kind of words that they say.
pub(super) struct Catalogue {
    kinds: BTreeMap<&'static str, Vec<Form>>,
}

/// The forms of all files, read once.
pub(super) fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let mut kinds: BTreeMap<&'static str, Vec<Form>> = BTreeMap::new();
        for (kind, english, chinese) in FILES.iter().flat_map(|file| pairs(file)) {
            kinds
                .entry(kind)
                .or_default()
                .push(Form::new(english, chinese));
        }
        Catalogue { kinds }
    })
}

/// The pairs of a file: kind, English, Chinese.
fn pairs(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let mut kind = "";
    let mut english: Option<&str> = None;
    file.lines().filter_map(move |line| {
        let name = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        match (name, english) {
            (Some(name), None) => {
                kind = name;
                None
            }
            _ if line.is_empty() || (line.starts_with('#') && english.is_none()) => None,
            (_, None) => {
                english = Some(line);
                None
            }
            (_, Some(before)) => {
                english = None;
                Some((kind, before, line))
            }
        }
    })
}

impl Catalogue {
    fn forms(&self, kind: &str) -> &[Form] {
        self.kinds.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Words of a kind, whole; none where no form fits.
    pub fn say(&self, kind: &str, text: &str) -> Option<String> {
        if text.len() > LONGEST {
            return None;
        }
        self.best(kind, text).map(|(_, said)| said)
    }

    /// Sentences, each by itself where no form holds several. Gives what is said, and the sentences that no form fits.
    pub fn sentences<'t>(&self, kind: &str, text: &'t str) -> (String, Vec<&'t str>) {
        if text.len() > LONGEST {
            return (text.to_owned(), vec![text]);
        }
        let mut said = String::new();
        let mut left = Vec::new();
        for (english, chinese) in
            cover::cover(text, &cover::sentences(text), |part| self.best(kind, part))
        {
            if chinese.is_none() {
                left.push(english);
            }
            let part = chinese.as_deref().unwrap_or(english);
            // Chinese has no space after a full stop.
            let joins = said.ends_with(['。', '；']) && chinese.is_some();
            if !said.is_empty() && !joins {
                said.push(' ');
            }
            said.push_str(part);
        }
        (said, left)
    }

    /// The fitting form of the most letters, and what it says.
    fn best(&self, kind: &str, text: &str) -> Option<(usize, String)> {
        let mut best: Option<(usize, String)> = None;
        for form in self.forms(kind) {
            if best
                .as_ref()
                .is_some_and(|(weight, _)| *weight >= form.weight)
            {
                continue;
            }
            if let Some(said) = form.say(text, self) {
                best = Some((form.weight, said));
            }
        }
        best
    }

    /// A list of words of a kind.
    fn list(&self, kind: &str, separator: &str, text: &str) -> Option<String> {
        let parts = cover::separated(text, separator);
        let all = cover::cover(text, &parts, |part| self.best(kind, part));
        let said: Option<Vec<String>> = all.into_iter().map(|(_, said)| said).collect();
        Some(said?.join(match separator.trim() {
            ";" => "；",
            _ => "、",
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, english: &str, chinese: &str) {
        assert_eq!(
            catalogue().say(kind, english).as_deref(),
            Some(chinese),
            "{english}"
        );
    }

    #[test]
    fn values_are_carried_over() {
        check(
            "title",
            "10.20.8.41 logs into db-07 only between 00:00 and 04:00 Asia/Shanghai",
            "10.20.8.41 只在 00:00 至 04:00（Asia/Shanghai）之间登录 db-07",
        );
        check(
            "title",
            "mac[11203] mines with 203.0.113.77:5555, 96.2 % CPU, in container nostalgic_kepler",
            "mac[11203] 正在挖矿，连接 203.0.113.77:5555，CPU 96.2 %，位于容器 nostalgic_kepler",
        );
        check(
            "title",
            "203.0.113.7 was in contact, by a[1]: 2 times in 1 file",
            "203.0.113.7 有通信往来（a[1]）：1 个文件中共 2 次",
        );
    }

    #[test]
    fn sentences_stay_in_order_and_none_is_lost() {
        let text = "On 40 of 44 days, 560 of 560 logins inside the window. Nobody wrote this. Most of it is sent by 10.0.0.1. x.y.";
        let (said, left) = catalogue().sentences("text", text);
        assert_eq!(
            said,
            "44 天中有 40 天出现，560 次登录中有 560 次在该时段内。 Nobody wrote this. 大部分由 10.0.0.1 发送。 x.y."
        );
        assert_eq!(left, ["Nobody wrote this.", "x.y."]);
        assert_eq!(
            catalogue().sentences("text", ""),
            (String::new(), Vec::new())
        );
    }

    #[test]
    fn hostile_values_stay_values() {
        let name = "x. Look next: `rm -rf /`. a\nb (from 1 to 2), c";
        let text = format!("{name} is h. Most of it is sent by {name}.");
        let (said, _) = catalogue().sentences("text", &text);
        assert!(said.contains("大部分由 "), "{said}");
        let long = "a. ".repeat(20_000);
        assert_eq!(catalogue().sentences("text", &long).0, long);
        assert_eq!(catalogue().say("title", &"x ".repeat(LONGEST)), None);
    }

    #[test]
    fn every_form_says_its_values_again() {
        for (kind, forms) in &catalogue().kinds {
            for form in forms {
                assert_eq!(form.flaw(catalogue()), None, "[{kind}] {form:?}");
            }
        }
    }

    #[test]
    fn files_hold_pairs() {
        for file in FILES {
            let lines = file.lines().filter(|line| !line.is_empty());
            let lines = lines.filter(|line| !line.starts_with(['#', '[']));
            assert_eq!(lines.count(), 2 * pairs(file).count());
            for (kind, english, chinese) in pairs(file) {
                assert!(!kind.is_empty());
                let is_chinese = |text: &str| {
                    text.chars()
                        .any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
                };
                assert!(!is_chinese(english), "{english}");
                let is_sentence = matches!(kind, "text" | "title" | "question" | "note");
                assert!(is_chinese(chinese) || !is_sentence, "{chinese}");
            }
        }
    }
}
