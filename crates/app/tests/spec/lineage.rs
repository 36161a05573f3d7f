//! What became of files: from the records that tell of it to the answers and the picture.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Setup, Weir};

const SOON: Duration = Duration::from_secs(30);
/// What the scenario comes to, in the form that is the same everywhere.
pub const CANONICAL: &str = "/v1/traces/order-77/graph?canonical=true";
const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

/// Two files come in: one becomes data, of which some goes to a database and some into a file; the other is dropped.
pub const SCENARIO: [&str; 11] = [
    r#"{"type":"TRACE_START","trace":"order-77","user":"importer","createdAt":"2026-11-22T09:00:00.000001Z"}"#,
    r#"{"type":"FILE_RECEIVE","trace":"order-77","key":"file:in-1.csv","createdAt":1795338000000002,"attrs":{"name":"in-1.csv","bytes":120}}"#,
    r#"{"type":"FILE_RECEIVE","trace":"order-77","key":"file:in-2.csv","createdAt":1795338000000003,"attrs":{"name":"in-2.csv","bytes":7}}"#,
    r#"{"type":"DROP","trace":"order-77","key":"file:in-2.csv","reason":"header missing","createdAt":1795338000000004}"#,
    r#"{"type":"LOG","trace":"order-77","key":"file:in-2.csv","attrs":{"level":"warn","message":"no line looks like a header"},"createdAt":1795338000000005}"#,
    r#"{"type":"DERIVE","trace":"order-77","parents":["file:in-1.csv"],"children":["data:row-1","data:row-2"],"attrs":{"operation":"parse"},"createdAt":1795338000000006}"#,
    r#"{"type":"LOG","trace":"order-77","key":"data:row-1","attrs":{"level":"info","message":"2 columns renamed"},"createdAt":1795338000000007}"#,
    r#"{"type":"DB_WRITE","trace":"order-77","key":"data:row-1","attrs":{"database":"sales","table":"orders"},"createdAt":1795338000000008}"#,
    r#"{"type":"DERIVE","trace":"order-77","parents":["data:row-1","data:row-2"],"children":["data:sum"],"attrs":{"operation":"add"},"createdAt":1795338000000009}"#,
    r#"{"type":"DERIVE","trace":"order-77","parents":["data:sum"],"children":["file:out.csv"],"attrs":{"operation":"export"},"createdAt":1795338000000010}"#,
    r#"{"type":"TRACE_END","trace":"order-77","createdAt":1795338000000011}"#,
];

#[track_caller]
pub fn send(weir: &Weir, records: &[&str]) {
    let answer = weir.post("/v1/telemetry", &records.join("\n"), &NDJSON);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["accepted"], json!(records.len()), "{}", answer.body);
}

/// The members that tell a count.
fn figures(trace: &Value) -> Value {
    let names =
        ["records", "files", "dropped", "became_data", "never_became_data", "data", "outputs", "databases"];
    names.into_iter().map(|name| (name.to_owned(), trace[name].clone())).collect()
}

fn keys(nodes: &Value) -> Vec<&str> {
    nodes.as_array().unwrap().iter().map(|node| node["key"].as_str().unwrap()).collect()
}

#[test]
fn it_is_told_what_every_file_of_a_trace_became_and_why() {
    let weir = Weir::start(Setup::new());
    send(&weir, &SCENARIO);
    weir.drained("lineage", SOON);

    let trace = weir.get_json("/v1/traces/order-77");
    assert_eq!((&trace["state"], &trace["user"]), (&json!("ended"), &json!("importer")));
    let expected = json!({
        "records": 11, "files": 2, "dropped": 1, "became_data": 1, "never_became_data": 0, "data": 3, "outputs": 1,
        "databases": 1,
    });
    assert_eq!(figures(&trace), expected);

    let graph = weir.get_json("/v1/traces/order-77/graph");
    let name = |id: &Value| {
        let node = graph["nodes"].as_array().unwrap().iter().find(|node| node["id"] == *id).unwrap();
        node["key"].as_str().unwrap()
    };
    let edges = graph["edges"].as_array().unwrap().iter();
    let mut edges: Vec<_> = edges.map(|edge| (name(&edge["from"]), name(&edge["to"]))).collect();
    edges.sort_unstable();
    let expected = [
        ("data:row-1", "data:sum"),
        ("data:row-1", "db:sales.orders"),
        ("data:row-2", "data:sum"),
        ("data:sum", "file:out.csv"),
        ("file:in-1.csv", "data:row-1"),
        ("file:in-1.csv", "data:row-2"),
    ];
    assert_eq!(edges, expected);

    let why = weir.get_json("/v1/nodes/file:in-2.csv/why");
    assert_eq!((&why["state"], &why["reason"]), (&json!("dropped"), &json!("header missing")));
    assert_eq!(why["logs"][0]["attrs"]["message"], "no line looks like a header");
    assert_eq!(why["siblings"][0]["keys"], json!(["file:in-1.csv"]));
    let effects = weir.get_json("/v1/nodes/file:in-1.csv/downstream");
    let expected = ["data:row-1", "data:row-2", "data:sum", "db:sales.orders", "file:out.csv"];
    assert_eq!(keys(&effects["nodes"]), expected);
    let causes = weir.get_json("/v1/nodes/file:out.csv/upstream");
    assert_eq!(keys(&causes["nodes"]), ["data:sum", "data:row-1", "data:row-2", "file:in-1.csv"]);
    assert_eq!(keys(&weir.get_json("/v1/traces?has_drops=true")["items"]), ["order-77"]);
}

#[test]
fn without_a_key_nothing_is_told_and_nothing_is_taken() {
    let weir = Weir::start(Setup::new());
    let stranger = weir.stranger();
    assert_eq!(stranger.post("/v1/telemetry", SCENARIO[0].as_bytes(), &NDJSON).unwrap().status, 401);
    for path in ["/v1/traces", "/v1/traces/order-77", "/v1/traces/order-77/graph", "/v1/nodes/a/why"] {
        assert_eq!(stranger.get(path).unwrap().status, 401, "{path}");
    }
}

/// What the command says on standard output; it must end well.
#[track_caller]
pub fn run(weir: &Weir, arguments: &[&str]) -> String {
    let output = weir.run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_command_line_draws_a_trace_as_a_tree_and_tells_why() {
    let weir = Weir::start(Setup::new());
    send(&weir, &SCENARIO);
    weir.drained("lineage", SOON);
    let expected = "\
order-77  ended, of importer
2 files: 1 dropped, 1 became data, 0 became nothing; 3 data, 1 files made, 1 databases
├─ file:in-1.csv
│  ├─ parse → data:row-1
│  │  ├─ add → data:sum
│  │  │  └─ export → file:out.csv  open
│  │  └─ write → db:sales.orders
│  └─ parse → data:row-2
│     └─ add → data:sum  (see above)
└─ file:in-2.csv  dropped: header missing
";
    assert_eq!(run(&weir, &["trace", "show", "order-77"]), expected);
    let about = run(&weir, &["trace", "show", "order-77", "--around", "data:sum", "--depth", "1"]);
    assert!(about.contains("file:out.csv") && !about.contains("file:in-1.csv"), "{about}");
    let list = run(&weir, &["trace", "list", "--drops"]);
    assert!(list.contains("order-77  importer  ended  2"), "{list}");
    let expected = "\
file:in-2.csv of order-77 was dropped: header missing
last: DROP at 2026-11-22T09:00:00.000004Z
log: 2026-11-22T09:00:00.000005Z warn no line looks like a header
beside it: 1 file became (file:in-1.csv)
    parse → 2 data (data:row-1, data:row-2)
";
    assert_eq!(run(&weir, &["why", "file:in-2.csv"]), expected);
    let unknown = weir.run(&["why", "file:in-3.csv"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no record names"));
}

#[test]
fn records_that_come_backwards_twice_and_over_a_kill_and_a_restart_make_the_same_graph() {
    let orderly = Weir::start(Setup::new());
    send(&orderly, &SCENARIO);
    orderly.drained("lineage", SOON);
    let expected = orderly.get(CANONICAL).body;
    assert!(expected.contains("file:out.csv"), "{expected}");

    let mut weir = Weir::start(Setup::new());
    let mut backwards = SCENARIO;
    backwards.reverse();
    for (place, record) in backwards.iter().enumerate() {
        send(&weir, &[record, record]);
        if place % 4 == 1 {
            weir.kill9();
            weir.restart();
        }
    }
    send(&weir, &SCENARIO[3..]);
    weir.drained("lineage", SOON);
    assert_eq!(weir.get(CANONICAL).body, expected);
    let account = weir.metrics().account("lineage");
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
}

#[test]
fn a_file_is_followed_through_its_traces_and_a_trace_tells_its_log_lines() {
    let again = r#"{"type":"DROP","trace":"order-78","key":"file:in-1.csv","reason":"known","createdAt":1795424400000001}"#;
    let weir = Weir::start(Setup::new());
    send(&weir, &[&SCENARIO[..], &[again]].concat());
    weir.drained("lineage", SOON);
    let journey = weir.get_json("/v1/files/file:in-1.csv/journey");
    let stop = |place: usize, name: &str| journey["items"][place][name].clone();
    assert_eq!((stop(0, "upstream"), stop(0, "downstream")), (json!(0), json!(5)));
    assert_eq!((stop(0, "databases"), stop(1, "downstream")), (json!(["db:sales.orders"]), json!(0)));
    let expected = "\
TRACE     STATE    REASON  LAST AT                      UPSTREAM  DOWNSTREAM  DATABASES
order-77  became   -       2026-11-22T09:00:00.000006Z  0         5           db:sales.orders
order-78  dropped  known   2026-11-23T09:00:00.000001Z  0         0           -
";
    assert_eq!(run(&weir, &["trace", "journey", "file:in-1.csv"]), expected);

    let logs = weir.get("/v1/traces/order-77/logs?limit=1");
    assert!(logs.body.contains("no line looks like a header") && logs.body.ends_with("}\n"), "{}", logs.body);
    let link = logs.header("link").unwrap();
    let next = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).unwrap();
    let last = weir.get(next);
    assert!(last.body.contains("2 columns renamed") && last.header("link").is_none(), "{}", last.body);
}
