//! What the store understands: OpenSearch and Elasticsearch differ, and so do their versions.

use serde::Deserialize;
use weir_core::sink::SinkError;

use super::answer::whole;
use super::http::{Http, Request};

/// What the store understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// How an object of unknown members is mapped so that it can be searched.
    pub objects: Objects,
    /// `_index_template` is known; before Elasticsearch 7.8 there was `_template` alone.
    pub composable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objects {
    /// OpenSearch. Before 2.18 it failed on nulls and could loop for ever on arrays.
    FlatObject,
    /// Elasticsearch.
    Flattened,
    /// Kept, not searched; every store can do that.
    Disabled,
}

#[derive(Deserialize)]
struct Greeting {
    version: Version,
}

#[derive(Deserialize)]
struct Version {
    number: String,
    distribution: Option<String>,
}

impl Dialect {
    /// Asks the store what it is. One that will not say is taken for the simplest.
    pub async fn ask(http: &Http) -> Result<Self, SinkError> {
        let answer = http.send(Request::get(&[])).await?;
        match answer.status.as_u16() {
            200 => Ok(serde_json::from_slice(&answer.body)
                .map_or(Self::UNKNOWN, |greeting: Greeting| Self::of(&greeting.version))),
            403 | 404 => Ok(Self::UNKNOWN),
            _ => Err(whole(&answer, http.address())),
        }
    }

    const UNKNOWN: Self = Self { objects: Objects::Disabled, composable: true };

    fn of(version: &Version) -> Self {
        let mut numbers = version.number.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
        let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        match version.distribution.as_deref() {
            Some("opensearch") if number >= (2, 18) => Self { objects: Objects::FlatObject, ..Self::UNKNOWN },
            Some(_) => Self::UNKNOWN,
            None if number >= (7, 8) => Self { objects: Objects::Flattened, ..Self::UNKNOWN },
            None => Self { composable: false, ..Self::UNKNOWN },
        }
    }

    pub fn endpoint(self) -> &'static str {
        if self.composable { "_index_template" } else { "_template" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(number: &str, distribution: Option<&str>) -> Dialect {
        Dialect::of(&Version { number: number.to_owned(), distribution: distribution.map(str::to_owned) })
    }

    #[test]
    fn objects_are_searched_where_the_store_can_do_it_well() {
        let objects = |number, distribution| dialect(number, distribution).objects;
        assert_eq!(objects("2.19.1", Some("opensearch")), Objects::FlatObject);
        assert_eq!(objects("3.0.0-beta1", Some("opensearch")), Objects::FlatObject);
        assert_eq!(objects("2.17.0", Some("opensearch")), Objects::Disabled);
        assert_eq!(objects("1.3.20", Some("opensearch")), Objects::Disabled);
        assert_eq!(objects("7.17.0", None), Objects::Flattened);
        assert_eq!(objects("9.0.0", None), Objects::Flattened);
        assert_eq!(objects("nonsense", None), Objects::Disabled);
    }

    #[test]
    fn templates_are_composable_since_elasticsearch_7_8() {
        assert!(!dialect("7.7.1", None).composable);
        assert!(dialect("7.8.0", None).composable);
        assert!(dialect("1.0.0", Some("opensearch")).composable);
    }
}
