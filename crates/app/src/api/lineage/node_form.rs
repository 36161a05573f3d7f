//! A node, as it is written.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use weir_core::lineage::{Deed, Node, NodeFacts, Place, Trace};
use weir_core::time::Timestamp;

use super::text::{Id, Text, UuidOf};
use super::trace_form::user_of;

/// A file, a datum, a database or a receiver; in a picture, where it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Node)]
pub struct NodeForm<'a> {
    /// Its number, as text.
    #[schema(value_type = String)]
    id: Id,
    /// The same number, as a UUID.
    #[schema(value_type = String)]
    uuid: UuidOf,
    /// Its key.
    key: &'a str,
    /// Its other names.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    aliases: &'a [Box<str>],
    /// `file`, `data`, `db` or `process`.
    kind: &'static str,
    /// `dropped`, `became`, `expired`, `stored` or `open`: the first that holds.
    state: &'static str,
    /// Why it was dropped.
    reason: Option<&'a str>,
    /// Whether no more is known than that something names it.
    placeholder: bool,
    /// The user that a record about it named, else its trace's.
    user: Option<&'a str>,
    /// Whether the user is its trace's.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    user_of_trace: bool,
    /// When what happened to it first happened.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    times: Times<'a>,
    /// When it was dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    dropped_at: Option<Text<Timestamp>>,
    /// When it expired.
    #[schema(value_type = Option<String>)]
    expired_at: Option<Text<Timestamp>>,
    /// What else was told of it.
    #[schema(value_type = std::collections::BTreeMap<String, Object>)]
    attrs: Attrs<'a>,
    /// Its column in the picture; grows along every edge that does not lead back.
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<usize>,
    /// Its row.
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<f64>,
    /// For how many it stands, where siblings are folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    /// How many edges it is away from where the walk began.
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<usize>,
}

impl<'a> NodeForm<'a> {
    /// A node of this trace.
    pub fn of(node: &'a Node, trace: &'a Trace) -> Self {
        let facts = &node.facts;
        let own_user = facts.user.value().map(|user| &**user);
        let user = own_user.or_else(|| user_of(trace));
        Self {
            id: Id(node.id),
            uuid: UuidOf(node.id),
            key: node.key(),
            aliases: node.aliases(),
            kind: node.kind().as_str(),
            state: node.state().as_str(),
            reason: node.reason(),
            placeholder: node.is_placeholder(),
            user,
            user_of_trace: own_user.is_none() && user.is_some(),
            times: Times(facts),
            dropped_at: facts.dropped.moment().map(Text),
            expired_at: facts.deeds.first(Deed::Expired).map(Text),
            attrs: Attrs(facts),
            x: None,
            y: None,
            count: None,
            distance: None,
        }
    }

    /// Where it stands in a picture.
    pub fn placed(self, Place { x, y }: Place) -> Self {
        Self { x: Some(x), y: Some(y), ..self }
    }

    /// For how many it stands.
    pub fn counted(self, count: Option<usize>) -> Self {
        Self { count, ..self }
    }

    /// How far it is from where the walk began.
    pub fn away(self, distance: usize) -> Self {
        Self { distance: Some(distance), ..self }
    }
}

/// When what happened first happened, by what it is.
struct Times<'a>(&'a NodeFacts);

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.deeds.all().map(|(deed, at)| (deed.as_str(), Text(at))))
    }
}

/// What else was told, by its name.
struct Attrs<'a>(&'a NodeFacts);

impl Serialize for Attrs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = self.0.attrs.iter().filter_map(|(name, value)| Some((name, value.value()?)));
        serializer.collect_map(told.filter(|(_, value)| !value.is_null()))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_false(flag: &bool) -> bool {
    !flag
}
