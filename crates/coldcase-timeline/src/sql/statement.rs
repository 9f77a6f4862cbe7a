//! What a query is: whether it only reads, which tables it asks, and whether it leaves the order of its rows open.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Expr, GroupByExpr, ObjectName, OrderByKind, Query, Select, SelectItem, SetExpr,
    TableFactor, Visit as _, Visitor,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::{SqlError, rewrite};

/// Functions that make one value of many rows.
const AGGREGATES: [&str; 26] = [
    "avg",
    "corr",
    "count",
    "covar",
    "covar_pop",
    "covar_samp",
    "first",
    "group_concat",
    "last",
    "listagg",
    "max",
    "median",
    "min",
    "quantile_cont",
    "quantile_disc",
    "stddev",
    "stdev",
    "stddev_samp",
    "stdev_samp",
    "string_agg",
    "sum",
    "total",
    "var",
    "variance",
    "var_samp",
    "array_agg",
];
/// Functions whose value depends on the order of rows.
const BY_ORDER: [&str; 6] = [
    "first",
    "last",
    "listagg",
    "group_concat",
    "string_agg",
    "array_agg",
];

pub(super) enum Statement {
    Tables,
    Columns(String),
    Query(Box<Asked>),
}

/// A query and what is known of it.
pub(super) struct Asked {
    query: Query,
    /// Queries to run before, each under a name.
    pub(super) steps: Vec<(String, String)>,
    /// Tables that are no names of the query's own.
    pub(super) tables: Vec<String>,
    /// Whether the timeline's rows must come in order for the answer to be always the same.
    pub(super) needs_order: bool,
    /// Whether rows may come in any order: groups, joins, and rows that are alike in what they are ordered by.
    pub(super) is_order_open: bool,
}

impl Statement {
    pub(super) fn parse(sql: &str) -> Result<Self, SqlError> {
        let syntax = |error: sqlparser::parser::ParserError| {
            let text = error.to_string();
            SqlError::Syntax(text.trim_start_matches("sql parser error: ").to_owned())
        };
        let mut statements = Parser::parse_sql(&GenericDialect {}, sql).map_err(syntax)?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            return Err(SqlError::Syntax("give one statement".to_owned()));
        };
        match statement {
            ast::Statement::ShowTables { .. } => Ok(Self::Tables),
            ast::Statement::ShowColumns { show_options, .. } => {
                let table = show_options.show_in.and_then(|inside| inside.parent_name);
                table
                    .map(|table| Self::Columns(name(&table)))
                    .ok_or_else(|| {
                        SqlError::Syntax(
                            "say of which table: SHOW COLUMNS FROM timeline".to_owned(),
                        )
                    })
            }
            ast::Statement::ExplainTable { table_name, .. } => Ok(Self::Columns(name(&table_name))),
            ast::Statement::Query(query) => {
                Asked::of(*query).map(|asked| Self::Query(Box::new(asked)))
            }
            _ => Err(SqlError::NotReading),
        }
    }
}

impl Asked {
    fn of(mut query: Query) -> Result<Self, SqlError> {
        let mut looker = Looker::default();
        let _ = query.visit(&mut looker);
        if looker.writes {
            return Err(SqlError::NotReading);
        }
        let tables: Vec<String> = looker.tables.difference(&looker.own).cloned().collect();
        let inner_limits = looker.limits > usize::from(query.limit_clause.is_some());
        let is_plain = is_plain(&query, &tables);
        let is_ordered = query.order_by.is_some();
        let needs_order = looker.by_order || inner_limits || (is_plain && !is_ordered);
        let is_order_open = !is_one_row(&query) && (is_ordered || !is_plain);
        rewrite::times(&mut query);
        Ok(Self {
            steps: rewrite::steps(&mut query),
            query,
            tables,
            needs_order,
            is_order_open,
        })
    }

    pub(super) fn text(&self) -> String {
        self.query.to_string()
    }

    /// The query with the rest of its order by the columns of its answer (name, and whether it can be ordered by).
    pub(super) fn text_ordered(&self, columns: &[(&str, bool)]) -> Option<String> {
        let explicit = match self.query.body.as_ref() {
            SetExpr::Select(select) => select.projection.iter().all(|item| {
                matches!(
                    item,
                    SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }
                )
            }),
            _ => false,
        };
        let keys = columns
            .iter()
            .enumerate()
            .filter(|(_, (_, sortable))| *sortable);
        let keys = keys.map(|(index, (name, _))| {
            if explicit {
                (index + 1).to_string()
            } else {
                format!("\"{}\"", name.replace('"', "\"\""))
            }
        });
        let keys: Vec<String> = keys.collect();
        let mut query = self.query.clone();
        let mut more = order_by(&keys)?;
        match query.order_by.as_mut().map(|order| &mut order.kind) {
            None => query.order_by = order_by(&keys),
            Some(OrderByKind::Expressions(own)) => match &mut more.kind {
                OrderByKind::Expressions(more) => own.append(more),
                OrderByKind::All(_) => return None,
            },
            Some(OrderByKind::All(_)) => return None,
        }
        Some(query.to_string())
    }
}

/// Whether it sums all rows up.
fn is_one_row(query: &Query) -> bool {
    match query.body.as_ref() {
        SetExpr::Select(select) => !is_grouped(select) && has_aggregate(select),
        _ => false,
    }
}

/// Whether it asks one table of the case, and gives its rows as they are.
fn is_plain(query: &Query, tables: &[String]) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let [from] = select.from.as_slice() else {
        return false;
    };
    let base = match &from.relation {
        TableFactor::Table { name: table, .. } => tables.contains(&name(table)),
        _ => false,
    };
    base && from.joins.is_empty() && !is_grouped(select) && !has_aggregate(select)
}

fn order_by(keys: &[String]) -> Option<ast::OrderBy> {
    let sql = format!("SELECT 1 ORDER BY {}", keys.join(", "));
    match Parser::parse_sql(&GenericDialect {}, &sql).ok()?.pop()? {
        ast::Statement::Query(query) => query.order_by,
        _ => None,
    }
}

fn is_grouped(select: &Select) -> bool {
    let grouped = match &select.group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(keys, _) => !keys.is_empty(),
    };
    grouped || select.distinct.is_some() || select.having.is_some()
}

fn has_aggregate(select: &Select) -> bool {
    let mut looker = Looker::default();
    for item in &select.projection {
        let _ = item.visit(&mut looker);
    }
    looker.aggregates
}

fn name(name: &ObjectName) -> String {
    let last = name.0.last().and_then(|part| part.as_ident());
    last.map_or_else(|| name.to_string(), |part| part.value.clone())
}

/// Gathers what is said anywhere in a query.
#[derive(Default)]
struct Looker {
    tables: BTreeSet<String>,
    /// Names that the query gives itself (`WITH name AS`).
    own: BTreeSet<String>,
    aggregates: bool,
    by_order: bool,
    writes: bool,
    limits: usize,
}

impl Visitor for Looker {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.own.insert(table.alias.name.value.clone());
        }
        self.limits += usize::from(query.limit_clause.is_some());
        self.writes |= matches!(
            query.body.as_ref(),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
        );
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.tables.insert(name(relation));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            let name = name(&function.name).to_ascii_lowercase();
            self.by_order |= function.over.is_some() || BY_ORDER.contains(&name.as_str());
            self.aggregates |= function.over.is_none() && AGGREGATES.contains(&name.as_str());
        }
        ControlFlow::Continue(())
    }
}
