//! Names that R8 or ProGuard took away from classes and methods.

use proguard::{ProguardCache, ProguardMapping, StackFrame};

/// Inlined calls of one line that are told.
const INLINES: usize = 100;

/// A mapping, ready for looking up.
pub(super) struct Classes(Vec<u8>);

/// A frame under its own names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) class: String,
    pub(super) method: String,
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
}

impl Classes {
    /// Of the mapping's text; what can't be read maps nothing.
    pub(super) fn new(text: &[u8]) -> Self {
        let mut cache = Vec::new();
        if ProguardCache::write(&ProguardMapping::new(text), &mut cache).is_err() {
            cache.clear();
        }
        Self(cache)
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.0.len()
    }

    /// The class's own name.
    pub(super) fn class(&self, class: &str) -> Option<String> {
        ProguardCache::parse(&self.0).ok()?.remap_class(class).map(str::to_owned)
    }

    /// What ran there, the innermost of inlined calls first; empty where nothing is known of the class.
    pub(super) fn frames(&self, class: &str, method: &str, line: u64) -> Vec<Named> {
        let Ok(cache) = ProguardCache::parse(&self.0) else { return Vec::new() };
        let frame = StackFrame::new(class, method, usize::try_from(line).unwrap_or(0));
        let named = |frame: StackFrame<'_>| Named {
            class: frame.class().to_owned(),
            method: frame.method().to_owned(),
            file: frame.file().map(str::to_owned),
            line: frame.line().filter(|line| *line > 0).map(|line| line as u64),
        };
        let found: Vec<Named> = cache.remap_frame(&frame).take(INLINES).map(named).collect();
        if !found.is_empty() {
            return found;
        }
        let class = cache.remap_class(class).map(str::to_owned);
        class.map(|class| Named { class, method: method.to_owned(), file: None, line: None }).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_methods_and_inlined_calls_get_their_names_back() {
        let classes = Classes::new(
            b"com.acme.Basket -> a.b.c:\n    1:5:int com.acme.Money.round(int):20:24 -> a\n    1:5:int total():31 -> a\n",
        );
        let frames = classes.frames("a.b.c", "a", 3);
        let told: Vec<_> = frames.iter().map(|f| (f.class.as_str(), f.method.as_str(), f.line)).collect();
        assert_eq!(told, [("com.acme.Money", "round", Some(22)), ("com.acme.Basket", "total", Some(31))]);
        assert_eq!(classes.class("a.b.c").as_deref(), Some("com.acme.Basket"));
        assert_eq!(classes.frames("a.b.c", "z", 1)[0].class, "com.acme.Basket");
        assert!(classes.frames("x.y", "a", 1).is_empty());
        assert!(Classes::new(b"\xff\xfe").frames("a", "b", 0).is_empty());
    }
}
