//! The names of the members of a JSON artifact's first element, for telling formats apart. Works on a head
//! that is cut anywhere.

use super::{LISTS, is_blank, opens_document};

/// Lines of text that may stand before the first document: a prompt, a command, a warning.
const MAX_TEXT_LINES: usize = 20;
/// Members looked at.
const MAX_MEMBERS: usize = 512;

/// Member names of the first element, with those one level below as `(parent, name)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline<'a> {
    members: Vec<(&'a str, &'a str)>,
    /// Lines of text before the document.
    pub text_lines: usize,
    /// Whether nothing but empty lists was seen.
    pub is_empty_list: bool,
}

impl Outline<'_> {
    /// Whether the element has a member of this name.
    pub fn has(&self, name: &str) -> bool {
        self.has_in("", name)
    }

    /// The names of all members looked at.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(_, name)| *name)
    }

    /// How many of these members the element has.
    pub fn count(&self, names: &[&str]) -> usize {
        names.iter().filter(|name| self.has(name)).count()
    }

    /// Whether the member `parent` of the element has a member of this name.
    pub fn has_in(&self, parent: &str, name: &str) -> bool {
        self.members.contains(&(parent, name))
    }
}

/// The outline of an artifact's head; `None` where it has no JSON document at its beginning.
pub fn outline(head: &[u8]) -> Option<Outline<'_>> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut outline = Outline::default();
    let mut at = start(head, 0, &mut outline)?;
    loop {
        at += blanks(head, at);
        match head.get(at)? {
            b'[' => {
                at += 1;
                at += blanks(head, at);
                if head.get(at) == Some(&b']') {
                    outline.is_empty_list = true;
                    match start(head, at + 1, &mut outline) {
                        Some(next) => at = next,
                        None => return Some(outline),
                    }
                }
            }
            b'{' => match members(head, at, &mut outline.members) {
                Some(list) => {
                    outline.members.clear();
                    at = list;
                }
                None => {
                    outline.is_empty_list = false;
                    return Some(outline);
                }
            },
            _ => return None,
        }
    }
}

/// Where the first document from here on begins.
fn start(head: &[u8], mut at: usize, outline: &mut Outline<'_>) -> Option<usize> {
    while outline.text_lines <= MAX_TEXT_LINES {
        at += blanks(head, at);
        let bracket = *head.get(at)?;
        let next = at + 1 + blanks(head, at + 1);
        if opens_document(bracket, head.get(next).copied()) {
            return Some(at);
        }
        outline.text_lines += 1;
        at += memchr::memchr(b'\n', head.get(at..)?)?;
    }
    None
}

/// Collects the members of the object at `at`. Returns where its list of elements begins, if it is a wrapper.
fn members<'a>(
    head: &'a [u8],
    mut at: usize,
    members: &mut Vec<(&'a str, &'a str)>,
) -> Option<usize> {
    let mut depth = 0usize;
    let mut parent = "";
    let mut last: Option<&[u8]> = None;
    while let Some(byte) = head.get(at) {
        match byte {
            b'"' => {
                let rest = head.get(at + 1..)?;
                let length = string_length(rest)?;
                last = rest.get(..length);
                at += length + 2;
                continue;
            }
            b':' => {
                let name = last.take().and_then(|name| std::str::from_utf8(name).ok());
                if let Some(name) = name.filter(|_| depth <= 2 && members.len() < MAX_MEMBERS) {
                    members.push((if depth == 1 { "" } else { parent }, name));
                    if depth == 1 {
                        parent = name;
                    }
                }
            }
            b'[' if depth == 1 && LISTS.contains(&parent.as_bytes()) => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return None;
                }
            }
            b',' => last = None,
            _ => {}
        }
        at += 1;
    }
    None
}

fn string_length(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let step = memchr::memchr2(b'"', b'\\', rest.get(at..)?)?;
        at += step;
        if rest.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

fn blanks(head: &[u8], at: usize) -> usize {
    let rest = head.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| is_blank(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_the_first_element() {
        let got = outline(b"$ docker inspect a\n[\n {\"Id\":\"x\",\"State\":{\"Pid\":1,\"Deep\":{\"er\":1}},\"B\":[{\"in\":1}],\"Cut\":\"");
        let got = got.expect("a document");
        assert!(got.has("Id") && got.has("State") && got.has("B") && got.has("Cut"));
        assert!(got.has_in("State", "Pid") && !got.has("Pid") && !got.has("er"));
        assert_eq!((got.text_lines, got.count(&["Id", "No", "B"])), (1, 2));
    }

    #[test]
    fn wrappers_are_told_from_elements() {
        let got = outline(b"{\"apiVersion\":\"v1\",\"items\":[{\"kind\":\"Pod\"}]}").expect("json");
        assert!(got.has("kind") && !got.has("apiVersion"));
    }

    #[test]
    fn what_is_no_document() {
        let check = |head: &[u8]| assert_eq!(outline(head), None);
        check(b"");
        check(b"[root@node ~]# ls\n");
        check(b"{{ .Name }}\n");
        check(&[0; 64]);
        assert!(outline(b"[ ]").expect("a list").is_empty_list);
        let second = outline(b"[]\nError: no\n[]\n[{\"a\":1}]").expect("a list");
        assert!(second.has("a") && !second.is_empty_list);
    }
}
