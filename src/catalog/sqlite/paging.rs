//! Prefixes, patterns and continuations.

use belfry_model::Tenant;
use sqlx::sqlite::SqliteRow;
use sqlx::{Encode, QueryBuilder, Sqlite, Type};

use super::SqliteCatalog;
use crate::Page;
use crate::error::{Error, Result};

/// The rows fetched for a page of `limit`: one more tells whether there is a next page.
pub(super) fn fetch_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

/// Cuts rows fetched with [`fetch_limit`] down to a page.
pub(super) fn page<T>(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    Page {
        next_after: items.last().filter(|_| more).map(cursor),
        items,
    }
}

impl SqliteCatalog {
    /// The page that an ordered query without its limit begins.
    pub(super) async fn fetch_page<T>(
        &self,
        mut query: QueryBuilder<Sqlite>,
        limit: usize,
        read: impl Fn(&SqliteRow) -> Result<T>,
        cursor: impl Fn(&T) -> String,
    ) -> Result<Page<T>> {
        query.push(" LIMIT ").push_bind(fetch_limit(limit));
        let rows = query.build().fetch_all(&self.readers).await?;
        let items = rows.iter().map(read).collect::<Result<_>>()?;
        Ok(page(items, limit, cursor))
    }
}

/// The rows of `table` that belong to a tenant, to be narrowed down.
pub(super) fn of_tenant(table: &'static str, tenant: &Tenant) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT * FROM ");
    query.push(table);
    query.push(" WHERE account = ").push_bind(&*tenant.account);
    query.push(" AND region = ").push_bind(&*tenant.region);
    query
}

/// Goes on behind the text `after` of a column, in its order.
pub(super) fn push_order_after(
    query: &mut QueryBuilder<Sqlite>,
    column: &'static str,
    after: Option<&str>,
) {
    if let Some(after) = after {
        query.push(" AND ").push(column);
        query.push(" > ").push_bind(after);
    }
    query.push(" ORDER BY ").push(column);
}

/// The smallest text that is greater than every text beginning with `prefix`; `None` if there
/// is none. UTF-8 sorts by code point, so the last character that has a successor counts.
pub(super) fn prefix_end(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            _ => char::from_u32(u32::from(last).saturating_add(1)),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// ` AND name` begins with `prefix`, as a range that an index on the name serves.
pub(super) fn push_prefix(query: &mut QueryBuilder<Sqlite>, prefix: &str) {
    query.push(" AND name >= ").push_bind(prefix);
    if let Some(end) = prefix_end(prefix) {
        query.push(" AND name < ").push_bind(end);
    }
}

/// `(a, b, c)` behind ` IN `.
pub(super) fn push_list<'t, T>(
    query: &mut QueryBuilder<Sqlite>,
    values: impl IntoIterator<Item = T>,
) where
    T: Encode<'t, Sqlite> + Type<Sqlite>,
{
    query.push("(");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}

/// The `LIKE` pattern, with `\` as its escape, that finds `substring` anywhere in a lower-case
/// text. Case folding is ASCII's: names of log groups consist of nothing else.
pub(super) fn substring_pattern(substring: &str) -> String {
    let mut pattern = String::with_capacity(substring.len().saturating_add(2));
    pattern.push('%');
    for c in substring.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}

/// Where a listing by number and text goes on: `<number> <text>`.
pub(super) fn numbered_cursor(number: i64, text: &str) -> String {
    format!("{number} {text}")
}

pub(super) fn parse_numbered_cursor(cursor: &str) -> Result<(i64, &str)> {
    cursor
        .split_once(' ')
        .and_then(|(number, text)| Some((number.parse().ok()?, text)))
        .ok_or_else(|| Error::InvalidCursor {
            cursor: cursor.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn prefix_end_separates(prefix: String, text: String, rest: String) {
            let extended = format!("{prefix}{rest}");
            match prefix_end(&prefix) {
                Some(end) => {
                    prop_assert!(extended < end);
                    let inside = text >= prefix && text < end;
                    prop_assert_eq!(inside, text.starts_with(&prefix));
                }
                None => prop_assert!(prefix.chars().all(|c| c == char::MAX)),
            }
        }

        #[test]
        fn numbered_cursor_survives(number: i64, text: String) {
            let cursor = numbered_cursor(number, &text);
            prop_assert_eq!(parse_numbered_cursor(&cursor).expect("own"), (number, &*text));
        }
    }

    #[test]
    fn prefix_end_steps_over_the_surrogates() {
        assert_eq!(prefix_end("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(prefix_end("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(prefix_end(""), None);
    }

    #[test]
    fn a_page_tells_whether_more_follows() {
        assert_eq!(
            page(vec![1, 2, 3], 2, ToString::to_string).next_after,
            Some("2".into())
        );
        assert_eq!(page(vec![1, 2], 2, ToString::to_string).next_after, None);
        assert_eq!(
            page(Vec::<i32>::new(), 0, ToString::to_string).next_after,
            None
        );
    }
}
