//! How long the disk takes to make a small write durable, in a file whose space is reserved.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

const FILE_BYTES: usize = 64 << 20;
/// About what a group of single events comes to.
const WRITE_BYTES: usize = 16 << 10;

pub fn mean_fdatasync_us(path: &str, seconds: usize) -> f64 {
    let file = File::create(path).unwrap();
    // Written once, so that the measured syncs have no metadata to write.
    file.write_all_at(&vec![0; FILE_BYTES], 0).unwrap();
    file.sync_all().unwrap();
    let block = [1; WRITE_BYTES];
    let deadline = Instant::now() + Duration::from_secs(seconds as u64);
    let (mut syncs, mut total) = (0_u32, Duration::ZERO);
    while Instant::now() < deadline {
        let place = (syncs as usize * WRITE_BYTES) % FILE_BYTES;
        file.write_all_at(&block, place as u64).unwrap();
        let begun = Instant::now();
        file.sync_data().unwrap();
        total += begun.elapsed();
        syncs += 1;
    }
    total.as_secs_f64() * 1e6 / f64::from(syncs)
}
