//! Where a listing continues: tokens as operations take and give them.

use belfry_model::time::DAY_MS;
use belfry_wire::errors::{self, ApiError};

use crate::operation::Call;
use crate::page_token::PageScope;
use crate::services::Services;

/// Spec logs-semantics.md 1: tokens expire after 24 hours, unless an operation says otherwise.
const LIFETIME_MS: i64 = DAY_MS;

/// How many items a page has: as many as asked for, within what the constraints of the operation
/// allow, or `usual`.
pub fn page_size(asked: Option<i32>, usual: usize) -> usize {
    asked
        .and_then(|asked| usize::try_from(asked).ok())
        .unwrap_or(usual)
}

/// The tokens of one call: they open for the same operation, tenant and filter only.
pub struct Pages<'a> {
    services: &'a Services,
    call: &'a Call,
    operation: &'static str,
    /// What decides which items are listed, as one text.
    filter: String,
    lifetime_ms: i64,
}

impl<'a> Pages<'a> {
    /// `filter` is whatever decides which items are listed; its debug form goes into the token.
    pub fn new(
        services: &'a Services,
        call: &'a Call,
        operation: &'static str,
        filter: &dyn std::fmt::Debug,
    ) -> Self {
        Self {
            services,
            call,
            operation,
            filter: format!("{filter:?}"),
            lifetime_ms: LIFETIME_MS,
        }
    }

    /// Tokens that are made from now on are good for so long.
    #[must_use]
    pub fn valid_for(self, lifetime_ms: i64) -> Self {
        Self {
            lifetime_ms,
            ..self
        }
    }

    /// The cursor that `token` stands for; `None` for the first page. An empty token, as forms
    /// have it for an absent one, is none.
    ///
    /// # Errors
    /// The service's own for a token that is not ours, expired, or of another call.
    pub fn open(&self, token: Option<&str>) -> Result<Option<String>, ApiError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        self.with_scope(|scope| {
            let tokens = &self.services.page_tokens;
            tokens.open(scope, token, self.call.now)
        })
        .map(Some)
        .ok_or_else(|| errors::invalid_next_token(self.call.dialect.service, token))
    }

    /// The token of the next page, if there is one.
    pub fn next(&self, cursor: Option<String>) -> Option<String> {
        cursor.map(|cursor| self.seal(&cursor))
    }

    pub fn seal(&self, cursor: &str) -> String {
        self.with_scope(|scope| {
            let tokens = &self.services.page_tokens;
            let expiry = self.call.now.saturating_add_ms(self.lifetime_ms);
            tokens.seal(scope, cursor, expiry)
        })
    }

    fn with_scope<T>(&self, with: impl FnOnce(PageScope<'_>) -> T) -> T {
        with(PageScope {
            operation: self.operation,
            tenant: &self.call.tenant,
            filter: &[&self.filter],
        })
    }
}
