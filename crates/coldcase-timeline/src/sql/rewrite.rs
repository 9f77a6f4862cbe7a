//! A query brought into the form that the engine takes: times of RFC 3339 in comparisons with columns of times, and
//! subqueries of FROM and WITH as steps of their own, since functions beside the engine's own are known only there.

use std::ops::ControlFlow;

use chrono::SecondsFormat;
use coldcase_model::Timestamp;
use sqlparser::ast::{
    Expr, Ident, Query, SetExpr, Statement, TableFactor, Value, VisitMut as _, VisitorMut,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

/// Columns of times, in any table.
const TIMES: [&str; 4] = ["ts", "ts_end", "first", "last"];

/// Writes times with an offset the way the engine reads them in comparisons: UTC without an offset.
pub(super) fn times(query: &mut Query) {
    let _ = query.visit(&mut Times);
}

/// Takes `WITH` and the subqueries of `FROM` out of a query: names and queries, in the order in which they must be
/// run. What can't be taken out stays.
pub(super) fn steps(query: &mut Query) -> Vec<(String, String)> {
    let mut steps = Steps(Vec::new());
    let takes = |with: &sqlparser::ast::With| {
        let plain = |cte: &sqlparser::ast::Cte| cte.alias.columns.is_empty() && cte.from.is_none();
        !with.recursive && with.cte_tables.iter().all(plain)
    };
    if query.with.as_ref().is_some_and(takes) {
        let with = query.with.take();
        for mut cte in with.into_iter().flat_map(|with| with.cte_tables) {
            let _ = cte.query.visit(&mut steps);
            let name = cte.alias.name.value.clone();
            steps.0.push((name, cte.query.to_string()));
        }
    }
    let _ = query.visit(&mut steps);
    steps.0
}

struct Times;

impl VisitorMut for Times {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::BinaryOp { left, right, .. } => {
                if is_time(left) {
                    utc(right);
                }
                if is_time(right) {
                    utc(left);
                }
            }
            Expr::Between {
                expr, low, high, ..
            } if is_time(expr) => {
                utc(low);
                utc(high);
            }
            Expr::InList { expr, list, .. } if is_time(expr) => list.iter_mut().for_each(utc),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_time(expr: &Expr) -> bool {
    let named = |name: &Ident| TIMES.contains(&name.value.as_str());
    match expr {
        Expr::Identifier(name) => named(name),
        Expr::CompoundIdentifier(names) => names.last().is_some_and(named),
        Expr::Nested(inner) => is_time(inner),
        _ => false,
    }
}

fn utc(expr: &mut Expr) {
    let Expr::Value(value) = expr else {
        return;
    };
    if let Value::SingleQuotedString(text) = &mut value.value
        && let Some(at) = Timestamp::parse_rfc3339(text)
    {
        let at = at.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true);
        *text = at.trim_end_matches('Z').replace('T', " ");
    }
}

struct Steps(Vec<(String, String)>);

impl VisitorMut for Steps {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Derived {
            lateral: false,
            subquery,
            alias: Some(alias),
            sample: None,
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        let name = format!("step {}", self.0.len());
        let text = subquery.to_string();
        if alias.columns.is_empty()
            && let Some(table) = table(&name, &alias.name)
        {
            *factor = table;
            self.0.push((name, text));
        }
        ControlFlow::Continue(())
    }
}

/// `"name" AS alias`.
fn table(name: &str, alias: &Ident) -> Option<TableFactor> {
    let sql = format!("SELECT 1 FROM \"{name}\" AS {alias}");
    let Statement::Query(query) = Parser::parse_sql(&GenericDialect {}, &sql).ok()?.pop()? else {
        return None;
    };
    match *query.body {
        SetExpr::Select(mut select) => select.from.pop().map(|from| from.relation),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(sql: &str) -> Query {
        match Parser::parse_sql(&GenericDialect {}, sql).map(|mut all| all.pop()) {
            Ok(Some(Statement::Query(query))) => *query,
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn times_with_an_offset_become_utc_where_a_time_is_compared() {
        let check = |sql: &str, expected: &str| {
            let mut query = query(sql);
            times(&mut query);
            assert_eq!(query.to_string(), expected);
        };
        check(
            "SELECT 1 FROM t WHERE ts >= '2023-05-01T08:00:00+08:00' AND '2023-05-01T00:00:01.5Z' > t.ts_end",
            "SELECT 1 FROM t WHERE ts >= '2023-05-01 00:00:00.000000' AND '2023-05-01 00:00:01.500000' > t.ts_end",
        );
        let text =
            "SELECT 1 FROM t WHERE message = '2023-05-01T08:00:00+08:00' AND ts > '2023-05-01'";
        check(text, text);
    }

    #[test]
    fn subqueries_of_from_and_with_become_steps_inner_ones_first() {
        let mut query = query(
            "WITH a AS (SELECT x FROM (SELECT 1 AS x) AS b) SELECT x FROM (SELECT x FROM a) AS c",
        );
        let steps = steps(&mut query);
        let steps: Vec<_> = steps
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        assert_eq!(
            steps,
            [
                ("step 0", "SELECT 1 AS x"),
                ("a", "SELECT x FROM \"step 0\" AS b"),
                ("step 2", "SELECT x FROM a"),
            ]
        );
        assert_eq!(query.to_string(), "SELECT x FROM \"step 2\" AS c");
    }
}
