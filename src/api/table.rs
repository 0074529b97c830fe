//! All operations by service and name.

use std::collections::HashMap;
use std::sync::LazyLock;

use belfry_wire::Service;

use crate::operation::Handler;
use crate::{logs, monitoring, sns, sts};

/// Every operation this server offers.
pub fn all() -> impl Iterator<Item = &'static dyn Handler> {
    [
        monitoring::OPERATIONS,
        logs::OPERATIONS,
        sns::OPERATIONS,
        sts::OPERATIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The operation of that exact, case-sensitive name; `None` if it is not offered.
pub fn find(service: Service, name: &str) -> Option<&'static dyn Handler> {
    static BY_NAME: LazyLock<HashMap<(Service, &'static str), &'static dyn Handler>> =
        LazyLock::new(|| all().map(|op| ((op.service(), op.name()), op)).collect());
    BY_NAME.get(&(service, name)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offered_operation_exists_in_aws() {
        for operation in all() {
            assert!(
                belfry_wire::operations::find(operation.service(), operation.name()).is_some(),
                "{}",
                operation.name()
            );
            assert!(find(operation.service(), operation.name()).is_some());
        }
    }
}
