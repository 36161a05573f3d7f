//! From one node to its causes and effects, and why it became what it became.

use serde_json::{Value, json};

use super::lineage::{ORDER, keys, told};

#[tokio::test(start_paused = true)]
async fn all_causes_and_all_effects_are_told_the_nearest_first() {
    let here = told(&ORDER).await;
    let down = here.get("/v1/nodes/file:in-1.csv/downstream").await.json();
    assert_eq!(keys(&down["nodes"]), ["data:row-1", "data:row-2", "db:sales.orders", "file:out.csv"]);
    assert_eq!((&down["node"]["key"], &down["trace"]["key"]), (&json!("file:in-1.csv"), &json!("order-77")));
    assert_eq!((down["edges"].as_array().unwrap().len(), &down["truncated"]), (4, &Value::Null));
    let id = down["nodes"][3]["id"].as_str().unwrap();
    let up = here.get(&format!("/v1/nodes/{id}/upstream")).await.json();
    assert_eq!(keys(&up["nodes"]), ["data:row-2", "file:in-1.csv"]);
    assert_eq!((&up["nodes"][0]["distance"], &up["nodes"][1]["distance"]), (&json!(1), &json!(2)));
    let near = here.get(&format!("/v1/nodes/{id}/upstream?depth=1")).await.json();
    assert_eq!(keys(&near["nodes"]), ["data:row-2"]);
}

#[tokio::test(start_paused = true)]
async fn why_tells_the_reason_the_log_lines_the_last_deed_and_where_the_siblings_went() {
    let here = told(&ORDER).await;
    let mut why = here.get("/v1/nodes/file:in-2.csv/why").await.json();
    assert_eq!(why["trace"].take()["key"], "order-77");
    assert_eq!(why["node"].take()["key"], "file:in-2.csv");
    insta::assert_json_snapshot!(why);
    let row = here.get("/v1/nodes/data:row-1/why").await.json();
    assert_eq!((&row["state"], &row["siblings"][0]["keys"]), (&json!("became"), &json!(["data:row-2"])));
    assert_eq!(row["siblings"][0]["into"][0]["keys"], json!(["file:out.csv"]));
}

#[tokio::test(start_paused = true)]
async fn of_a_key_that_several_traces_have_it_must_be_said_which_is_meant() {
    let other = r#"{"type":"DROP","trace":"other","key":"data:row-1","createdAt":1}"#;
    let here = told(&[&ORDER[..], &[other]].concat()).await;
    for question in ["upstream", "downstream", "why"] {
        let seen = here.get(&format!("/v1/nodes/data:row-1/{question}")).await;
        assert_eq!((seen.status, seen.problem().as_str()), (409, "ambiguous"));
        assert_eq!(seen.json()["traces"], json!(["order-77", "other"]));
        let seen = here.get(&format!("/v1/nodes/data:row-1/{question}?trace=other")).await;
        assert_eq!(seen.json()["node"]["state"], "dropped");
        assert_eq!(here.get(&format!("/v1/nodes/data:9/{question}")).await.problem(), "not-found");
        assert_eq!(here.get(&format!("/v1/nodes/a/{question}?trce=b")).await.problem(), "bad-query");
    }
}
