//! Objects of JSON lines, read back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Every file beneath a folder, by its path from there.
pub fn files(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(path).unwrap());
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
