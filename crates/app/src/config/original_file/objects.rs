//! Where the consumer wrote to: a sink of type `objects`, in MinIO or in a folder.

use std::path::Path;
use std::time::Duration;

use super::section::{Section, Setting, of_app};
use super::{STREAM, Told, put};
use crate::config::duration;
use crate::config::key::Key;
use crate::config::problem::Problem;
use crate::config::tree::{Node, Value};

/// What the sink is called.
const OBJECTS: &str = "objects";
/// The settings of the application that the consumer has, or had at some time.
pub(super) const APP: [&str; 6] = [
    "kafka_topic",
    "root_path",
    "flush_interval",
    "max_output_file_size",
    "consumer_batch_size",
    "min_commit_count",
];
/// Of these, those that say how often something was done that is done in another way here.
const WITHOUT_MEANING: [&str; 2] = ["consumer_batch_size", "min_commit_count"];
/// MinIO's.
pub(super) const MINIO: [&str; 2] = ["endpoint", "secure"];

/// Makes `[sinks.objects]`.
pub(super) fn make_sink(
    made: &mut Node,
    consumer: &Section,
    apps: [&Section; 2],
    minio: &Section,
    directory: &Path,
    told: &mut Told,
) {
    for (member, value) in [("type", "objects"), ("streams", STREAM)] {
        put(made, &["sinks", OBJECTS, member], Node::text(value, consumer.origin()));
    }
    match of_app(apps, "root_path") {
        Some(root) => put_place(made, &root, minio, directory, told),
        None => told.problems.push(Problem {
            key: Key::of(["consumer", "app", "root_path"]),
            origin: Some(consumer.origin()),
            what: "is missing".to_owned(),
            remedy: "Add root_path = \"…\": the bucket, or the folder where there is no MinIO.".to_owned(),
        }),
    }
    if let Some(interval) = of_app(apps, "flush_interval")
        && let Some(seconds) = interval.integer(told)
    {
        let age = Value::Text(duration::write(Duration::from_secs(seconds)));
        put(made, &["sinks", OBJECTS, "batch", "max_age"], interval.replaced(age));
    }
    if let Some(size) = of_app(apps, "max_output_file_size")
        && let Some(bytes) = size.integer(told)
    {
        put(made, &["sinks", OBJECTS, "batch", "max_bytes"], size.node.clone());
        if bytes > crate::config::BatchSettings::default().buffer_max_bytes {
            put(made, &["sinks", OBJECTS, "batch", "buffer_max_bytes"], size.node);
        }
    }
    for Setting { key, node } in WITHOUT_MEANING.iter().filter_map(|name| of_app(apps, name)) {
        told.warnings.push(format!("`{key}` ({}) has no meaning here and is passed over", node.origin));
    }
}

/// A bucket of the server that is named, or a folder.
fn put_place(made: &mut Node, root: &Setting, minio: &Section, directory: &Path, told: &mut Told) {
    let Some(path) = root.text(told) else { return };
    let bare = path.trim().trim_start_matches("./").trim_matches('/');
    let url = match minio.is_there() {
        true => format!("s3://{bare}"),
        false => {
            let folder = directory.join(path.trim().trim_start_matches("./"));
            format!("file://{}", std::path::absolute(&folder).unwrap_or(folder).display())
        }
    };
    put(made, &["sinks", OBJECTS, "url"], root.replaced(Value::Text(url)));
    if !minio.is_there() {
        return;
    }
    let is_secure = minio.get("secure").is_some_and(|secure| secure.node.value == Value::Boolean(true));
    match minio.get("endpoint") {
        Some(endpoint) => {
            let Some(host) = endpoint.text(told) else { return };
            let scheme = if is_secure { "https" } else { "http" };
            let url = if host.contains("://") { host.to_owned() } else { format!("{scheme}://{host}") };
            put(made, &["sinks", OBJECTS, "endpoint"], endpoint.replaced(Value::Text(url)));
        }
        None => told.problems.push(Problem {
            key: Key::of(["minio", "endpoint"]),
            origin: Some(minio.origin()),
            what: "is missing".to_owned(),
            remedy: "Add endpoint = \"HOST:PORT\".".to_owned(),
        }),
    }
}
