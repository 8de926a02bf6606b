//! Times as answers show them: RFC 3339, UTC, no more digits than help.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::guard::{Safe, Say};

/// To the second, cut: `2026-11-20T19:05:02Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub Timestamp);

/// To the millisecond, cut: `2026-11-20T19:05:02.603Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub Timestamp);

macro_rules! shown {
    ($ty:ident, $format:literal) => {
        impl Safe for $ty {}
        impl Say for $ty {
            fn say(&self, out: &mut String) {
                out.push_str(&self.0.strftime($format).to_string());
            }
        }
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0.strftime($format))
            }
        }
        impl JsonSchema for $ty {
            fn schema_name() -> Cow<'static, str> {
                "time".into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                String::json_schema(generator)
            }
        }
    };
}

shown!(Seconds, "%Y-%m-%dT%H:%M:%SZ");
shown!(Millis, "%Y-%m-%dT%H:%M:%S%.3fZ");

impl From<Timestamp> for Seconds {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl From<Timestamp> for Millis {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl Seconds {
    /// Month, day, hour and minute for a line of text: `11-20 19:05`.
    pub fn short(self) -> crate::guard::Clean {
        struct Short(Timestamp);
        impl Say for Short {
            fn say(&self, out: &mut String) {
                out.push_str(&self.0.strftime("%m-%d %H:%M").to_string());
            }
        }
        crate::guard::Clean::of(&[&Short(self.0)])
    }
}
