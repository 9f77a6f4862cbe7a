//! Whether a label reads like a word or like dice: which letter follows which.
//!
//! The table holds, for each pair of 29 symbols (edge of the word, `a` to `z`, any digit, hyphen), five times
//! the surprise `-log2 p` of the second after the first, one character of the base64 alphabet each. It was
//! counted over names of published software packages, English text, and syllables of pinyin.

/// Mean surprise a letter from which a label is random: 95 of 100 words stay below, nine of ten random
/// labels of ten letters lie above.
pub(super) const RANDOM_BITS: f64 = 4.8;
/// Letters below which nothing can be said: abbreviations look random.
pub(super) const LEAST_LETTERS: usize = 7;
/// Changes between letters and digits, and their share of the label, from which it is hexadecimal or base 32.
const SWITCHES: (usize, usize) = (4, 4);

const SYMBOLS: usize = 29;
#[rustfmt::skip]
const SURPRISE: [&[u8; SYMBOLS]; SYMBOLS] = [
    b"/UXTVYXYaZecYUZaQgXRVecbijhs/",
    b"TkZUYlgYmVqdSXQiUsRTQbfhjdlo/",
    b"OQedfRijkRjpRfkPesUXeUoooesf/",
    b"TRmeiTknPYvTUgmNduVZTZmrrhwk/",
    b"NRYecMadlQjhbeiTeuYYfZllneuh/",
    b"OWeWWaffngslVYRgalNSVjdhZjol/",
    b"RRkfhTVkoNupRflQgvVaXWrnlYxg/",
    b"NUhegMiaYTppYdaVaqSZeXpkpgmi/",
    b"PNjggNkmpQtmfejQfnaeWVplsZwh/",
    b"TXYTXYaZrntgUWNUYoZUSjcrftep/",
    b"WNiefQkliRkhhekRblhLgRlgnkpj/",
    b"LRffeNhegPpjaefWdubVbYkjtcsg/",
    b"QQjebOikrNvjUeoQcxlWaYjqsZtj/",
    b"QMaccOjhqRtmYaiRTniZfZnppcvi/",
    b"OUiWURcQmVmcficWerkUQdenngol/",
    b"TecWWlfZnfkdTVOVVuPWVXeaemqp/",
    b"TRnfcQljZTwkUjnVZvSaXbrorL0k/",
    b"PXgafcilmWtpPdjdcjaaWHlgooti/",
    b"NOhaaOieqStdeaeRdteXXagpravl/",
    b"LYlWgRklVUvddciXWikWOZkisbyi/",
    b"NRjbiOhlWQulcfnRdwTXabpincrj/",
    b"XUWZXWhcpVrjUUQgWuRRQpmrgpjs/",
    b"SPkdhJlhoMulfdiUftfcefmsojwc/",
    b"QNhfeOhkXPsjagYReuXVefsllltj/",
    b"IXfXdVfhjTpnaZjbUqebPcnlhasc/",
    b"JVbXZZcchdliYXWaTlaTUdigkoig/",
    b"PRgegLikTRnhcdiUdohdfYojkXXi/",
    b"HadYVedeighieaeiWseYaihjgpqO/",
    b"YYYYYYYYYYYYYYYYYYYYYYYYYYYYY",
];

fn symbol(byte: u8) -> Option<usize> {
    match byte {
        b'a'..=b'z' => Some(usize::from(byte - b'a') + 1),
        b'0'..=b'9' => Some(27),
        b'-' => Some(28),
        _ => None,
    }
}

fn value(base64: u8) -> f64 {
    f64::from(match base64 {
        b'A'..=b'Z' => base64 - b'A',
        b'a'..=b'z' => base64 - b'a' + 26,
        b'0'..=b'9' => base64 - b'0' + 52,
        b'+' => 62,
        _ => 63,
    })
}

/// Mean surprise a letter of a label, in bits. Other characters than letters, digits and hyphens are passed over.
fn surprise(label: &str) -> f64 {
    let (mut before, mut sum, mut pairs) = (0, 0.0, 0.0);
    for next in label.bytes().filter_map(symbol).chain([0]) {
        let row = SURPRISE.get(before);
        sum += row
            .and_then(|row| row.get(next))
            .map_or(0.0, |cell| value(*cell));
        pairs += 1.0;
        before = next;
    }
    sum / 5.0 / pairs
}

/// Whether a label reads like dice. Names in other scripts (`xn--`) can't be judged.
pub(super) fn is_random(label: &str) -> bool {
    if label.len() < LEAST_LETTERS || label.starts_with("xn--") {
        return false;
    }
    let is_digit: Vec<bool> = label.bytes().map(|byte| byte.is_ascii_digit()).collect();
    if is_digit.iter().all(|digit| *digit) {
        return false; // numbers are names in many countries
    }
    let pairs = is_digit.windows(2);
    let switches = pairs.filter(|pair| pair.first() != pair.last()).count();
    let (least, share) = SWITCHES;
    (switches >= least && switches * share >= label.len()) || surprise(label) >= RANDOM_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_dice() {
        for word in [
            "google",
            "microsoft",
            "kubernetes",
            "githubusercontent",
            "volkswagen",
            "sparkasse",
            "wikipedia",
            "taobao",
            "jingdong",
            "dianping",
            "pinduoduo",
            "przelewy24",
            "w3schools",
            "telecomitalia",
            "booking-reservations",
            "example-service",
            "1688",
            "114514000",
            "xkcd",
            "xn--fiqs8s7ur0a",
            "docker-registry",
            "prometheus",
            "schwarzenberg",
            "santander",
            "autodiscover",
        ] {
            assert!(!is_random(word), "{word} {}", surprise(word));
        }
        for dice in [
            "qxkvjzwpmt",
            "zgjmxqkw",
            "hwqpvkxnrtyz",
            "a3f09bc4e17d",
            "mfrggzdfmztwq2lk",
            "x7k2p9q4w1",
            "0f1e2d3c4b5a69788796a5b4",
            "kqjwhvbnxzpfgmtd",
            "vbxqkzjwhgft",
        ] {
            assert!(is_random(dice), "{dice} {}", surprise(dice));
        }
    }
}
