//! `where`, `columns` and `from` of a sink: what they become, and what is said when they are wrong.

use insta::assert_snapshot;
use weir_core::event::Record;
use weir_core::testkit::record;

use super::with_file;
use crate::config::{Beginning, SinkSettings};

const GOOD: &str = r#"
[sinks.table]
type = "sqlite"
from = "oldest"
where = { event = ["click", "tap"], page = { prefix = "/shop" }, label = { exists = true }, "/param/price" = { ">=" = 10, "<" = 99.5 }, section = { not = "x" }, user_id = { not = { in = ["bot", 7] } } }
columns = { price = { from = "/param/price", type = "real" } }
"#;

fn event(members: &str) -> Record {
    let mut record = record(1, "events", 0);
    record.event.body = format!("{{{members}}}").into();
    record
}

#[test]
fn a_filter_is_read_as_it_is_written() {
    let settings = with_file(GOOD).load().settings;
    let common = settings.sinks["table"].common();
    let filter = common.filter.filter().unwrap();
    let good = r#""event":"tap","page":"/shop/1","label":"l","param":{"price":10.0}"#;
    assert!(filter.holds(&event(good)));
    for (from, to) in [
        ("\"tap\"", "\"view\""),
        ("/shop/1", "/sho"),
        ("\"l\"", "null"),
        ("10.0", "9.9"),
        ("10.0", "99.5"),
        ("10.0", "\"50\""),
        ("\"l\"", "\"l\",\"section\":\"x\""),
        ("\"l\"", "\"l\",\"user_id\":7"),
    ] {
        assert!(!filter.holds(&event(&good.replace(from, to))), "{to}");
    }
    assert_eq!(common.from, Beginning::Oldest);
}

#[test]
fn a_filter_may_come_from_the_environment() {
    let place = with_file("[sinks.table]\ntype = \"sqlite\"\n")
        .variable("WEIR_SINKS__TABLE__WHERE", r#"{ event = "click", "/param/n" = { ">" = 1 } }"#);
    let filter = place.load().settings.sinks["table"].common().filter.filter().unwrap();
    assert!(filter.holds(&event(r#""event":"click","param":{"n":2}"#)));
    assert!(!filter.holds(&event(r#""event":"click","param":{"n":1}"#)));
}

#[test]
fn a_sink_without_a_filter_has_none_and_begins_now() {
    let settings = with_file("[sinks.table]\ntype = \"sqlite\"\n").load().settings;
    let common = settings.sinks["table"].common();
    assert!(common.filter.filter().is_none());
    assert_eq!(common.from, Beginning::Now);
}

#[test]
fn a_filter_and_columns_are_shown_and_can_be_read_again() {
    let place = with_file(GOOD);
    let shown = place.load().show();
    let again = with_file(&shown).load().settings;
    let [first, second] = [&place.load().settings, &again].map(|settings| {
        let SinkSettings::Sqlite(sink) = &settings.sinks["table"] else { panic!("{settings:?}") };
        format!("{:?} {:?}", sink.filter.filter(), sink.columns)
    });
    assert_eq!(first, second, "{shown}");
}

#[test]
fn what_is_wrong_with_a_filter_is_told_with_its_place() {
    let text = r#"
[sinks.a]
type = "blackhole"
where = { label = { exist = true } }
[sinks.b]
type = "blackhole"
where = "event = click"
from = "newest"
columns = { x = { from = "x", type = "TEXT" } }
"#;
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:4: `sinks.a.where.label.exist` is no test that a filter knows
        Did you mean `exists`? There are: `not`, `in`, `prefix`, `exists`, `<`, `<=`, `>`, `>=`.
    weir.toml:7: `sinks.b.where` is a text, not a section
        Write a section.
    weir.toml:8: `sinks.b.from` cannot be "newest"
        There are: `now`, `oldest`.
    weir.toml:9: `sinks.b.columns` is not a setting
        There are: `streams`, `where`, `from`, `roles`, `batch`, `retry`.
    "#);
}

#[test]
fn several_conditions_that_are_wrong_are_told_at_once() {
    let text = r#"
[sinks.a]
type = "blackhole"
[sinks.a.where]
event = []
page = { prefix = 7 }
"/a~2" = "x"
n = { "<" = nan, ">" = "10" }
target = {}
section = { in = "x", not = { exists = 1 } }
"#;
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:5: `sinks.a.where.event` names no value
        Name the values that the sink takes; an empty list would take nothing.
    weir.toml:6: `sinks.a.where.page.prefix` is no text
        Write prefix = "…".
    weir.toml:7: `sinks.a.where."/a~2"` is no JSON pointer: "/a~2"
        Write ~0 for ~ and ~1 for / in a name.
    weir.toml:8: `sinks.a.where.n."<"` is no number
        Write a number, without quotes.
    weir.toml:9: `sinks.a.where.target` asks nothing
        Write { not = …, prefix = …, exists = …, … }.
    weir.toml:10: `sinks.a.where.section.not.exists` is not true or false
        Write exists = true.
    "#);
}

#[test]
fn what_is_wrong_with_columns_is_told_with_its_place() {
    let text = r#"
[sinks.a]
type = "sqlite"
[sinks.a.columns]
price = { from = "/param/price", type = "Float64" }
Event = { from = "event", type = "TEXT" }
"a b" = { from = "", type = "TEXT" }
one = { from = "/a~", type = "INTEGER" }
ONE = { from = "a", type = "int" }
"#;
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:5: `sinks.a.columns.price.type` is no type that such a sink has: "Float64"
        There are: `INTEGER`, `REAL`, `TEXT`, `JSON`.
    weir.toml:6: `sinks.a.columns.Event` is a column that every table has
        Give your column another name.
    weir.toml:7: `sinks.a.columns."a b"` has no name that a column can have
        Use 1 to 63 of a-z A-Z 0-9 _, no digit first.
    weir.toml:7: `sinks.a.columns."a b".from` names no member
        Name a member, such as event, or a JSON pointer, such as "/param/price".
    weir.toml:8: `sinks.a.columns.one` is there twice, in small and in capital letters
        Rename one of them.
    weir.toml:8: `sinks.a.columns.one.from` is no JSON pointer: "/a~"
        Write ~0 for ~ and ~1 for / in a name.
    weir.toml:9: `sinks.a.columns.ONE` is there twice, in small and in capital letters
        Rename one of them.
    weir.toml:9: `sinks.a.columns.ONE.type` is no type that such a sink has: "int"
        Did you mean `INTEGER`? There are: `INTEGER`, `REAL`, `TEXT`, `JSON`.
    "#);
}

#[test]
fn sinks_that_would_write_over_each_other_are_told() {
    let text = r#"
[sinks.a]
type = "opensearch"
url = "http://h:9200"
[sinks.b]
type = "opensearch"
url = "http://user@H:9200/"
where = { event = "click" }
[sinks.c]
type = "opensearch"
url = "http://h:9200"
index = "other"
[sinks.d]
type = "sqlite"
[sinks.e]
type = "sqlite"
path = "data/../data/events.db"
table = "Events"
"#;
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:5: `sinks.b.index` puts the same streams into the same index as `sinks.a`
        Give one of them another `index`, or other `streams`.
    weir.toml:17: `sinks.e.path` has the same file and table as `sinks.d`
        Give one of them another `path` or `table`.
    "#);
}
