//! What is asked, each within one transaction of whoever calls.

use weir_core::lineage::{
    Direction, GraphPart, Node, PageLimits, RecordChoice, RecordPage, RecordPlace, Trace, TraceFilter,
    TracePage, WalkLimits, WholeGraph,
};
use weir_core::row_id;

use super::reading::{self, Choice, NameReader};
use super::row::TraceRow;
use super::tables::Tables;
use super::{digest, key_runs};

/// A page of traces ends when so many were looked at, however few were meant.
const SCAN_MAX_TRACES: usize = 20_000;
const ROWS_AT_ONCE: usize = 1_000;

pub fn trace<T: Tables>(tables: &mut T, name: &str) -> Result<Option<Trace>, T::Error> {
    let by_id = match row_id::read(name) {
        Some(id) => tables.trace_of_id(id)?,
        None => None,
    };
    let row = match by_id {
        Some(row) => Some(row),
        None => tables.trace_of_key(name)?,
    };
    row.map(|row| told(tables, row)).transpose()
}

pub fn traces<T: Tables>(
    tables: &mut T,
    filter: &TraceFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<TracePage, T::Error> {
    let (mut page, mut looked_at) = (TracePage::default(), 0);
    let mut before = before.unwrap_or(i64::MAX);
    loop {
        let rows = tables.traces_below(before, filter.user.as_deref(), limit.clamp(1, ROWS_AT_ONCE))?;
        if rows.is_empty() {
            return Ok(page);
        }
        for row in rows {
            if page.traces.len() == limit || looked_at == SCAN_MAX_TRACES {
                page.next = Some(before);
                return Ok(page);
            }
            (before, looked_at) = (row.id, looked_at + 1);
            let trace = at_a_glance(row);
            if filter.takes(&trace) {
                page.traces.push(with_missing(tables, trace)?);
            }
        }
    }
}

pub fn graph<T: Tables>(tables: &mut T, trace: i64, nodes_max: usize) -> Result<WholeGraph, T::Error> {
    match tables.trace_of_id(trace)? {
        Some(row) => reading::graph(tables, &row, nodes_max),
        None => Ok(WholeGraph::default()),
    }
}

pub fn part<T: Tables>(
    tables: &mut T,
    node: i64,
    direction: Direction,
    limits: WalkLimits,
) -> Result<Option<GraphPart>, T::Error> {
    let Some((trace, number)) = name_of_id(tables, node)? else { return Ok(None) };
    reading::part(tables, trace, number, direction, limits).map(Some)
}

pub fn nodes<T: Tables>(
    tables: &mut T,
    name: &str,
    trace: Option<i64>,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<(i64, Node)>, T::Error> {
    let wanted = |id: i64| trace.is_none_or(|trace| trace == id) && after.is_none_or(|after| id > after);
    if let Some(id) = row_id::read(name)
        && let Some((trace, number)) = name_of_id(tables, id)?
    {
        let found = (trace, node(tables, trace, number)?);
        return Ok(Some(found).filter(|(trace, _)| wanted(*trace) && limit > 0).into_iter().collect());
    }
    let (mut found, mut after) = (Vec::new(), after);
    while found.len() < limit {
        let traces = match trace {
            Some(trace) => Some(trace).filter(|trace| wanted(*trace)).into_iter().collect(),
            None => key_runs::find(tables, digest(name), after, limit)?,
        };
        let Some(last) = traces.last() else { break };
        after = Some(*last);
        for trace in traces.iter().take(limit - found.len()) {
            if let Some(number) = reading::number_of_name(tables, *trace, name)? {
                found.push((*trace, node(tables, *trace, number)?));
            }
        }
        if trace.is_some() {
            break;
        }
    }
    Ok(found)
}

pub fn records<T: Tables>(
    tables: &mut T,
    trace: i64,
    choice: RecordChoice,
    after: Option<&RecordPlace>,
    limits: PageLimits,
) -> Result<RecordPage, T::Error> {
    let Some(row) = tables.trace_of_id(trace)? else { return Ok(RecordPage::default()) };
    let numbers = match choice.node {
        None => None,
        Some(node) => match name_of_id(tables, node)? {
            Some((of, number)) if of == trace => {
                let mut names = NameReader::new(trace);
                let root = names.root(tables, number)?;
                Some(names.numbers(tables, root)?)
            }
            _ => return Ok(RecordPage::default()),
        },
    };
    reading::records(tables, &row, Choice::new(choice, numbers), after.map(Vec::as_slice), limits)
}

fn node<T: Tables>(tables: &mut T, trace: i64, number: u32) -> Result<Node, T::Error> {
    let mut names = NameReader::new(trace);
    let root = names.root(tables, number)?;
    names.node(tables, root)
}

/// The trace and number of the name that has this number among all.
fn name_of_id<T: Tables>(tables: &mut T, id: i64) -> Result<Option<(i64, u32)>, T::Error> {
    let Some(given) = tables.names_given(id)? else { return Ok(None) };
    let number = reading::number_of_id(tables, &given, id)?;
    Ok(number.map(|number| (given.trace, number)))
}

/// The greatest number that was given to a trace or a name: the latest ones have it.
pub fn greatest_id<T: Tables>(tables: &mut T) -> Result<Option<i64>, T::Error> {
    let newest = tables.traces_below(i64::MAX, None, 1)?;
    let of_trace = newest.first().map(|row| row.id);
    let of_name = match tables.names_given(i64::MAX)? {
        Some(names) => reading::greatest_id(tables, names.trace, names.first_number)?,
        None => None,
    };
    Ok(of_trace.max(of_name))
}

fn told<T: Tables>(tables: &mut T, row: TraceRow) -> Result<Trace, T::Error> {
    with_missing(tables, at_a_glance(row))
}

fn at_a_glance(row: TraceRow) -> Trace {
    Trace {
        id: row.id,
        key: row.key,
        facts: row.facts,
        records: row.records.unsigned_abs(),
        figures: row.figures,
        databases: row.databases.unsigned_abs(),
        missing: Vec::new(),
        missing_more: 0,
    }
}

fn with_missing<T: Tables>(tables: &mut T, trace: Trace) -> Result<Trace, T::Error> {
    let (missing, missing_more) = reading::missing(tables, trace.id)?;
    Ok(Trace { missing, missing_more, ..trace })
}
