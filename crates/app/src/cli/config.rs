//! `weir config check` and `weir config show`

use serde_json::json;

use super::{Verdict, output};
use crate::config::{ConfigError, Problem, Request, load};

/// Tells everything that is wrong, and everything that should be known.
pub fn check(request: &Request, as_json: bool) -> anyhow::Result<Verdict> {
    let (problems, warnings) = match load(request) {
        Ok(configuration) => (Vec::new(), configuration.warnings),
        Err(ConfigError(problems)) => (problems, Vec::new()),
    };
    if as_json {
        let problems: Vec<_> = problems.iter().map(problem_json).collect();
        output::print_json(
            &json!({ "ok": problems.is_empty(), "problems": problems, "warnings": warnings }),
        )?;
        return Ok(if problems.is_empty() { Verdict::Well } else { Verdict::Wrong });
    }
    warnings.iter().for_each(|warning| output::note(&format!("warning: {warning}")));
    if problems.is_empty() {
        output::print("OK\n")?;
        return Ok(Verdict::Well);
    }
    output::note(&ConfigError(problems).to_string());
    Ok(Verdict::Wrong)
}

fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({
        "key": problem.key.to_string(),
        "origin": problem.origin.as_ref().map(ToString::to_string),
        "problem": problem.what,
        "remedy": problem.remedy,
    })
}

/// Prints the settings in force.
pub fn show(request: &Request, as_json: bool) -> anyhow::Result<Verdict> {
    let configuration = load(request)?;
    match as_json {
        true => output::print_json(&configuration.show_json())?,
        false => output::print(&configuration.show())?,
    }
    Ok(Verdict::Well)
}
