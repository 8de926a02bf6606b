//! The events of a recording as they stand in a segment: rrweb's, and what the SDK puts between.
//! It uses `serde_json`.
//! It never keeps what no step needs: styles, positions of every move, texts of scripts.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// One event. Fields of all kinds stand side by side; which are set follows from the kind.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    /// rrweb's number of the kind.
    #[serde(rename = "type")]
    pub(super) ty: u8,
    /// Milliseconds, or seconds where it is below 1e11.
    pub(super) timestamp: f64,
    #[serde(borrow, default)]
    pub(super) data: Data<'a>,
}

impl Event<'_> {
    /// In milliseconds since 1970.
    pub(super) fn at(&self) -> f64 {
        if self.timestamp < 1e11 { self.timestamp * 1000.0 } else { self.timestamp }
    }
}

/// A place in whole pixels, within what a page can have.
pub(super) fn pixels(place: Option<f64>) -> i64 {
    place.unwrap_or(0.0).clamp(-1e7, 1e7) as i64
}

/// Numbers of rrweb's kinds.
pub(super) mod kind {
    pub const DOM_LOADED: u8 = 0;
    pub const LOADED: u8 = 1;
    pub const SNAPSHOT: u8 = 2;
    pub const INCREMENT: u8 = 3;
    pub const META: u8 = 4;
    pub const CUSTOM: u8 = 5;
}

/// Numbers of the sources of increments.
pub(super) mod source {
    pub const MUTATION: u8 = 0;
    pub const MOVE: u8 = 1;
    pub const MOUSE: u8 = 2;
    pub const SCROLL: u8 = 3;
    pub const RESIZE: u8 = 4;
    pub const INPUT: u8 = 5;
    pub const DRAG: u8 = 12;
}

/// Numbers of mouse interactions.
pub(super) mod mouse {
    pub const UP: u8 = 0;
    pub const DOWN: u8 = 1;
    pub const CLICK: u8 = 2;
    pub const CONTEXT: u8 = 3;
    pub const DOUBLE: u8 = 4;
    pub const FOCUS: u8 = 5;
    pub const BLUR: u8 = 6;
    pub const TOUCH_START: u8 = 7;
    pub const TOUCH_END: u8 = 9;
}

/// What an event carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Data<'a> {
    pub(super) source: Option<u8>,
    #[serde(rename = "type", deserialize_with = "small")]
    pub(super) ty: Option<u8>,
    pub(super) id: Option<i64>,
    pub(super) x: Option<f64>,
    pub(super) y: Option<f64>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(rename = "isChecked")]
    pub(super) checked: Option<bool>,
    #[serde(borrow)]
    pub(super) href: Option<Text<'a>>,
    pub(super) width: Option<f64>,
    pub(super) height: Option<f64>,
    #[serde(borrow)]
    pub(super) node: Option<Box<RawNode<'a>>>,
    #[serde(borrow)]
    pub(super) adds: Vec<Add<'a>>,
    pub(super) removes: Vec<Remove>,
    #[serde(borrow)]
    pub(super) texts: Vec<TextChange<'a>>,
    #[serde(borrow)]
    pub(super) attributes: Vec<AttributeChange<'a>>,
    pub(super) positions: Vec<Position>,
    #[serde(borrow)]
    pub(super) tag: Option<Text<'a>>,
    #[serde(deserialize_with = "object")]
    pub(super) payload: Option<Value>,
}

/// A node as a snapshot or mutation has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawNode<'a> {
    #[serde(rename = "type")]
    pub(super) ty: u8,
    pub(super) id: i64,
    #[serde(rename = "tagName", borrow)]
    pub(super) tag: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) attributes: Attributes<'a>,
    #[serde(rename = "childNodes", borrow)]
    pub(super) children: Vec<RawNode<'a>>,
    #[serde(rename = "textContent", borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(rename = "isStyle")]
    pub(super) style: bool,
    #[serde(rename = "isShadow")]
    pub(super) shadow: bool,
}

/// An added node and where it goes.
#[derive(Debug, Deserialize)]
pub(super) struct Add<'a> {
    #[serde(rename = "parentId")]
    pub(super) parent: i64,
    /// The sibling after it.
    #[serde(rename = "nextId", default)]
    pub(super) next: Option<i64>,
    #[serde(borrow)]
    pub(super) node: RawNode<'a>,
}

/// A removed node.
#[derive(Debug, Deserialize)]
pub(super) struct Remove {
    pub(super) id: i64,
}

/// A text node's new text.
#[derive(Debug, Deserialize)]
pub(super) struct TextChange<'a> {
    pub(super) id: i64,
    #[serde(borrow, default)]
    pub(super) value: Option<Text<'a>>,
}

/// An element's changed attributes.
#[derive(Debug, Deserialize)]
pub(super) struct AttributeChange<'a> {
    pub(super) id: i64,
    #[serde(borrow, default)]
    pub(super) attributes: Attributes<'a>,
}

/// A place of a pointer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Position {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Attributes that can name an element or tell its state.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a>(pub(super) Vec<(Cow<'a, str>, Attribute<'a>)>);

/// A value of an attribute.
#[derive(Debug, PartialEq)]
pub(super) enum Attribute<'a> {
    /// Set.
    Text(Cow<'a, str>),
    /// Removed.
    Gone,
    /// A style: whether the element is shown, as far as the style says.
    Style {
        /// `display: none` or `visibility: hidden`, or their end.
        hidden: Option<bool>,
    },
}

/// Whether an attribute is worth keeping.
fn telling(name: &str) -> bool {
    matches!(
        name,
        "id" | "class"
            | "name"
            | "type"
            | "role"
            | "href"
            | "for"
            | "value"
            | "placeholder"
            | "title"
            | "alt"
            | "hidden"
            | "disabled"
            | "checked"
            | "selected"
            | "open"
            | "contenteditable"
            | "draggable"
            | "multiple"
            | "style"
            | "tabindex"
            | "autofocus"
            | "label"
            | "list"
            | "size"
            | "is"
    ) || name.starts_with("aria-")
        || name.starts_with("data-")
}

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Attributes<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("attributes")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut kept = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    if name == "style" {
                        let Hidden(hidden) = map.next_value()?;
                        kept.push((name, Attribute::Style { hidden }));
                    } else if telling(&name) {
                        let Plain(value) = map.next_value()?;
                        kept.push((name, value.map_or(Attribute::Gone, Attribute::Text)));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Attributes(kept))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// A string, borrowed where it can be.
#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Plain(text) = Plain::deserialize(deserializer)?;
        Ok(Self(text.unwrap_or_default()))
    }
}

/// A scalar as text: attributes come as strings, numbers and truth values. False and null are none.
struct Plain<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Plain<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar).map(|(text, _)| Self(text))
    }
}

/// Whether a style hides: from a whole style's text or the changed properties.
struct Hidden(Option<bool>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, hidden) = deserializer.deserialize_any(Scalar)?;
        Ok(Self(hidden.or_else(|| text.map(|style| hides(&style)))))
    }
}

/// Whether a style's text hides its element.
fn hides(style: &str) -> bool {
    let mut said = style.split(';').filter_map(|part| part.split_once(':'));
    said.any(|(name, value)| hides_by(name.trim(), value.trim()))
}

fn hides_by(name: &str, value: &str) -> bool {
    (name == "display" && value.starts_with("none")) || (name == "visibility" && value.starts_with("hidden"))
}

struct Scalar;

impl<'de> Visitor<'de> for Scalar {
    type Value = (Option<Cow<'de, str>>, Option<bool>);

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of an attribute")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok((Some(Cow::Borrowed(text)), None))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((Some(Cow::Owned(text.to_owned())), None))
    }
    fn visit_bool<E>(self, is: bool) -> Result<Self::Value, E> {
        Ok((is.then_some(Cow::Borrowed("")), None))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
        Ok((Some(Cow::Owned(n.to_string())), None))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
        Ok((Some(Cow::Owned(n.to_string())), None))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Self::Value, E> {
        Ok((Some(Cow::Owned(n.to_string())), None))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((None, None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok((None, None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut hidden = None;
        while let Some(Text(name)) = map.next_key()? {
            if name != "display" && name != "visibility" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            // A property is a text, a text with its priority, or false where it was taken off.
            let value: Value = map.next_value()?;
            let text = value.as_str().or_else(|| value.get(0).and_then(Value::as_str)).unwrap_or("");
            hidden = Some(hidden == Some(true) || hides_by(&name, text));
        }
        Ok((None, hidden))
    }
}

/// A kind's number; other recorders put words there, which mean nothing here.
fn small<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    struct Small;
    impl<'de> Visitor<'de> for Small {
        type Value = Option<u8>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a small number")
        }
        fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
            Ok(u8::try_from(n).ok())
        }
        fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
            Ok(u8::try_from(n).ok())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Small)
}

/// A payload that is an object; anything else carries nothing for steps.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Ok(Some(Value::deserialize(deserializer)?).filter(Value::is_object))
}
