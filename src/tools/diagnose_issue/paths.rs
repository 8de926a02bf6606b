//! Whether a file of a repository is the one in which a frame stands.

use crate::model::Frame;

/// Names that many folders have a file of.
const EVERYWHERE: [&str; 10] =
    ["index", "main", "__init__", "mod", "lib", "app", "server", "utils", "types", "constants"];
/// Folders into which sources are compiled, and where sources lie.
const BUILT: [&str; 6] = ["src", "dist", "build", "out", "lib", "target"];
/// Endings that one source has before and after it is compiled.
const SCRIPTS: [&str; 7] = ["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts"];

/// Whether it is. The repository's root stands nowhere in a frame, and the frame's nowhere in the repository, so paths are
/// compared from their ends: the whole of one, or two folders' worth; three of a name that stands everywhere.
pub(super) fn is_of(path: &str, frame: &Frame) -> bool {
    let path = segments(path);
    let places = [&frame.file, &frame.abs_path];
    places.into_iter().flatten().any(|place| {
        let place = segments(place.raw());
        let (Some(name), Some(_)) = (path.last(), place.last()) else { return false };
        let alike = path.iter().rev().zip(place.iter().rev()).enumerate();
        let shared = alike.take_while(|(at, (one, other))| is_alike(one, other, *at == 0)).count();
        let common = EVERYWHERE.contains(&stem(name).0);
        let whole = shared == path.len() || shared == place.len();
        shared >= if common { 3 } else { 2 } || shared > 0 && whole && (!common || shared == path.len())
    })
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
