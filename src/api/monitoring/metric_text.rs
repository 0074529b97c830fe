//! What the texts of a metric's identity may consist of (spec metrics.md 1): ASCII that can be
//! printed, with at least one character that is not blank. Lengths are declared constraints.

use belfry_wire::ApiError;
use belfry_wire::errors::monitoring::invalid_parameter_value;

/// For namespaces, names and values of dimensions.
pub fn is_valid(text: &str) -> bool {
    let mut has_mark = false;
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' => has_mark = true,
            b' ' => {}
            _ => return false,
        }
    }
    has_mark
}

pub fn is_valid_dimension_name(text: &str) -> bool {
    is_valid(text) && !text.starts_with(':')
}

/// # Errors
/// InvalidParameterValue that names `parameter`.
pub fn check(text: &str, parameter: &str) -> Result<(), ApiError> {
    if is_valid(text) {
        Ok(())
    } else {
        Err(refused(text, parameter))
    }
}

/// # Errors
/// As [`check`].
pub fn check_dimension_name(text: &str, parameter: &str) -> Result<(), ApiError> {
    if is_valid_dimension_name(text) {
        Ok(())
    } else {
        Err(refused(text, parameter))
    }
}

fn refused(text: &str, parameter: &str) -> ApiError {
    invalid_parameter_value(format!(
        "The value {text} for parameter {parameter} is invalid."
    ))
}

/// A namespace, which `reserved` says whether it may be the provider's.
///
/// # Errors
/// InvalidParameterValue; for the provider's with the observed text (spec metrics.md 1).
pub fn check_namespace(namespace: &str, allow_aws: bool) -> Result<(), ApiError> {
    check(namespace, "Namespace")?;
    if !allow_aws && namespace.starts_with("AWS/") {
        return Err(refused("AWS/", "Namespace"));
    }
    Ok(())
}

/// There are few, so that comparing each with each is cheapest.
pub fn has_duplicate_names(pairs: &[(&str, &str)]) -> bool {
    let mut rest = pairs;
    while let [(name, _), after @ ..] = rest {
        if after.iter().any(|(other, _)| other == name) {
            return true;
        }
        rest = after;
    }
    false
}
