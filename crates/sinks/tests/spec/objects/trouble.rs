//! A server that answers as told: what comes over the wire, and what each answer means for the events.

use std::time::Duration;

use weir_core::sink::{Receipt, Sink, SinkError, Verdict};
use weir_core::testkit::sink::batch;
use weir_sinks::objects::{BucketAccess, Credentials, ObjectsSettings, ObjectsSink};

use crate::objects::events;
use crate::opensearch::double::{Double, Reply};

fn settings(double: &Double) -> ObjectsSettings {
    ObjectsSettings {
        access: BucketAccess {
            endpoint: Some(format!("http://127.0.0.1:{}", double.port())),
            credentials: Some(Credentials {
                access_key: "id".to_owned(),
                secret_key: "s3cret".to_owned(),
                session_token: Some("t0ken".to_owned()),
            }),
            region: Some("eu-west-1".to_owned()),
            ..BucketAccess::default()
        },
        request_timeout: Duration::from_secs(20),
        ..ObjectsSettings::new("s3://bucket/some/prefix")
    }
}

fn stored() -> Reply {
    let mut reply = Reply::new(200, "");
    reply.headers.push(("etag", "\"e\"".to_owned()));
    reply
}

fn error(status: u16, code: &str) -> Reply {
    Reply::new(status, format!("<Error><Code>{code}</Code><Message>in its own words</Message></Error>"))
}

/// One event, into a server that answers so.
async fn delivered(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Receipt, SinkError> {
    let double = Double::start(move |_| reply()).await;
    ObjectsSink::start(settings(&double)).unwrap().deliver(&batch("p", events([0]))).await
}

#[tokio::test]
async fn an_object_is_put_signed_under_its_prefix_and_only_where_there_is_none() {
    for conditional_put in [true, false] {
        let double = Double::start(|_| stored()).await;
        let settings = ObjectsSettings { conditional_put, ..settings(&double) };
        ObjectsSink::start(settings).unwrap().deliver(&batch("p", events([0]))).await.unwrap();
        let received = double.received();
        let [put] = &received[..] else { panic!("{received:?}") };
        assert_eq!(put.method, "PUT");
        assert!(put.path.starts_with("/bucket/some/prefix/1970/1/1/0/weir_"), "{}", put.path);
        assert_eq!(put.header("if-none-match"), conditional_put.then_some("*"));
        assert_eq!(put.header("content-length"), Some(put.body.len().to_string().as_str()));
        assert_eq!(put.header("x-amz-security-token"), Some("t0ken"));
        let signature = put.header("authorization").unwrap();
        assert!(signature.contains("Credential=id/") && signature.contains("/eu-west-1/s3/"), "{signature}");
        assert!(!format!("{:?}", put.headers).contains("s3cret"));
    }
}

#[tokio::test]
async fn what_is_there_already_is_a_duplicate() {
    let receipt = delivered(|| error(412, "PreconditionFailed")).await.unwrap();
    assert_eq!((receipt.duplicates, receipt.exceptions), (1, Vec::new()));
}

#[tokio::test]
async fn a_server_that_is_busy_is_left_alone_for_as_long_as_it_says() {
    let busy = || {
        let mut reply = error(503, "SlowDown");
        reply.headers.push(("retry-after", "7".to_owned()));
        reply
    };
    let Err(SinkError::Retry { cause, after }) = delivered(busy).await else { panic!("it is busy") };
    assert_eq!(after, Some(Duration::from_secs(7)));
    assert!(cause.to_string().contains("503: SlowDown: in its own words"), "{cause}");
}

#[tokio::test]
async fn a_conflict_of_two_attempts_is_tried_again_and_no_duplicate() {
    let result = delivered(|| error(409, "ConditionalRequestConflict")).await;
    assert!(matches!(result, Err(SinkError::Retry { .. })), "{result:?}");
}

#[tokio::test]
async fn a_server_without_conditional_puts_says_which_setting_helps() {
    let result = delivered(|| error(501, "NotImplemented")).await;
    let Err(SinkError::Blocked { cause }) = result else { panic!("{result:?}") };
    assert!(cause.to_string().contains("conditional_put = false"), "{cause}");
}

#[tokio::test]
async fn an_object_that_is_too_large_is_refused_so_that_it_is_divided() {
    let result = delivered(|| error(400, "EntityTooLarge")).await;
    assert!(matches!(result, Err(SinkError::Refused(_))), "{result:?}");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    let cut = || {
        let mut reply = error(403, "AccessDenied");
        reply.cut_after_bytes = Some(10);
        reply
    };
    let result = delivered(cut).await;
    assert!(matches!(result, Err(SinkError::Retry { .. })), "{result:?}");
}

#[tokio::test]
async fn nobody_at_the_address_is_tried_again() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let double = Double::start(|_| stored()).await;
    let mut settings = settings(&double);
    settings.access.endpoint = Some(format!("http://127.0.0.1:{port}"));
    let result = ObjectsSink::start(settings).unwrap().deliver(&batch("p", events([0]))).await;
    let Err(SinkError::Retry { cause, .. }) = result else { panic!("{result:?}") };
    assert!(cause.to_string().contains("is away"), "{cause}");
}

#[tokio::test]
async fn a_server_that_never_answers_holds_nothing_up_for_longer_than_the_limit() {
    let double = Double::start(|_| Reply { silent: true, ..stored() }).await;
    let settings = ObjectsSettings { request_timeout: Duration::from_millis(200), ..settings(&double) };
    let sink = ObjectsSink::start(settings).unwrap();
    for result in [sink.deliver(&batch("p", events([0]))).await.map(drop), sink.check().await] {
        let Err(SinkError::Retry { cause, .. }) = result else { panic!("{result:?}") };
        assert!(cause.to_string().contains("was not done within 200ms"), "{cause}");
    }
}

#[tokio::test]
async fn of_a_delivery_that_cannot_be_done_in_time_what_was_done_counts() {
    // Of the hours of one day, the server never answers for one.
    let double =
        Double::start(|request| Reply { silent: request.path.contains("/1/1/5/"), ..stored() }).await;
    let settings = ObjectsSettings { request_timeout: Duration::from_secs(2), ..settings(&double) };
    let hours = batch("p", events((0..24).map(|hour| hour * 3_600)));
    let receipt = ObjectsSink::start(settings).unwrap().deliver(&hours).await.unwrap();
    let [exception] = &receipt.exceptions[..] else { panic!("{receipt:?}") };
    assert_eq!(exception.index, 5);
    assert!(matches!(exception.verdict, Verdict::Retry(_)), "{exception:?}");
}
