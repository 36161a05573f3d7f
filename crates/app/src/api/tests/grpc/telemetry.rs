//! Records of telemetry over gRPC.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use weir_core::event::Offset;
use weir_core::log::{EventLog, LogError, ReadLimit};

use super::*;
use crate::api::ApiSettings;

/// Every member that a record may have.
fn full() -> Value {
    json!({
        "type": "DERIVE", "trace": "t", "createdAt": 1_795_338_000_000_001_i64, "key": "file:k", "user": "u", "seq": 3,
        "kind": "data", "reason": "r", "parents": ["a", "b"], "children": ["c"], "alias": "l", "of": "o",
        "attrs": "{\"bytes\": 9007199254740993}",
    })
}

fn starts(trace: &str) -> Value {
    json!({ "type": "TRACE_START", "trace": trace, "createdAt": 1 })
}

/// What the log has, as it was written.
async fn logged(here: &Here) -> Vec<String> {
    let partition = here.log.partitions().remove(0);
    let slice = here
        .log
        .read(&partition, Offset(0), ReadLimit { max_events: 100, max_bytes: 1 << 20 })
        .await
        .unwrap();
    slice.records.iter().map(|record| String::from_utf8(record.event.body.to_vec()).unwrap()).collect()
}

fn answer(ended: &Ended) -> Value {
    assert_eq!((ended.status(), ended.messages.len()), ("0", 1), "{}", ended.message());
    decoded("weir.v1.SendResponse", &ended.messages[0])
}

#[tokio::test(start_paused = true)]
async fn a_record_is_logged_with_every_member_and_no_number_is_lost() {
    let here = Here::new().await;
    let ended = here.grpc(SEND, &[], request(&json!([full()]))).await;
    assert_eq!(answer(&ended), json!({ "accepted": "1" }));
    let logged = logged(&here).await;
    assert!(logged[0].contains("9007199254740993"), "{logged:?}");
    let expected = json!({
        "type": "DERIVE", "trace": "t", "createdAt": "2026-11-22T09:00:00.000001Z", "key": "file:k", "user": "u", "seq": 3,
        "kind": "data", "reason": "r", "parents": ["a", "b"], "children": ["c"], "alias": "l", "of": "o",
        "attrs": { "bytes": 9_007_199_254_740_993_u64 },
    });
    assert_eq!(serde_json::from_str::<Value>(&logged[0]).unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_bad_record_is_told_by_its_place_in_the_call_and_fails_nothing_else() {
    let here = Here::new().await;
    let wrong = json!({ "type": "FILE_EATEN", "trace": "t", "createdAt": 1 });
    let no_json = json!({ "type": "ATTR", "trace": "t", "key": "k", "createdAt": 1, "attrs": "{" });
    let body =
        [request(&json!([starts("a"), wrong])), request(&json!([])), request(&json!([no_json, starts("b")]))];
    let answer = answer(&here.grpc(SEND_STREAM, &[], body.concat()).await);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!("2"), &json!("2")));
    let told = |place: usize| {
        let rejection = &answer["rejections"][place];
        (rejection["index"].as_str().unwrap(), rejection["code"].as_str().unwrap(), &rejection["detail"])
    };
    assert_eq!(
        ((told(0).0, told(0).1), (told(1).0, told(1).1)),
        (("1", "unknown_type"), ("2", "invalid_json"))
    );
    assert!(told(0).2.as_str().unwrap().contains("TRACE_START"));
    assert_eq!(here.accepted(), 2);
}

#[tokio::test(start_paused = true)]
async fn strangers_are_told_nothing_but_that_they_are() {
    let here = Here::new().await;
    for path in [
        SEND,
        SEND_STREAM,
        "/weir.v1.Telemetry/None",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        let ended = here.grpc_as_told(path, &[], request(&json!([starts("a")]))).await;
        assert_eq!((ended.status(), ended.messages.len()), ("16", 0), "{path}");
        let wrong = here.grpc_as_told(path, &[("authorization", "Bearer wrong")], "").await;
        assert_eq!(wrong.status(), "16", "{path}");
    }
    assert_eq!(here.accepted(), 0);
    let metrics = here.get("/metrics").await.text();
    assert!(
        metrics.contains("weir_http_requests_total{route=\"/weir.v1.Telemetry/Send\",status=\"401\"} 2"),
        "{metrics}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_call_of_a_method_is_told_so() {
    let here = Here::new().await;
    assert_eq!(here.grpc("/weir.v1.Telemetry/None", &[], "").await.status(), "12");
    assert_eq!(here.grpc(SEND, &[], "").await.status(), "3");
    assert_eq!(here.grpc(SEND, &[], framed(false, &[0x0A, 5])).await.status(), "3");
    let seen = here.post(SEND, "{}").await;
    assert_eq!((seen.status, seen.problem().as_str()), (415, "grpc-only"));
}

#[tokio::test(start_paused = true)]
async fn a_message_beyond_the_limit_is_told_the_setting_before_it_is_read() {
    let here =
        Here::with(ApiSettings { body_max_bytes: 100, unpacked_max_bytes: 300, ..ApiSettings::default() })
            .await;
    let ended = here.grpc(SEND, &[], [0, 0xFF, 0xFF, 0xFF, 0xFF].as_slice()).await;
    assert_eq!(ended.status(), "8");
    assert!(ended.message().contains("server.body_max_bytes lets in 100"), "{}", ended.message());

    let many = json!([starts("a"), starts("a"), starts("a"), starts("a"), starts("a"), starts("a")]);
    let packed = [("grpc-encoding", "gzip")];
    let body = framed(true, &gzip(&request(&many)[5..].repeat(10)));
    assert!(body.len() < 100);
    let ended = here.grpc(SEND, &packed, body).await;
    assert_eq!(ended.status(), "8");
    assert!(ended.message().contains("server.unpacked_max_bytes"), "{}", ended.message());
    assert_eq!(here.accepted(), 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(start_paused = true)]
async fn messages_may_be_packed_as_the_call_says() {
    let here = Here::new().await;
    let plain = request(&json!([starts("a")]));
    let packed = framed(true, &gzip(&plain[5..]));
    let both = [packed.as_slice(), &plain].concat();
    let ended = here.grpc(SEND_STREAM, &[("grpc-encoding", "gzip")], both.clone()).await;
    assert_eq!(answer(&ended)["accepted"], "2");
    assert_eq!(here.grpc(SEND_STREAM, &[], both.clone()).await.status(), "3");
    let ended = here.grpc(SEND_STREAM, &[("grpc-encoding", "snappy")], both).await;
    assert_eq!((ended.status(), ended.header("grpc-accept-encoding")), ("12", "gzip, zstd, deflate, br"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_keeps_what_it_brought_and_is_told_how_much() {
    let here = Here::new().await;
    let body = [request(&json!([starts("a"), starts("b")])), request(&json!([starts("c")]))].concat();
    let ended = here.grpc(SEND_STREAM, &[], body[..body.len() - 1].to_vec()).await;
    assert_eq!(ended.status(), "3");
    assert!(
        ended.message().contains("the first 2 records are done with: 2 are on disk"),
        "{}",
        ended.message()
    );
    assert_eq!(here.accepted(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_bytes_are_taken_for_a_mistake_of_weirs_own() {
    let here = Here::new().await;
    let good = request(&json!([full(), starts("a")]));
    for place in 0..good.len() {
        for flipped in [0x01, 0x80, 0xFF] {
            let mut bad = good.clone();
            bad[place] ^= flipped;
            let ended = here.grpc(SEND_STREAM, &[], bad).await;
            assert!(["0", "3", "8"].contains(&ended.status()), "{place} {flipped}: {}", ended.message());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_log_and_another_role_are_unavailable_with_a_time_to_come_back() {
    let here = Here::new().await;
    here.log.refuse(Some(LogError::Retry { reason: "100 % full".to_owned(), after: Duration::from_secs(2) }));
    let ended = here.grpc(SEND, &[], request(&json!([starts("a")]))).await;
    assert_eq!((ended.status(), ended.message()), ("14", "100 %25 full"));
    assert_eq!((ended.header("retry-after"), ended.header("grpc-retry-pushback-ms")), ("2", "2000"));

    let loader = Here::with(ApiSettings { takes_events: false, ..ApiSettings::default() }).await;
    let ended = loader.grpc(SEND, &[], request(&json!([starts("a")]))).await;
    assert_eq!((ended.status(), ended.header("grpc-retry-pushback-ms")), ("14", "30000"));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_idempotency_key_names_each_message_of_a_stream_by_itself() {
    let here = Here::new().await;
    let body = [request(&json!([starts("a")])), request(&json!([starts("b")]))].concat();
    let key = [("idempotency-key", "import-7")];
    for _ in 0..2 {
        answer(&here.grpc(SEND_STREAM, &key, body.clone()).await);
    }
    let partition = here.log.partitions().remove(0);
    let slice = here
        .log
        .read(&partition, Offset(0), ReadLimit { max_events: 100, max_bytes: 1 << 20 })
        .await
        .unwrap();
    let ids: Vec<_> = slice.records.iter().map(|record| record.event.id).collect();
    assert!(ids[0] != ids[1] && ids[..2] == ids[2..], "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_weirs_end_finds_in_the_middle_is_told_so() {
    use futures::StreamExt;
    let here = Here::new().await;
    let first = http_body::Frame::data(Bytes::from(request(&json!([starts("a")]))));
    let pieces = futures::stream::iter([Ok::<_, std::convert::Infallible>(first)]);
    let body = http_body_util::StreamBody::new(pieces.chain(futures::stream::pending()));
    let bearer = format!("Bearer {KEY}");
    let call = call_of(SEND_STREAM, &[("authorization", &bearer)], body);
    let ending = async {
        while here.accepted() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        here.stop.cancel();
    };
    let (response, ()) = tokio::join!(here.api.answer(call, peer(), Door::Main, None), ending);
    let ended = Ended::of(response).await;
    assert_eq!(ended.status(), "14");
    assert!(ended.message().contains("the first 1 records are done with"), "{}", ended.message());
}
