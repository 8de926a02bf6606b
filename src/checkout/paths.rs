//! Whether a file of a repository is the one in which a frame stands.

use crate::model::Frame;

/// Names that many folders have a file of.
const EVERYWHERE: [&str; 10] =
    ["index", "main", "__init__", "mod", "lib", "app", "server", "utils", "types", "constants"];
/// Folders into which sources are compiled, and where sources lie.
const BUILT: [&str; 6] = ["src", "dist", "build", "out", "lib", "target"];
/// Endings that one source has before and after it is compiled.
const SCRIPTS: [&str; 7] = ["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts"];

/// How like a file of a repository is to the place that a frame names: the more, the later in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Likeness {
    /// Parts that both end in.
    shared: usize,
    /// Of these, the ones that are the same to the letter.
    exact: usize,
}

/// Whether a file of a repository may be the one in which a frame stands.
pub fn is_of(path: &str, frame: &Frame) -> bool {
    let path = segments(path).join("/");
    places(frame).iter().any(|place| likeness(&path, place).is_some())
}

/// The places that a frame names, as paths without what stands before them: its file, its whole path, its class's file.
pub(super) fn places(frame: &Frame) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for place in [&frame.abs_path, &frame.file].into_iter().flatten() {
        places.push(segments(place.raw()).join("/"));
    }
    places.extend(of_class(frame));
    places.retain(|place| !place.is_empty());
    places.dedup();
    places
}

/// `Cart.java` of the class `shop.cart.Cart`: `shop/cart/Cart.java`.
fn of_class(frame: &Frame) -> Option<String> {
    let (file, module) = (frame.file.as_ref()?.raw(), frame.module.as_ref()?.raw());
    let (package, _) = module.rsplit_once('.').filter(|_| !file.contains(['/', '\\']))?;
    Some(format!("{}/{file}", package.replace('.', "/")))
}

/// The repository's root stands nowhere in a frame, and the frame's nowhere in the repository, so paths are compared from
/// their ends: the whole of one, or two folders' worth; three of a name that stands everywhere.
pub(super) fn likeness(path: &str, place: &str) -> Option<Likeness> {
    let parts = |path: &'_ str| path.split('/').filter(|part| !part.is_empty()).count();
    let pairs = || path.rsplit('/').zip(place.rsplit('/')).enumerate();
    let shared = pairs().take_while(|(at, (one, other))| is_alike(one, other, *at == 0)).count();
    let exact = pairs().take(shared).filter(|(_, (one, other))| one == other).count();
    let (own, others) = (parts(path), parts(place));
    if shared == 0 || own == 0 || others == 0 {
        return None;
    }
    let common = EVERYWHERE.contains(&stem_of(path));
    let whole = shared == own || shared == others;
    let is = shared >= if common { 3 } else { 2 } || whole && (!common || shared == own);
    is.then_some(Likeness { shared, exact })
}

/// The name of a path's file without its ending.
pub(super) fn stem_of(path: &str) -> &str {
    stem(path.rsplit('/').next().unwrap_or(path)).0
}

/// The parts of a path below scheme, host and drive; `.` and `..` left out.
fn segments(path: &str) -> Vec<&str> {
    let below = path.split_once("://").map_or(path, |(scheme, rest)| {
        // Of addresses the host stands first; `app:///` and `webpack://name/./` have none or a name.
        let hosted = ["http", "https", "webpack"].contains(&scheme);
        if hosted { rest.split_once('/').map_or("", |(_, path)| path) } else { rest }
    });
    let below = below.split(['?', '#']).next().unwrap_or(below);
    below
        .split(['/', '\\'])
        .filter(|part| !matches!(*part, "" | "." | ".." | "~" | "async") && !part.ends_with(':'))
        .collect()
}

fn is_alike(one: &str, other: &str, is_file: bool) -> bool {
    if is_file {
        let ((one, a), (other, b)) = (stem(one), stem(other));
        return one == other && (a == b || SCRIPTS.contains(&a) && SCRIPTS.contains(&b));
    }
    one == other || BUILT.contains(&one) && BUILT.contains(&other)
}

fn stem(file: &str) -> (&str, &str) {
    file.rsplit_once('.').unwrap_or((file, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(path: &str, file: &str) -> bool {
        is_of(path, &Frame { file: Some(file.into()), ..Frame::default() })
    }

    #[test]
    fn one_file_goes_by_many_paths() {
        for (path, frame) in [
            ("src/cart.js", "app:///src/cart.js"),
            ("src/cart.py", "/srv/app/src/cart.py"),
            ("src/cart.ts", "./src/cart.ts"),
            ("src/cart.ts", "webpack:///./src/cart.ts"),
            ("src/cart.ts", "webpack://shop/./src/cart.ts?a1b2"),
            ("src/cart.ts", "webpack-internal:///./src/cart.ts"),
            ("src/cart.js", "https://shop.example/src/cart.js?v=3#top"),
            ("src/cart.js", "C:\\srv\\app\\src\\cart.js"),
            ("src/cart.ts", "/srv/app/dist/cart.js"),
            ("packages/api/src/cart.js", "/srv/api/src/cart.js"),
            ("services/shop/shop/cart.py", "shop/cart.py"),
            ("src/main/java/example/Cart.java", "Cart.java"),
            ("cart.py", "/srv/cart.py"),
            ("api/src/index.js", "/srv/api/src/index.js"),
            ("src/index.js", "app:///src/index.js"),
        ] {
            assert!(is(path, frame), "{path} {frame}");
        }
    }

    #[test]
    fn other_files_are_others() {
        for (path, frame) in [
            ("src/cart.js", "app:///src/carts.js"),
            ("src/cart.js", "app:///src/smart-cart.js"),
            ("docs/cart.py", "/srv/app/src/cart.py"),
            ("src/cart.py", "/srv/app/src/cart.js"),
            ("packages/admin/src/index.js", "/srv/api/src/index.js"),
            ("shop/__init__.py", "__init__.py"),
            ("", "src/cart.js"),
            ("src/cart.js", ""),
        ] {
            assert!(!is(path, frame), "{path} {frame}");
        }
    }
}
