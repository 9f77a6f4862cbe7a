//! The languages that reports speak. `findings.json` is always in English, so that it does not depend on who runs the program.

pub(crate) mod told;
mod words;
mod zh;

pub(crate) use words::{Words, words};

/// Declares words, each in every language: a name, and the word in English and in Chinese. `{}` stands for what is put
/// in, in order. Makes a struct `Words` with a field each, and one of it for each language.
macro_rules! in_both {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// The words of one language.
        pub(crate) struct Words {
            #[allow(dead_code, reason = "not all words depend on more than their field")]
            lang: $crate::Lang,
            $(pub $name: &'static str,)*
        }

        static EN: Words = Words { lang: $crate::Lang::En, $($name: $en,)* };
        static ZH: Words = Words { lang: $crate::Lang::Zh, $($name: $zh,)* };

        impl Words {
            /// The words of a language.
            pub(crate) fn of(lang: $crate::Lang) -> &'static Self {
                match lang {
                    $crate::Lang::En => &EN,
                    $crate::Lang::Zh => &ZH,
                }
            }

            /// Each word by its name, in English and in Chinese.
            #[cfg(test)]
            #[allow(dead_code, reason = "tests of some words look at all of them")]
            pub(crate) const ALL: &'static [(&'static str, &'static str, &'static str)] =
                &[$((stringify!($name), $en, $zh),)*];
        }
    };
}
pub(crate) use in_both;

/// A text with these put in for its `{}`, in order.
pub(crate) fn put(text: &str, values: &[&str]) -> String {
    let mut values = values.iter();
    let mut parts = text.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(values.next().unwrap_or(&""));
        out.push_str(part);
    }
    out
}

/// A language of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl Lang {
    /// The language of a POSIX locale such as `zh_CN.UTF-8`; English where it is another.
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '-', '.', '@']).next();
        match language.map(str::to_ascii_lowercase).as_deref() {
            Some("zh") => Self::Zh,
            _ => Self::En,
        }
    }

    /// BCP 47 tag, for `lang` in HTML.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        for (locale, lang) in [
            ("zh_CN.UTF-8", Lang::Zh),
            ("zh", Lang::Zh),
            ("zh-Hans", Lang::Zh),
            ("en_GB.UTF-8", Lang::En),
            ("C", Lang::En),
            ("", Lang::En),
            ("zhu_XX", Lang::En),
        ] {
            assert_eq!(Lang::of_locale(locale), lang, "{locale}");
        }
    }
}
