//! `GET /v1/schemas`: the event types in force.

use super::here::Here;

#[tokio::test(start_paused = true)]
async fn the_event_types_are_listed_with_their_fields() {
    let here = Here::new().await;
    let seen = here.get("/v1/schemas").await;
    assert_eq!(seen.status, 200);
    insta::assert_json_snapshot!(seen.json());
}

#[tokio::test(start_paused = true)]
async fn a_list_comes_in_pages_and_tells_of_trouble() {
    let here = Here::new().await;
    let first = here.get("/v1/schemas?limit=1").await.json();
    assert_eq!(
        (&first["items"][0]["name"], &first["next"]),
        (&"TestEvent".into(), &"events.TestEvent".into())
    );
    let rest = here.get("/v1/schemas?limit=1&cursor=events.TestEvent").await.json();
    assert_eq!(rest["items"][0]["full_name"], "events.YetAnotherTestEvent");
    assert!(rest["next"].is_null() && rest["trouble"].is_null());
    here.schemas.note(Some("a.proto:1:2: no".to_owned()));
    assert_eq!(here.get("/v1/schemas").await.json()["trouble"], "a.proto:1:2: no");
    assert_eq!(here.get("/v1/schemas?limt=1").await.problem(), "bad-query");
}
