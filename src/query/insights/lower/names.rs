//! The discovered fields that a query can ask for: every name in it. More than are used does no
//! harm, since only columns in use are read.

use std::collections::BTreeSet;
use std::sync::Arc;

use belfry_lang::insights::{Command, Expr, ExprKind, FieldPath, Query};

pub(super) fn of_query(query: &Query) -> BTreeSet<Arc<str>> {
    let mut names = BTreeSet::new();
    for stage in &query.stages {
        of_command(&stage.command, &mut names);
    }
    names
}

fn of_command(command: &Command, names: &mut BTreeSet<Arc<str>>) {
    match command {
        Command::Fields(c) => c.items.iter().for_each(|i| of_expr(&i.expr, names)),
        Command::Display(c) => c.items.iter().for_each(|i| of_expr(&i.expr, names)),
        Command::Filter(c) => of_expr(&c.condition, names),
        Command::Parse(c) => c.source.iter().for_each(|e| of_expr(e, names)),
        Command::Sort(c) => c.keys.iter().for_each(|k| of_expr(&k.expr, names)),
        Command::Stats(c) => {
            let items = c.items.iter().chain(&c.by);
            items.for_each(|i| of_expr(&i.expr, names));
        }
        Command::Unnest(c) => of_expr(&c.list, names),
        Command::Accum(c) => of_path(&c.field, names),
        Command::AutoRegress(c) => of_path(&c.field, names),
        Command::FillDown(c) => {
            names.extend(
                c.columns
                    .iter()
                    .map(|column| Arc::from(column.text.as_str())),
            );
        }
        Command::Expand(c) => of_path(&c.field, names),
        Command::CountFrequent(c) => c.fields.iter().for_each(|f| of_path(f, names)),
        Command::Dedup(c) => c.fields.iter().for_each(|f| of_path(f, names)),
        _ => {}
    }
}

fn of_expr(expr: &Expr, names: &mut BTreeSet<Arc<str>>) {
    if let ExprKind::Field(path) = &expr.kind {
        of_path(path, names);
    }
    for child in expr.children() {
        of_expr(child, names);
    }
}

fn of_path(path: &FieldPath, names: &mut BTreeSet<Arc<str>>) {
    names.insert(Arc::from(path.name()));
}
