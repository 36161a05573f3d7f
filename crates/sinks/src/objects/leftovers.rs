//! Files that a run that was killed left half written.
//!
//! **Constraint.** Only what carries the own mark of consumer and sink is removed, and never a file of the run that looks. Links
//! are not followed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::name::word;

const ENDING: &str = ".part";
/// What stands between a mark's parts; no word has it.
const BETWEEN: char = '~';

/// By what unfinished files are known.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    own: String,
    run: String,
}

impl Marks {
    /// Those of a run that begins now.
    pub fn of(consumer: &str, sink: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self {
            own: format!(".weir{BETWEEN}{}{BETWEEN}{}{BETWEEN}", word(consumer), word(sink)),
            run: format!("{now:x}-{:x}{BETWEEN}", std::process::id()),
        }
    }

    /// The name of this run's file of that number.
    pub fn name(&self, number: u64) -> String {
        format!("{}{}{number}{ENDING}", self.own, self.run)
    }

    fn is_left_over(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.own).filter(|rest| rest.ends_with(ENDING));
        rest.is_some_and(|rest| !rest.starts_with(&self.run))
    }
}

/// Looks through all folders on a thread of its own: there may be many, and nothing waits for it.
pub(super) fn clear_beside(root: PathBuf, marks: Marks) {
    let look = move || match clear(&root, &marks) {
        Ok(0) => {}
        Ok(count) => {
            tracing::info!(root = %root.display(), count, "unfinished objects of former runs are removed");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(root = %root.display(), %error, "unfinished objects of former runs cannot be removed");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("weir-leftovers".to_owned()).spawn(look) {
        tracing::warn!(%error, "unfinished objects of former runs are not looked for");
    }
}

/// How many were removed.
fn clear(root: &Path, marks: &Marks) -> io::Result<u64> {
    let mut removed = 0;
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            // The type of the entry itself: a link is no folder.
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && entry.file_name().to_str().is_some_and(|name| marks.is_left_over(name))
            {
                std::fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sinks_own_files_of_other_runs_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let hour = root.path().join("2026/1/2/3");
        std::fs::create_dir_all(&hour).unwrap();
        let now = Marks { run: "2-1~".to_owned(), ..Marks::of("a", "s") };
        let before = Marks { run: "1-1~".to_owned(), ..now.clone() };
        let stays = [
            now.name(1),
            Marks::of("ab", "s").name(1),
            Marks::of("a", "st").name(1),
            "a_1234.json".to_owned(),
            ".weir~a~s~1-1~0.json".to_owned(),
            ".hidden.part".to_owned(),
        ];
        let leaves = [before.name(0), before.name(17)];
        for name in stays.iter().chain(&leaves) {
            std::fs::write(hour.join(name), "x").unwrap();
        }
        std::fs::write(other.path().join(before.name(0)), "x").unwrap();
        std::os::unix::fs::symlink(other.path(), root.path().join("link")).unwrap();
        assert_eq!(clear(root.path(), &now).unwrap(), 2);
        let left = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
        assert_eq!((left(&hour), left(other.path())), (stays.len(), 1));
        assert!(stays.iter().all(|name| hour.join(name).exists()));
    }
}
