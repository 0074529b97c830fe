//! Which columns come back (spec logs-insights.md 6.3).

use super::scope::Scope;

/// The columns of the result, as far as the commands so far decide them.
#[derive(Debug, Default)]
pub(super) struct OutputColumns {
    /// Of the last command that makes rows of its own shape.
    shaped: Option<Vec<String>>,
    /// Of the last `display` since.
    display: Option<Vec<String>>,
    /// Of all `fields`.
    fields: Vec<String>,
    /// Made by `parse` and its kin, in order of creation.
    created: Vec<String>,
}

impl OutputColumns {
    pub fn add_fields(&mut self, names: impl Iterator<Item = String>) {
        for name in names {
            // Columns that come after a shape are part of it, in order of creation.
            let list = self.shaped.as_mut().unwrap_or(&mut self.fields);
            push_new(list, name);
        }
    }

    pub fn add_created(&mut self, names: impl Iterator<Item = String>) {
        for name in names {
            let list = self.shaped.as_mut().unwrap_or(&mut self.created);
            push_new(list, name);
        }
    }

    pub fn set_display(&mut self, names: Vec<String>) {
        let mut distinct = Vec::with_capacity(names.len());
        for name in names {
            push_new(&mut distinct, name);
        }
        self.display = Some(distinct);
    }

    /// Rows of a new shape: earlier displays have no effect.
    pub fn set_shape(&mut self, names: Vec<String>) {
        self.shaped = Some(names);
        self.display = None;
    }

    pub fn names(&self, scope: &Scope) -> Vec<String> {
        if let Some(display) = &self.display {
            return display.clone();
        }
        if let Some(shaped) = &self.shaped {
            return shaped.clone();
        }
        let mut names = self.fields.clone();
        if names.is_empty() && scope.events {
            names = vec!["@timestamp".to_owned(), "@message".to_owned()];
        }
        for name in &self.created {
            push_new(&mut names, name.clone());
        }
        names
    }
}

fn push_new(list: &mut Vec<String>, name: String) {
    if !list.contains(&name) {
        list.push(name);
    }
}
