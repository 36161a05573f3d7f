//! Health and reflection.

use serde_json::{Value, json};

use super::*;

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECT: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

fn about(service: &str) -> Vec<u8> {
    framed(false, &encoded("grpc.health.v1.HealthCheckRequest", &json!({ "service": service })))
}

fn standing(message: &Bytes) -> Value {
    decoded("grpc.health.v1.HealthCheckResponse", message)["status"].clone()
}

#[tokio::test(start_paused = true)]
async fn health_is_what_readyz_says_and_needs_no_key() {
    let here = Here::new().await;
    for service in ["", "weir.v1.Telemetry"] {
        let ended = here.grpc_as_told(CHECK, &[], about(service)).await;
        assert_eq!((ended.status(), standing(&ended.messages[0])), ("0", json!("SERVING")));
    }
    assert_eq!(here.grpc_as_told(CHECK, &[], about("weir.v1.None")).await.status(), "5");
    *here.gauge.0.lock().unwrap() = Some("the disk is full".to_owned());
    let ended = here.grpc_as_told(CHECK, &[], about("")).await;
    assert_eq!(standing(&ended.messages[0]), "NOT_SERVING");
    let long = "x".repeat(20_000);
    assert_eq!(here.grpc_as_told(CHECK, &[], about(&long)).await.status(), "8");
}

#[tokio::test(start_paused = true)]
async fn who_watches_hears_of_every_change_and_of_the_end() {
    let here = Here::new().await;
    let call = call_of(WATCH, &[], Full::new(Bytes::from(about(""))));
    let mut live = here.api.answer(call, peer(), Door::Main, None).await.into_body();
    let mut next = async || live.frame().await.unwrap().unwrap();
    let mut told = async || standing(&messages(next().await.into_data().unwrap())[0]);
    assert_eq!(told().await, "SERVING");
    *here.gauge.0.lock().unwrap() = Some("the disk is full".to_owned());
    assert_eq!(told().await, "NOT_SERVING");
    *here.gauge.0.lock().unwrap() = None;
    assert_eq!(told().await, "SERVING");
    here.stop.cancel();
    assert_eq!(told().await, "NOT_SERVING");
    assert_eq!(next().await.into_trailers().unwrap()["grpc-status"], "14");
}

#[tokio::test(start_paused = true)]
async fn what_there_is_to_be_called_is_told_with_its_files() {
    let here = Here::new().await;
    let ask =
        |question: Value| framed(false, &encoded("grpc.reflection.v1.ServerReflectionRequest", &question));
    let questions = [
        json!({ "listServices": "" }),
        json!({ "fileContainingSymbol": "weir.v1.Telemetry.SendStream" }),
        json!({ "fileContainingSymbol": "weir.v1.Record" }),
        json!({ "fileByFilename": "grpc/health/v1/health.proto" }),
        json!({ "fileContainingSymbol": "weir.v2.Telemetry" }),
        json!({ "fileContainingExtension": { "containingType": "a.B", "extensionNumber": 7 } }),
    ];
    let ended = here.grpc(REFLECT, &[], questions.clone().map(ask).concat()).await;
    assert_eq!(ended.status(), "0");
    let replies: Vec<Value> = ended
        .messages
        .iter()
        .map(|message| decoded("grpc.reflection.v1.ServerReflectionResponse", message))
        .collect();
    let services = replies[0]["listServicesResponse"]["service"].as_array().unwrap();
    let services: Vec<&str> = services.iter().map(|service| service["name"].as_str().unwrap()).collect();
    assert_eq!(
        services,
        [
            "weir.v1.Telemetry",
            "weir.v1.Files",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection"
        ]
    );
    for (place, question) in questions.iter().enumerate() {
        let (name, value) = question.as_object().unwrap().iter().next().unwrap();
        assert_eq!(replies[place]["originalRequest"][name], *value);
        let files = replies[place]["fileDescriptorResponse"]["fileDescriptorProto"].as_array();
        assert_eq!(files.is_some_and(|files| files.len() == 1), (1..4).contains(&place), "{question}");
    }
    assert_eq!(replies[4]["errorResponse"]["errorCode"], 5);
    assert_eq!(replies[5]["errorResponse"]["errorCode"], 5);
}
