//! Members that a person adds to the documents: typed in the template and in the indices that are there.

use serde_json::{Value, json};
use weir_core::event::Record;
use weir_core::sink::{Sink, SinkError, Verdict};
use weir_core::testkit::sink::batch;
use weir_sinks::columns::ColumnSettings;
use weir_sinks::opensearch::{OpenSearchSettings, OpenSearchSink};

use crate::opensearch::double::{Double, Reply};
use crate::opensearch::events;

pub fn columns(columns: &[(&str, &str, &str)]) -> Vec<ColumnSettings> {
    let column = |(name, from, kind): &(&str, &str, &str)| ColumnSettings {
        name: (*name).to_owned(),
        from: (*from).to_owned(),
        kind: (*kind).to_owned(),
    };
    columns.iter().map(column).collect()
}

const PRICE: [(&str, &str, &str); 2] = [("price", "/param/price", "long"), ("tag", "/tags/0", "keyword")];

pub fn priced(prices: &[&str]) -> Vec<Record> {
    let mut records = events(0..prices.len() as u64);
    for (record, price) in records.iter_mut().zip(prices) {
        let body = format!(r#"{{"page":"/","event":"e","param":{{"price":{price}}},"tags":["a\nb"]}}"#);
        record.event.body = body.into();
    }
    records
}

/// A store in which the template has this content, if any.
async fn store(installed: Option<Value>) -> Double {
    Double::start(move |request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/") => {
            Reply::json(200, &json!({ "version": { "number": "2.19.1", "distribution": "opensearch" } }))
        }
        ("GET", _) => match &installed {
            None => Reply::json(404, &json!({})),
            Some(template) => {
                Reply::json(200, &json!({ "index_templates": [{ "index_template": template }] }))
            }
        },
        ("PUT", path) if path.ends_with("/_mapping") && request.json().to_string().contains("refused") => {
            Reply::error(400, "illegal_argument_exception", "mapper [refused] cannot be changed")
        }
        ("PUT", _) => Reply::json(200, &json!({ "acknowledged": true })),
        _ => Reply::all_stored(request),
    })
    .await
}

fn sink(double: &Double, added: &[(&str, &str, &str)]) -> OpenSearchSink {
    OpenSearchSink::start(OpenSearchSettings { columns: columns(added), ..double.settings() }).unwrap()
}

#[tokio::test]
async fn added_members_stand_in_the_document_and_what_does_not_fit_is_refused_alone() {
    let double = store(None).await;
    let records = priced(&["7", "7.5", "null"]);
    let receipt = sink(&double, &PRICE).deliver(&batch("p", records)).await.unwrap();
    let [exception] = receipt.exceptions.as_slice() else { panic!("{receipt:?}") };
    let Verdict::Refused(refusal) = &exception.verdict else { panic!("{exception:?}") };
    assert_eq!((exception.index, refusal.reason.as_str()), (1, "column_mismatch"));
    assert_eq!(refusal.detail, "column \"price\" of type long cannot hold 7.5");
    let sent = double.received_by("POST").remove(0).documents();
    let prices: Vec<&Value> = sent.iter().map(|(_, document)| &document["price"]).collect();
    assert_eq!(prices, [&json!(7), &Value::Null]);
    assert_eq!(sent[0].1["tag"], "a\nb");
    assert_eq!(sent[0].1["event_info"]["param"], json!({ "price": 7 }));
}

#[tokio::test]
async fn they_are_mapped_in_the_indices_that_are_there_and_then_in_the_template() {
    let double = store(None).await;
    sink(&double, &PRICE).check().await.unwrap();
    let puts = double.received_by("PUT");
    let [mapping, template] = puts.as_slice() else { panic!("{puts:?}") };
    let price = json!({ "type": "long" });
    assert_eq!(mapping.path, "/events_test_*-*/_mapping");
    assert_eq!(mapping.json()["properties"]["price"], price);
    let properties = &template.json()["template"]["mappings"]["properties"];
    assert_eq!(properties["price"], price);
    assert_eq!(properties["tag"]["type"], "keyword");
    assert_eq!(properties["received_at"]["type"], "date", "beside those that every document has");
}

#[tokio::test]
async fn a_template_with_other_columns_is_replaced_and_the_same_is_left() {
    let first = store(None).await;
    sink(&first, &PRICE).check().await.unwrap();
    let template = first.received_by("PUT").remove(1).json();
    for (added, puts) in [(&PRICE[..], 0), (&PRICE[..1], 2), (&[], 1)] {
        let double = store(Some(template.clone())).await;
        sink(&double, added).check().await.unwrap();
        assert_eq!(double.received_by("PUT").len(), puts, "{added:?}");
    }
}

#[tokio::test]
async fn a_column_that_is_there_with_another_type_waits_for_a_person() {
    let double = store(None).await;
    let error = sink(&double, &[("refused", "a", "ip")]).check().await.unwrap_err();
    let SinkError::Blocked { cause } = error else { panic!("{error:?}") };
    let told = cause.to_string();
    assert!(told.contains("mapper [refused] cannot be changed") && told.contains("another name"), "{told}");
}

#[test]
fn a_member_that_every_document_has_cannot_be_added() {
    for (name, kind) in [("event_info", "long"), ("extra_unindexed", "long"), ("page", "long"), ("a", "int")]
    {
        let settings = OpenSearchSettings {
            columns: columns(&[(name, "a", kind)]),
            ..OpenSearchSettings::new("http://localhost")
        };
        assert!(OpenSearchSink::start(settings).is_err(), "{name}");
    }
}
