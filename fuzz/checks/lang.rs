//! The parsers: what parses prints, and what is printed parses to the same tree.

use belfry_lang::filter_pattern::FilterPattern;
use belfry_lang::metric_math::SearchQuery;
use belfry_lang::{dashboard as dashboards, insights as queries, metric_math as math};

use super::two_texts;

/// The pattern on the first line, a message after it.
pub fn filter_pattern(data: &[u8]) {
    let Some((text, message)) = two_texts(data) else {
        return;
    };
    let Ok(pattern) = FilterPattern::parse(text) else {
        return;
    };
    // A printed pattern may be longer than a pattern is allowed to be.
    let printed = pattern.to_string();
    let again = FilterPattern::parse(&printed);
    if printed.chars().count() <= belfry_lang::filter_pattern::PATTERN_CHARACTERS_MAX {
        assert_eq!(again.as_ref(), Ok(&pattern), "{printed:?}");
    }

    let matches = pattern.matches(message);
    assert_eq!(pattern.extract(message).is_some(), matches);
    if let Ok(again) = again {
        assert_eq!(again.matches(message), matches, "{printed:?}");
    }
    // An index skips messages by these: one that matches must hold them.
    let literals = pattern.required_literals();
    let missing = literals
        .iter()
        .find(|list| !list.iter().any(|literal| message.contains(literal)));
    assert!(!matches || missing.is_none(), "{missing:?}");
}

pub fn insights(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(query) = queries::parse(text) {
        let printed = query.to_string();
        if printed.chars().count() <= queries::QUERY_CHARACTERS_MAX {
            assert_eq!(queries::parse(&printed), Ok(query), "{printed:?}");
        }
    }
}

pub fn metric_math(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = math::is_metrics_insights(text);
    if let Ok(expression) = math::parse(text) {
        let printed = expression.to_string();
        if printed.chars().count() <= math::EXPRESSION_CHARACTERS_MAX {
            assert_eq!(math::parse(&printed), Ok(expression), "{printed:?}");
        }
    }
}

pub fn metric_search(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(query) = SearchQuery::parse(text) {
        let printed = query.to_string();
        if printed.chars().count() <= math::SEARCH_CHARACTERS_MAX {
            assert_eq!(SearchQuery::parse(&printed), Ok(query), "{printed:?}");
        }
    }
}

pub fn dashboard(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = dashboards::validate(text);
    }
}
