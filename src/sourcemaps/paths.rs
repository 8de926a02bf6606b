//! Names of files: as maps have them, as frames have them, as uploads have them.

/// A source's name without the bundler's scheme and without steps upwards: `../src/a.ts` → `src/a.ts`.
pub(super) fn source_name(source: &str) -> String {
    let path = match source.split_once("://") {
        // `webpack://shop/./src/a.js`: the first part is the namespace.
        Some(("webpack" | "webpack-internal" | "ng" | "rspack", rest)) => {
            rest.split_once('/').map_or(rest, |(_, path)| path)
        }
        Some(("turbopack", rest)) => rest.split_once("]/").map_or(rest, |(_, path)| path),
        Some(("file", rest)) => rest,
        Some(_) | None => source,
    };
    let path = path.strip_prefix("webpack:").unwrap_or(path);
    // A loader's or a build's mark: `a.vue?4f2a`.
    let path = path.split('?').next().unwrap_or(path);
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => {
                parts.pop();
            }
            ".." => {}
            part => parts.push(part),
        }
    }
    let name = parts.join("/");
    if name.is_empty() { source.to_owned() } else { name }
}

/// The whole path of a source or a map, seen from the script: `/app/dist/a.js` and `../src/b.ts` → `/app/src/b.ts`.
pub fn join(script: &str, source: &str) -> String {
    if source.contains("://") || source.starts_with('/') {
        return source.to_owned();
    }
    let script = script.split(['?', '#']).next().unwrap_or(script);
    let (scheme, path) = match script.split_once("://") {
        Some((scheme, path)) => (format!("{scheme}://"), path),
        None => (String::new(), script),
    };
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in source.split('/') {
        match part {
            "." => {}
            // The first part is a host or the root.
            ".." if parts.len() > 1 => {
                parts.pop();
            }
            ".." => {}
            part => parts.push(part),
        }
    }
    format!("{scheme}{}", parts.join("/"))
}

/// The names under which a script may have been uploaded, best first.
pub(super) fn upload_names(url: &str) -> Vec<String> {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    let mut names = vec![url.to_owned(), bare.to_owned()];
    for text in [url, bare] {
        let path = match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => text.trim_start_matches('/'),
        };
        if !path.is_empty() {
            names.push(format!("~/{path}"));
        }
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Whether a source is the application's own.
pub(super) fn is_own(source: &str) -> bool {
    let foreign = ["node_modules/", "webpack/bootstrap", "webpack/runtime", "(webpack)", "/~/", "<anonymous>", "vite/"];
    !foreign.iter().any(|part| source.contains(part)) && !source.starts_with('\0') && !source.starts_with("node:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_lose_what_bundlers_put_before_them() {
        for (source, want) in [
            ("../src/routing.js", "src/routing.js"),
            ("webpack://shop/./src/cart.ts?4f2a", "src/cart.ts"),
            ("webpack:///./src/cart.ts", "src/cart.ts"),
            ("turbopack://[project]/app/page.tsx", "app/page.tsx"),
            ("file:///srv/app/a.js", "/srv/app/a.js"),
            ("src/../lib/a.js", "lib/a.js"),
            ("/srv/app/a.js", "/srv/app/a.js"),
            ("..", ".."),
        ] {
            assert_eq!(source_name(source), want);
        }
    }

    #[test]
    fn sources_are_found_from_their_script() {
        assert_eq!(join("/app/desk/dist/server.js", "../src/a.js"), "/app/desk/src/a.js");
        assert_eq!(join("app:///server.js", "../src/a.js"), "app:///src/a.js");
        assert_eq!(join("https://x.example/js/a.js?v=1", "../src/b.ts"), "https://x.example/src/b.ts");
        assert_eq!(join("https://x.example/a.js", "../../../b.ts"), "https://x.example/b.ts");
    }

    #[test]
    fn uploads_are_looked_for_with_and_without_host_and_query() {
        assert_eq!(
            upload_names("https://x.example/js/a.js?v=1"),
            ["https://x.example/js/a.js?v=1", "https://x.example/js/a.js", "~/js/a.js?v=1", "~/js/a.js"]
        );
        assert_eq!(upload_names("app:///server.js"), ["app:///server.js", "~/server.js"]);
        assert_eq!(upload_names("/app/dist/a.js"), ["/app/dist/a.js", "~/app/dist/a.js"]);
    }
}
