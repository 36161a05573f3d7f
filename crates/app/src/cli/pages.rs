//! Lists that the server gives page by page.

use reqwest::Method;
use serde_json::{Value, json};

use super::address::with_query;
use super::client::Client;
use super::readable::word;
use super::table::table;
use super::{Verdict, output};

/// What the server gives at once.
const PAGE_MAX: usize = 1000;

/// What was found, and whether that is all.
pub struct Found {
    items: Vec<Value>,
    /// Where there is more.
    cursor: Option<String>,
    limit: usize,
}

impl Found {
    /// Asks for so many at most.
    pub async fn of(
        client: &Client,
        path: &str,
        query: &[(&str, String)],
        limit: usize,
    ) -> anyhow::Result<Self> {
        let mut found = Self { items: Vec::new(), cursor: None, limit };
        while found.items.len() < limit {
            let mut query = query.to_vec();
            query.push(("limit", (limit - found.items.len()).min(PAGE_MAX).to_string()));
            query.extend(found.cursor.map(|cursor| ("cursor", cursor)));
            let page = client.ask(Method::GET, &with_query(path, &query), None).await?;
            found.items.extend(page["items"].as_array().cloned().unwrap_or_default());
            found.cursor = page["next"].as_str().map(str::to_owned);
            if found.cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// As JSON, or as a table of these members.
    pub fn tell(&self, columns: &[&str], json: bool) -> anyhow::Result<Verdict> {
        self.tell_as(|items| members(items, columns), json)
    }

    /// As JSON, or as this makes it.
    pub fn tell_as(&self, drawn: impl FnOnce(&[Value]) -> String, json: bool) -> anyhow::Result<Verdict> {
        if json {
            output::print_json(&json!({ "items": self.items, "next": self.cursor }))?;
            return Ok(Verdict::Well);
        }
        output::print(&drawn(&self.items))?;
        if self.cursor.is_some() {
            output::note(&format!("There are more than {}; --limit shows them.", self.limit));
        }
        Ok(Verdict::Well)
    }
}

/// A table of these members of each.
pub fn members(items: &[Value], columns: &[&str]) -> String {
    let header: Vec<String> = columns.iter().map(|column| column.replace('_', " ")).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let row = |item: &Value| columns.iter().map(|column| word(&item[column])).collect();
    table(&header, &items.iter().map(row).collect::<Vec<_>>())
}
