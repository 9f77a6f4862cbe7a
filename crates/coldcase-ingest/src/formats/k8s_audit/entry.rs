//! One audit event, borrowed from its line. Fields that are not needed are passed over without being built, and what
//! was read before a cut or a damage stays.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A text that is empty where the field is absent, null or of another type.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    /// The text, where there is one.
    pub fn known(&self) -> Option<&str> {
        Some(&*self.0).filter(|text| !text.is_empty())
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

/// Who asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Who<'a> {
    #[serde(borrow)]
    pub username: Text<'a>,
    #[serde(borrow)]
    pub groups: Option<Vec<Text<'a>>>,
}

/// What was asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Object<'a> {
    #[serde(borrow)]
    pub resource: Text<'a>,
    #[serde(borrow)]
    pub namespace: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub api_group: Text<'a>,
    #[serde(borrow)]
    pub subresource: Text<'a>,
}

/// How it was answered.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status<'a> {
    pub code: Option<i64>,
    #[serde(borrow)]
    pub reason: Text<'a>,
}

/// What the server notes beside it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Annotations<'a> {
    #[serde(borrow, rename = "authorization.k8s.io/decision")]
    pub decision: Text<'a>,
}

/// `metadata` of versions before v1.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    creation_timestamp: Text<'a>,
}

/// One audit event.
#[derive(Debug, Default)]
pub struct Entry<'a> {
    api_version: Text<'a>,
    pub audit_id: Text<'a>,
    pub stage: Text<'a>,
    pub uri: Text<'a>,
    pub verb: Text<'a>,
    pub user: Who<'a>,
    pub impersonated: Option<Who<'a>>,
    pub source_ips: Vec<Text<'a>>,
    pub user_agent: Text<'a>,
    pub object: Object<'a>,
    pub status: Status<'a>,
    pub request: Option<&'a RawValue>,
    pub response: Option<&'a RawValue>,
    received: Text<'a>,
    pub staged: Text<'a>,
    timestamp: Text<'a>,
    created: Text<'a>,
    pub annotations: Annotations<'a>,
    /// Events of an `EventList`.
    pub items: Option<&'a RawValue>,
}

impl Entry<'_> {
    /// Whether enough is known for a row.
    pub fn is_audit(&self) -> bool {
        let version = self.api_version.known();
        version.is_none_or(|version| version.starts_with("audit.k8s.io/"))
            && self.audit_id.known().is_some()
            && (self.verb.known().is_some() || self.uri.known().is_some())
    }

    /// When the request came.
    pub fn received(&self) -> Option<&str> {
        self.received
            .known()
            .or(self.timestamp.known())
            .or(self.created.known())
            .or(self.staged.known())
    }
}

/// Fills an entry member by member, so that those before a damage stay.
struct Fill<'e, 'a>(&'e mut Entry<'a>);

impl<'de> DeserializeSeed<'de> for Fill<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an audit event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let entry = self.0;
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match &*name.0 {
                "apiVersion" => entry.api_version = map.next_value()?,
                "auditID" => entry.audit_id = map.next_value()?,
                "stage" => entry.stage = map.next_value()?,
                "requestURI" => entry.uri = map.next_value()?,
                "verb" => entry.verb = map.next_value()?,
                "user" => entry.user = or_default(map.next_value()?),
                "impersonatedUser" => entry.impersonated = map.next_value()?,
                "sourceIPs" => entry.source_ips = or_default(map.next_value()?),
                "userAgent" => entry.user_agent = map.next_value()?,
                "objectRef" => entry.object = or_default(map.next_value()?),
                "responseStatus" => entry.status = or_default(map.next_value()?),
                "requestObject" => entry.request = map.next_value()?,
                "responseObject" => entry.response = map.next_value()?,
                "requestReceivedTimestamp" => entry.received = map.next_value()?,
                "stageTimestamp" => entry.staged = map.next_value()?,
                "timestamp" => entry.timestamp = map.next_value()?,
                "metadata" => {
                    let metadata: Option<Metadata<'de>> = map.next_value()?;
                    entry.created = or_default(metadata).creation_timestamp;
                }
                "annotations" => entry.annotations = or_default(map.next_value()?),
                "items" => entry.items = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn or_default<T: Default>(value: Option<T>) -> T {
    value.unwrap_or_default()
}

/// Reads an event; what was read before an error stays.
pub fn read(json: &str) -> (Entry<'_>, Result<(), serde_json::Error>) {
    let mut entry = Entry::default();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let end = Fill(&mut entry)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    (entry, end)
}
