//! The files of one commit, found by their names.

use super::paths::{self, Likeness};

/// So many files of one name tell nobody apart.
const SAME_NAME: usize = 20_000;

/// Paths of the regular files of a commit, from the root of the repository.
#[derive(Default)]
pub(super) struct Files {
    /// All paths, one after another.
    text: String,
    /// Where each path stands in it, sorted by the name of the file without its ending, then by path.
    places: Vec<(u32, u32)>,
}

impl Files {
    /// Reads what `git ls-tree -r -z` printed; of files below `below` alone.
    pub(super) fn read(listing: &[u8], below: &str) -> Self {
        let mut files = Self { text: String::with_capacity(listing.len() / 2), places: Vec::new() };
        for line in listing.split(|byte| *byte == 0) {
            // `100644 blob HASH<tab>PATH`; links and submodules have other modes.
            let Some(path) = std::str::from_utf8(line).ok().filter(|line| line.starts_with("100")) else { continue };
            let Some((_, path)) = path.split_once('\t').filter(|(_, path)| path.starts_with(below)) else { continue };
            let start = files.text.len();
            files.text.push_str(path);
            match (u32::try_from(start), u32::try_from(files.text.len())) {
                (Ok(start), Ok(end)) => files.places.push((start, end)),
                _ => break,
            }
        }
        let text = &files.text;
        files.places.sort_by_cached_key(|place| key(text, *place));
        files
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, path: &str) -> bool {
        let wanted = (paths::stem_of(path), path);
        self.places.binary_search_by(|place| key(&self.text, *place).cmp(&wanted)).is_ok()
    }

    /// The file that is most like one of the places at which a frame says to be, and how like; `None` where none is, or
    /// several are equally.
    pub(super) fn most_like(&self, frame: &[String]) -> Option<(&str, Likeness)> {
        let (mut best, mut rivals): (Option<(&str, Likeness)>, _) = (None, false);
        for place in frame {
            let stem = paths::stem_of(place);
            let from = self.places.partition_point(|at| key(&self.text, *at).0 < stem);
            let same = self.places[from..].iter().map(|at| key(&self.text, *at)).take_while(|(name, _)| *name == stem);
            for (count, (_, path)) in same.enumerate() {
                if count == SAME_NAME {
                    return None;
                }
                let Some(likeness) = paths::likeness(path, place) else { continue };
                match &best {
                    Some((known, most)) if likeness == *most => rivals |= *known != path,
                    Some((_, most)) if likeness < *most => {}
                    _ => (best, rivals) = (Some((path, likeness)), false),
                }
            }
        }
        best.filter(|_| !rivals)
    }
}

fn key(text: &str, (start, end): (u32, u32)) -> (&str, &str) {
    let path = &text[start as usize..end as usize];
    (paths::stem_of(path), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Files {
        let lines: Vec<String> = paths.iter().map(|path| format!("100644 blob 0123\t{path}\0")).collect();
        Files::read(lines.concat().as_bytes(), "")
    }

    fn found<'a>(files: &'a Files, place: &str) -> Option<&'a str> {
        files.most_like(&[place.to_owned()]).map(|(path, _)| path)
    }

    #[test]
    fn the_longest_end_in_common_wins_and_equals_name_none() {
        let files =
            files(&["packages/api/src/cart.js", "packages/web/src/cart.js", "src/pay/cart.js", "lib/postings.js"]);
        assert_eq!(found(&files, "/srv/packages/web/src/cart.js"), Some("packages/web/src/cart.js"));
        assert_eq!(found(&files, "/app/web/dist/cart.js"), Some("packages/web/src/cart.js"));
        assert_eq!(found(&files, "app:///src/cart.js"), None);
        assert_eq!(found(&files, "/app/ledger/1.5.1/lib/postings.js"), Some("lib/postings.js"));
        assert_eq!(found(&files, "/usr/lib/node/other.js"), None);
    }

    #[test]
    fn what_was_written_goes_before_what_was_built_of_it() {
        let files = files(&["src/cart.ts", "dist/cart.js"]);
        assert_eq!(found(&files, "/app/dist/cart.js"), Some("dist/cart.js"));
        assert_eq!(found(&files, "webpack:///./src/cart.ts"), Some("src/cart.ts"));
        assert!(files.has("src/cart.ts") && !files.has("src/cart.js"));
    }

    #[test]
    fn links_and_files_elsewhere_are_no_files() {
        let listing = b"120000 blob 01\tsrc/link.js\x00160000 commit 02\tsub\x00100755 blob 03\tapi/run.py\x00100644 blob 04\tweb/run.py\0";
        let files = Files::read(listing, "api/");
        assert!(files.has("api/run.py") && !files.has("web/run.py") && !files.has("src/link.js") && !files.has("sub"));
    }
}
