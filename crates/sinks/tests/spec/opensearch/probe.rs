//! Reads the documents back by search, their JSON as the text that the store kept.

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use weir_core::event::EventId;
use weir_core::testkit::sink::{Columns, Probe};

use crate::opensearch::server::Server;

pub struct OpenSearchProbe<'a> {
    pub server: &'a Server,
    /// The indices to look into.
    pub indices: &'a str,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    hits: Hits<'a>,
}

#[derive(Deserialize)]
struct Hits<'a> {
    #[serde(borrow)]
    hits: Vec<Hit<'a>>,
}

#[derive(Deserialize)]
struct Hit<'a> {
    _id: String,
    #[serde(borrow)]
    _source: Source<'a>,
}

#[derive(Deserialize)]
struct Source<'a> {
    user_id: Option<String>,
    device_uuid: Option<String>,
    app_version: Option<String>,
    os_version: Option<String>,
    user_agent: Option<String>,
    client_ip: Option<String>,
    #[serde(borrow, default)]
    event_info: Info<'a>,
    log_id: Option<String>,
    stream: String,
    occurred_at: String,
    received_at: String,
    #[serde(borrow)]
    extra: Option<&'a RawValue>,
    #[serde(borrow)]
    extra_unindexed: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Info<'a> {
    page: Option<String>,
    event: Option<String>,
    label: Option<String>,
    target: Option<String>,
    section: Option<String>,
    #[serde(borrow)]
    param: Option<&'a RawValue>,
    #[serde(borrow)]
    param_unindexed: Option<&'a RawValue>,
}

impl Source<'_> {
    fn columns(self) -> Columns {
        let text = |json: Option<&RawValue>| json.map(|json| json.get().to_owned());
        let info = self.event_info;
        Columns {
            stream: self.stream,
            log_id: self.log_id,
            page: info.page,
            event: info.event,
            label: info.label,
            target: info.target,
            section: info.section,
            param: text(info.param.or(info.param_unindexed)),
            user_id: self.user_id,
            device_uuid: self.device_uuid,
            app_version: self.app_version,
            os_version: self.os_version,
            user_agent: self.user_agent,
            client_ip: self.client_ip,
            occurred_at: self.occurred_at,
            received_at: self.received_at,
            extra: text(self.extra.or(self.extra_unindexed)),
        }
    }
}

#[async_trait]
impl Probe for OpenSearchProbe<'_> {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        let text = self.server.search(self.indices, json!({ "match_all": {} })).await;
        let answer: Answer<'_> = serde_json::from_str(&text).unwrap();
        let hits = answer.hits.hits.into_iter();
        hits.map(|hit| (EventId::parse(&hit._id).unwrap(), hit._source.columns())).collect()
    }

    /// The store takes no member twice, and says so itself.
    fn refused_body(&self) -> Bytes {
        Bytes::from_static(br#"{"page":"p","event":"e","param":{"a":1,"a":2}}"#)
    }
}
