//! [`Budget`]: how much a body may become.
//!
//! A structure takes hundreds of bytes in memory and as little as one in a body (`a0` in CBOR),
//! so that a limit on the body alone bounds nothing.

use std::cell::Cell;

use serde::de;

/// A full PutMetricData has 1,000 datums with 30 dimensions each, a full PutLogEvents 10,000
/// events.
const MAPS_MAX: u32 = 65_536;

/// A full PutMetricData has 1,000 datums with 150 values and counts each, and some 100,000
/// members.
const ELEMENTS_MAX: u32 = 1_048_576;

/// What is left for one body. What nobody asks for is passed over and costs nothing.
pub(super) struct Budget {
    maps_left: Cell<u32>,
    elements_left: Cell<u32>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            maps_left: Cell::new(MAPS_MAX),
            elements_left: Cell::new(ELEMENTS_MAX),
        }
    }
}

impl Budget {
    /// Once per structure or map.
    pub fn spend_map<E: de::Error>(&self) -> Result<(), E> {
        spend(&self.maps_left, "structures")
    }

    /// Once per list element and per member.
    pub fn spend_element<E: de::Error>(&self) -> Result<(), E> {
        spend(&self.elements_left, "elements")
    }
}

fn spend<E: de::Error>(left: &Cell<u32>, what: &str) -> Result<(), E> {
    match left.get().checked_sub(1) {
        Some(fewer) => {
            left.set(fewer);
            Ok(())
        }
        None => Err(E::custom(format_args!("the body has too many {what}"))),
    }
}
