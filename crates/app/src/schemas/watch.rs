//! Keeps up with the folder while the server runs.
//!
//! **Constraint.** What is found is taken up only when it is found again: files may be about to be replaced one by one.

use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weir_core::schema::compat::breaks;
use weir_core::schema::{CurrentRegistry, Registry};

use super::{Sources, compile};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Takes up what changes in the folder, until `stop`.
pub async fn keep_current(
    folder: PathBuf,
    current: CurrentRegistry,
    in_force: Sources,
    stop: CancellationToken,
) {
    let mut watch = Watch { folder, current, in_force, found: None, is_told: false };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let folder = watch.folder.clone();
        // A look that did not come to an end says nothing; another follows.
        let Ok(read) = tokio::task::spawn_blocking(move || Sources::read(&folder)).await else { continue };
        watch.look(read.map_err(|error| error.to_string()));
    }
}

/// What a look finds: files, or why there are none.
type Found = Result<Sources, String>;

struct Watch {
    folder: PathBuf,
    current: CurrentRegistry,
    in_force: Sources,
    /// What the last look found, where it was not what is in force.
    found: Option<Found>,
    /// Whether that was dealt with.
    is_told: bool,
}

impl Watch {
    fn look(&mut self, found: Found) {
        if found.as_ref() == Ok(&self.in_force) {
            if self.found.take().is_some() {
                self.current.note(None);
            }
            return;
        }
        if self.found.as_ref() != Some(&found) {
            (self.found, self.is_told) = (Some(found), false);
        } else if !self.is_told {
            self.is_told = true;
            self.take_up(found);
        }
    }

    fn take_up(&mut self, found: Found) {
        let folder = self.folder.display().to_string();
        let sources = match found {
            // Whoever takes event types away leaves the folder.
            Ok(sources) if !sources.is_there() => return self.refuse("the folder is gone".to_owned()),
            Ok(sources) => sources,
            Err(why) => return self.refuse(format!("the folder cannot be read: {why}")),
        };
        match compile(&sources) {
            Err(flaws) => {
                let listed: Vec<String> = flaws.iter().map(|flaw| format!("{folder}/{flaw}")).collect();
                self.refuse(listed.join("; "));
            }
            Ok(registry) => {
                tell(&folder, &self.current.get(), &registry);
                self.current.replace(registry);
                (self.in_force, self.found) = (sources, None);
            }
        }
    }

    fn refuse(&self, why: String) {
        let folder = self.folder.display();
        tracing::error!("schemas.dir {folder}: {why}. The event types that were there before stay in force");
        self.current.note(Some(why));
    }
}

fn tell(folder: &str, before: &Registry, after: &Registry) {
    let count = after.event_types().count();
    tracing::info!("schemas.dir {folder} has changed: its {count} event types are in force from now on");
    for found in breaks(before, after) {
        let (place, detail) = (found.place, found.detail);
        tracing::warn!("schemas.dir {folder}: this breaks readers of what is stored: {place} {detail}");
    }
    tell_flawed(folder, after);
}

/// Tells of messages that look like event types and are none.
pub fn tell_flawed(folder: &str, registry: &Registry) {
    for (name, why) in registry.flawed() {
        tracing::warn!("schemas.dir {folder}: {name} is no event type: {why}");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::schemas::load;

    const GOOD: &str = include_str!("../../../../schemas/events/context.proto");

    fn write(folder: &Path, name: &str, rest: &str) {
        fs::write(folder.join(name), format!("{GOOD}{rest}")).unwrap();
    }

    fn watch(folder: &Path) -> Watch {
        let (registry, in_force) = load(folder).unwrap();
        let current = CurrentRegistry::new(registry);
        Watch { folder: folder.to_owned(), current, in_force, found: None, is_told: false }
    }

    impl Watch {
        fn look_once(&mut self) -> Vec<String> {
            self.look(Sources::read(&self.folder).map_err(|error| error.to_string()));
            let registry = self.current.get();
            registry.event_types().map(|event_type| event_type.name().to_owned()).collect()
        }
    }

    #[test]
    fn a_change_is_taken_up_when_it_is_found_twice() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.proto", "message One { EventContext context = 1; }");
        let mut watch = watch(folder.path());
        assert_eq!(watch.look_once(), ["One"]);
        write(folder.path(), "a.proto", "message Two { EventContext context = 1; }");
        assert_eq!([watch.look_once(), watch.look_once()], [["One"], ["Two"]]);
    }

    #[test]
    fn what_is_broken_is_noted_and_the_version_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.proto", "message One { EventContext context = 1; }");
        let mut watch = watch(folder.path());
        write(folder.path(), "a.proto", "message One { EventContext context = 1 }");
        for _ in 0..3 {
            assert_eq!(watch.look_once(), ["One"]);
        }
        let trouble = watch.current.trouble().unwrap();
        assert!(trouble.contains("a.proto:13:"), "{trouble}");
        write(folder.path(), "a.proto", "message One { EventContext context = 1; }");
        assert_eq!((watch.look_once(), watch.current.trouble()), (vec!["One".to_owned()], None));
    }

    #[test]
    fn a_folder_that_vanishes_takes_nothing_with_it() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.proto", "message One { EventContext context = 1; }");
        let mut watch = watch(folder.path());
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!([watch.look_once(), watch.look_once()], [["One"], ["One"]]);
        assert!(watch.current.trouble().unwrap().contains("gone"));
        fs::create_dir(folder.path()).unwrap();
        assert_eq!([watch.look_once(), watch.look_once()].concat(), ["One"]);
        assert_eq!(watch.current.trouble(), None);
    }
}
