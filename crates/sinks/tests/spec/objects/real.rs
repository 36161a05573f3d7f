//! Against a real MinIO: the contract, objects in parts, and what it says when it will not.

use weir_core::sink::{Sink, SinkError};
use weir_core::testkit::sink::{batch, contract};
use weir_sinks::objects::{Compression, ObjectsSettings, ObjectsSink};
use weir_sinks::tls::TlsSettings;

use crate::objects::events;
use crate::objects::probe::{BucketProbe, lines};
use crate::objects::server::Server;

const SUITE: &str = "objects sink against a real MinIO";

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server() {
    let Some(server) = Server::start(SUITE).await else { return };
    it_keeps_the_contract_of_a_sink(&server).await;
    a_repeat_has_no_second_effect_with_and_without_conditions(&server).await;
    a_check_leaves_nothing_behind(&server).await;
    a_large_object_is_put_in_parts_and_repeated_without_effect(&server).await;
    an_object_says_what_it_is(&server).await;
    what_a_person_has_to_mend_is_told(&server).await;
    a_bucket_that_is_missing_is_told_and_delivered_to_once_it_is_there(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_by_tls_is_trusted_by_the_operators_own_certificate_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let Some(server) = Server::start_with_tls(SUITE, &certificate, &key).await else { return };
    let batch = batch("p", events([0]));
    let Err(SinkError::Blocked { cause }) =
        ObjectsSink::start(server.settings("tls")).unwrap().deliver(&batch).await
    else {
        panic!("nobody vouched for the server")
    };
    assert!(cause.to_string().contains("tls.ca"), "{cause}");
    let tls = TlsSettings { ca: Some(certificate), ..TlsSettings::default() };
    let mut settings = server.settings("tls");
    settings.access.tls = tls;
    let sink = ObjectsSink::start(settings).unwrap();
    assert_eq!(sink.deliver(&batch).await.unwrap().places.len(), 1);
    assert_eq!(server.objects("tls").await.len(), 1);
}

async fn it_keeps_the_contract_of_a_sink(server: &Server) {
    for compression in [Compression::None, Compression::Zstd] {
        let prefix = format!("contract/{compression:?}");
        let sink = ObjectsSink::start(ObjectsSettings { compression, ..server.settings(&prefix) }).unwrap();
        contract(&sink, &BucketProbe { server, prefix: &prefix }).await;
    }
}

async fn a_repeat_has_no_second_effect_with_and_without_conditions(server: &Server) {
    for conditional_put in [true, false] {
        let prefix = format!("repeat/{conditional_put}");
        let settings = ObjectsSettings { conditional_put, ..server.settings(&prefix) };
        let batch = batch("p", events([0, 1, 3_600]));
        let deliver = async || ObjectsSink::start(settings.clone()).unwrap().deliver(&batch).await.unwrap();
        assert_eq!(deliver().await.duplicates, 0);
        let before = server.objects(&prefix).await;
        let duplicates = if conditional_put { 3 } else { 0 };
        let receipt = deliver().await;
        assert_eq!(
            (receipt.duplicates, receipt.exceptions, receipt.places.len()),
            (duplicates, Vec::new(), 2)
        );
        assert_eq!(server.objects(&prefix).await, before);
        assert_eq!(before.len(), 2);
    }
}

async fn a_check_leaves_nothing_behind(server: &Server) {
    ObjectsSink::start(server.settings("checked")).unwrap().check().await.unwrap();
    assert!(server.objects("checked").await.is_empty());
}

async fn a_large_object_is_put_in_parts_and_repeated_without_effect(server: &Server) {
    let sink = ObjectsSink::start(server.settings("large")).unwrap();
    let mut records = events(0..40);
    for record in &mut records {
        record.event.body = format!(r#"{{"page":"{}","event":"e"}}"#, "x".repeat(1 << 20)).into();
    }
    let batch = batch("p", records);
    assert_eq!(sink.deliver(&batch).await.unwrap().duplicates, 0);
    let objects = server.objects("large").await;
    let [(name, body)] = objects.iter().collect::<Vec<_>>()[..] else { panic!("{:?}", objects.keys()) };
    assert_eq!((lines(name, body).len(), body.len() > 32 << 20), (40, true));
    assert_eq!(sink.deliver(&batch).await.unwrap().duplicates, 40);
}

async fn an_object_says_what_it_is(server: &Server) {
    for (compression, expected) in
        [(Compression::None, "application/x-ndjson"), (Compression::Gzip, "application/gzip")]
    {
        let prefix = format!("kind/{compression:?}");
        let sink = ObjectsSink::start(ObjectsSettings { compression, ..server.settings(&prefix) }).unwrap();
        sink.deliver(&batch("p", events([0]))).await.unwrap();
        let objects = server.objects(&prefix).await;
        let name = format!("{prefix}/{}", objects.keys().next().unwrap());
        assert_eq!(server.header(&name, "content-type").await, expected);
    }
}

async fn what_a_person_has_to_mend_is_told(server: &Server) {
    let told = async |change: fn(&mut ObjectsSettings)| {
        let mut settings = server.settings("blocked");
        change(&mut settings);
        let sink = ObjectsSink::start(settings).unwrap();
        let checked = sink.check().await.unwrap_err().to_string();
        let Err(SinkError::Blocked { cause }) = sink.deliver(&batch("p", events([0]))).await else {
            panic!("it cannot be delivered: {checked}")
        };
        assert!(!format!("{checked} {cause:#}").contains("s3cret"), "{cause:#}");
        (checked, cause.to_string())
    };
    let key =
        told(|settings| settings.access.credentials.as_mut().unwrap().access_key = "nobody".to_owned()).await;
    let secret =
        told(|settings| settings.access.credentials.as_mut().unwrap().secret_key = "s3cret".to_owned()).await;
    let bucket = told(|settings| settings.url = "s3://no-such-bucket/x".to_owned()).await;
    for ((checked, delivered), word) in
        [(key, "`access_key`"), (secret, "`secret_key`"), (bucket, "make the bucket")]
    {
        assert!(checked.contains(word), "{checked}");
        assert!(delivered.contains(word), "{delivered}");
    }
}

async fn a_bucket_that_is_missing_is_told_and_delivered_to_once_it_is_there(server: &Server) {
    let bucket = format!("later-{}", server.bucket());
    let settings = ObjectsSettings { url: format!("s3://{bucket}"), ..server.settings("") };
    let sink = ObjectsSink::start(settings).unwrap();
    let batch = batch("p", events([0]));
    assert!(matches!(sink.deliver(&batch).await, Err(SinkError::Blocked { .. })));
    server.make_bucket(&bucket).await;
    assert_eq!(sink.deliver(&batch).await.unwrap().duplicates, 0);
}
