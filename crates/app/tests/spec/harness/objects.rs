//! Objects of JSON lines, read back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Every file beneath a folder, by its path from there.
pub fn files(root: &Path) -> BTreeMap<String, String> {
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    paths(root).into_iter().map(|path| (name(&path), fs::read_to_string(path).unwrap())).collect()
}

/// Where every file beneath a folder is.
pub fn paths(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

/// What each line says.
#[track_caller]
pub fn lines(objects: &BTreeMap<String, String>) -> Vec<Value> {
    let whole = |(name, body): (&String, &String)| assert!(body.ends_with('\n'), "{name} is cut off");
    objects.iter().for_each(whole);
    objects.values().flat_map(|body| body.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}
