//! The document tells the truth.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::here::Here;
use crate::api::grpc::Method as GrpcMethod;
use crate::api::openapi_document;
use crate::api::route::Route;

fn document() -> Value {
    serde_json::from_str(openapi_document()).unwrap()
}

/// Path and method of every operation, with a number for each name that the path leaves open.
fn operations() -> BTreeSet<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().clone();
    let methods = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| (path.clone(), method.to_uppercase()))
    });
    methods.collect()
}

#[test]
fn the_committed_document_is_the_one_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, openapi_document()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == openapi_document(),
        "api/openapi.json is out of date; UPDATE_OPENAPI=1 cargo test -p weir openapi writes it"
    );
}

#[test]
fn every_route_is_documented_and_every_documented_path_is_a_route() {
    let mut documented = BTreeSet::new();
    for (path, method) in operations() {
        let route = Route::of(&path);
        assert_eq!(route.kind().1, path, "documented, but no route");
        assert!(route.allows(&method.parse().unwrap()), "{method} {path} is documented, but not allowed");
        documented.insert(route.kind().0);
        let is_implied = |method: &str| method == "HEAD" && route.allows(&hyper::Method::GET);
        let allowed = route.allowed().split(", ").filter(|method| !is_implied(method)).count();
        let told = operations().iter().filter(|(other, _)| *other == path).count();
        assert_eq!(allowed, told, "{path} allows {}", route.allowed());
    }
    // What gRPC has is told in its own files.
    let others = GrpcMethod::ALL.map(|(method, _)| Route::Grpc(method)).into_iter().chain([Route::Unknown]);
    let others: BTreeSet<usize> = others.map(|route| route.kind().0).collect();
    let all: BTreeSet<usize> = (0..crate::api::ROUTES).filter(|number| !others.contains(number)).collect();
    assert_eq!(documented, all);
}

#[tokio::test(start_paused = true)]
async fn every_operation_answers_with_a_status_that_is_documented() {
    let here = Here::new().await;
    let document = document();
    for (path, method) in operations() {
        let address = path.replace("{stream}", "actions").replace("{id}", "1").replace("{name}", "picky");
        let body = if path.ends_with("events") { "" } else { "{}" };
        let head = here.call("HEAD", &address, &[], "").await.status;
        let status =
            if path == "/v1/tail" { head } else { here.call(&method, &address, &[], body).await.status };
        let responses = document["paths"][&path][method.to_lowercase()]["responses"].as_object().unwrap();
        let documented = responses.contains_key(&status.to_string())
            || responses.contains_key(&format!("{}XX", status / 100));
        assert!(documented, "{method} {path} answered {status}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_served() {
    let seen = Here::new().await.get("/openapi.json").await;
    assert_eq!((seen.status, seen.text().as_str()), (200, openapi_document()));
}
