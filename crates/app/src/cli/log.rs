//! `weir log`

use std::path::PathBuf;

use anyhow::bail;
use indicatif::HumanCount;
use weir_log::segment::{Damaged, Inspection, Verification};

use super::progress::Progress;
use super::readable::size;
use super::table::table;
use super::{Verdict, output};
use crate::config::Settings;
use crate::logging::escaped;

/// Tells what is in a stopped log.
pub fn inspect(settings: &Settings, json: bool) -> anyhow::Result<Verdict> {
    let inspection = weir_log::segment::inspect(&folder(settings)?)?;
    match json {
        true => output::print_json(&inspection)?,
        false => output::print(&inspected(&inspection))?,
    }
    Ok(Verdict::Well)
}

fn inspected(inspection: &Inspection) -> String {
    let header = ["file", "first offset", "end", "size", "made at", "head"];
    let row = |segment: &weir_log::segment::SegmentInspection| {
        vec![
            segment.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            segment.first_offset.to_string(),
            segment.end_offset.map_or("-".to_owned(), |end| end.to_string()),
            size(segment.bytes),
            segment.created_at.map_or("-".to_owned(), |at| at.to_string()),
            if segment.head_damaged { "damaged" } else { "sound" }.to_owned(),
        ]
    };
    let mut text = format!(
        "log {}, {} in {} segments, closed {}\n\n",
        inspection.log_id.as_deref().unwrap_or("without an id"),
        size(inspection.bytes),
        inspection.segments.len(),
        if inspection.closed_well { "in good order" } else { "by a crash or kill" },
    );
    text.push_str(&table(&header, &inspection.segments.iter().map(row).collect::<Vec<_>>()));
    for path in &inspection.set_aside {
        text.push_str(&format!("damaged bytes were set aside in {}\n", path.display()));
    }
    text
}

/// Reads and checks all of a stopped log.
pub fn verify(settings: &Settings, json: bool) -> anyhow::Result<Verdict> {
    let folder = folder(settings)?;
    let mut progress: Option<Progress> = None;
    let verification = weir_log::segment::verify(&folder, |done, total| {
        progress.get_or_insert_with(|| Progress::start(Some(total), 0, json)).reached(done);
    })?;
    progress.iter().for_each(Progress::end);
    match json {
        true => output::print_json(&verification)?,
        false => output::print(&verified(&verification))?,
    }
    Ok(if verification.is_sound() { Verdict::Well } else { Verdict::Wrong })
}

fn verified(verification: &Verification) -> String {
    let mut text = format!(
        "{} events in {} blocks and {} segments ({}); the next offset is {}\n",
        HumanCount(verification.events),
        HumanCount(verification.blocks),
        verification.segments,
        size(verification.bytes),
        verification.end,
    );
    for path in &verification.heads_damaged {
        text.push_str(&format!("{}: its head is damaged\n", path.display()));
    }
    for place in &verification.damaged {
        text.push_str(&damage(place));
    }
    if let Some(torn) = &verification.torn {
        let place = format!("{}, byte {}", torn.file.display(), torn.byte_offset);
        text.push_str(&format!("{place}: a write of {} bytes was never finished (harmless)\n", torn.bytes));
    }
    text.push_str(if verification.is_sound() { "sound\n" } else { "DAMAGED\n" });
    text
}

fn damage(place: &Damaged) -> String {
    let lost: Vec<String> =
        place.lost.iter().map(|(stream, count)| format!("{count} of {}", escaped(stream))).collect();
    format!(
        "{}, byte {}: {} bytes are damaged; events lost from offset {}: {}\n",
        place.file.display(),
        place.byte_offset,
        place.bytes,
        place.first_offset,
        if lost.is_empty() { "none".to_owned() } else { lost.join(", ") },
    )
}

fn folder(settings: &Settings) -> anyhow::Result<PathBuf> {
    let folder = settings.log_dir();
    if !folder.is_dir() {
        bail!(
            "there is no log in {}\n    Name the data directory with --data-dir.",
            settings.data_dir.display()
        );
    }
    Ok(folder)
}
