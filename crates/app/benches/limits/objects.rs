//! A plain writer of objects: files that are ready, one after the other, each synced.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Lines a second: the files beneath a folder, written into another, and nothing but written and synced.
pub fn folder(made_by_weir: &str, into: &str) -> f64 {
    let bodies: Vec<Vec<u8>> =
        files(Path::new(made_by_weir)).iter().map(|file| fs::read(file).unwrap()).collect();
    let lines: usize = bodies.iter().map(|body| body.iter().filter(|byte| **byte == b'\n').count()).sum();
    fs::create_dir_all(into).unwrap();
    let begun = Instant::now();
    for (number, body) in bodies.iter().enumerate() {
        let mut file = File::create(Path::new(into).join(format!("{number}.json"))).unwrap();
        file.write_all(body).unwrap();
        file.sync_all().unwrap();
    }
    lines as f64 / begun.elapsed().as_secs_f64()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
