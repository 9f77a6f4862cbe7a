//! What a run took over and what it read anew, and why: for people, in their language.

use std::collections::BTreeMap;

use coldcase_report::Lang;

/// Why an input was read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadAnew {
    /// The earlier case has no input of this path.
    New,
    /// Its bytes are others.
    Changed,
    /// It is recognised as another format.
    Format,
    /// What reads its format was changed.
    Version,
    /// It is of another host.
    Host,
    /// It is read with another clock.
    Clock,
    /// It is joined with others, of which one is read anew, came or went.
    Series,
    /// Its rows in the earlier case are damaged.
    Rows,
    /// It can't be, or could not be, read to its end.
    NotWhole,
}

impl ReadAnew {
    /// In a word or two.
    pub fn said(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::New => ("new", "新增"),
            Self::Changed => ("changed", "内容有变"),
            Self::Format => ("of another format", "格式识别不同"),
            Self::Version => ("read by another version", "读取程序版本不同"),
            Self::Host => ("of another host", "所属主机不同"),
            Self::Clock => ("with another clock", "时钟不同"),
            Self::Series => ("in a series that changed", "所在序列有变"),
            Self::Rows => ("with damaged rows", "旧案件中的行已损坏"),
            Self::NotWhole => ("not read to the end", "未能读完"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

/// Why nothing could be taken over at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fresh {
    /// There is no case to take over from.
    NoCase,
    /// The case there keeps no state of its inputs.
    NoState,
    /// It was made with other limits, which may cut elsewhere.
    Limits,
    /// Its state can't be used: where and why.
    Damaged(String),
}

impl Fresh {
    fn said(&self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::NoCase => ("there is no case yet", "那里还没有案件"),
            Self::NoState => (
                "the case there was made without --incremental",
                "那里的案件不是用 --incremental 生成的",
            ),
            Self::Limits => (
                "the case there was made with other limits of unpacking",
                "那里的案件使用了不同的解包限制",
            ),
            Self::Damaged(_) => (
                "what the case there keeps of its inputs can't be used",
                "那里的案件所保存的输入状态无法使用",
            ),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

/// What became of each input in a run that may take over.
#[derive(Debug, Clone, Default)]
pub struct TakenOver {
    /// Why nothing could be taken over, where no earlier case could be used.
    pub fresh: Option<Fresh>,
    /// Damage of the earlier case's timeline: which part, and how.
    pub damage: Vec<String>,
    /// Each input's path; why it was read anew, or nothing where it was taken over.
    pub inputs: Vec<(String, Option<ReadAnew>)>,
    /// Inputs taken over that were read all the same, for what their clocks are had to be found out.
    pub read_for_clocks: usize,
}

impl TakenOver {
    /// How many inputs were taken over.
    pub fn count(&self) -> usize {
        self.inputs.iter().filter(|(_, why)| why.is_none()).count()
    }

    /// How many were read anew for each reason.
    pub fn reasons(&self) -> BTreeMap<ReadAnew, usize> {
        let mut reasons = BTreeMap::new();
        for why in self.inputs.iter().filter_map(|(_, why)| *why) {
            *reasons.entry(why).or_default() += 1;
        }
        reasons
    }

    /// Damage of the earlier case, each with what comes of it.
    pub fn warnings(&self) -> Vec<String> {
        let state = match &self.fresh {
            Some(Fresh::Damaged(why)) => Some(format!("{why}; all inputs are read anew")),
            _ => None,
        };
        let parts = self.damage.iter();
        let parts = parts.map(|why| format!("{why}; the inputs of its rows are read anew"));
        state.into_iter().chain(parts).collect()
    }

    /// What was taken over, and what was not and why.
    pub fn sentence(&self, lang: Lang) -> String {
        let (all, taken, twice) = (self.inputs.len(), self.count(), self.read_for_clocks);
        if let Some(fresh) = &self.fresh {
            let why = fresh.said(lang);
            return match lang {
                Lang::En => format!("All {all} inputs were read: {why}."),
                Lang::Zh => format!("已读取全部 {all} 个输入：{why}。"),
            };
        }
        let (comma, open, close) = match lang {
            Lang::En => (", ", " (", ")"),
            Lang::Zh => ("，", "（", "）"),
        };
        let reasons: Vec<String> = self
            .reasons()
            .iter()
            .map(|(why, count)| format!("{count} {}", why.said(lang)))
            .collect();
        let reasons = match reasons.as_slice() {
            [] => String::new(),
            all => format!("{open}{}{close}", all.join(comma)),
        };
        let anew = all - taken;
        let mut out = match lang {
            Lang::En => format!(
                "{taken} of {all} inputs were taken over from the case that was there, {anew} read anew{reasons}."
            ),
            Lang::Zh => {
                format!("{all} 个输入中有 {taken} 个取自原有案件，{anew} 个重新读取{reasons}。")
            }
        };
        if twice > 0 {
            out.push_str(&match lang {
                Lang::En => {
                    format!(" {twice} of those taken over were read once, to solve their clocks.")
                }
                Lang::Zh => format!("取自原有案件的输入中有 {twice} 个为推算时钟读取过一次。"),
            });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_count_by_reason() {
        let input = |why| ("h/a".to_owned(), why);
        let mut told = TakenOver {
            inputs: vec![
                input(None),
                input(None),
                input(Some(ReadAnew::Changed)),
                input(Some(ReadAnew::New)),
                input(Some(ReadAnew::New)),
            ],
            ..TakenOver::default()
        };
        let said = "2 of 5 inputs were taken over from the case that was there, 3 read anew (2 new, 1 changed).";
        assert_eq!(told.sentence(Lang::En), said);
        assert!(told.sentence(Lang::Zh).contains("2 新增，1 内容有变"));
        assert_eq!(told.warnings(), Vec::<String>::new());
        told.read_for_clocks = 1;
        let said = " 1 of those taken over were read once, to solve their clocks.";
        assert!(told.sentence(Lang::En).ends_with(said));
        told.fresh = Some(Fresh::Damaged("case/x: cut".to_owned()));
        told.damage.push("case/y: gone".to_owned());
        assert!(
            told.sentence(Lang::En)
                .starts_with("All 5 inputs were read: ")
        );
        assert_eq!(
            told.warnings(),
            [
                "case/x: cut; all inputs are read anew",
                "case/y: gone; the inputs of its rows are read anew"
            ]
        );
    }
}
