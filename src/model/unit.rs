//! The 27 units of the StandardUnit enumeration (spec metrics.md 3).

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! units {
    ($($variant:ident = $code:literal $text:literal),* $(,)?) => {
        /// A unit. The numbers are written to disk: never change one.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[repr(u8)]
        pub enum Unit {
            $(#[serde(rename = $text)] $variant = $code),*
        }

        impl Unit {
            /// All units, in the order AWS lists them.
            pub const ALL: &'static [Unit] = &[$(Unit::$variant),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Unit::$variant => $text),* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Unit::$variant),)* _ => None }
            }

            /// The unit a stored number stands for.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Unit::$variant),)* _ => None }
            }

            pub const fn code(self) -> u8 {
                self as u8
            }
        }
    };
}

units! {
    Seconds = 1 "Seconds",
    Microseconds = 2 "Microseconds",
    Milliseconds = 3 "Milliseconds",
    Bytes = 4 "Bytes",
    Kilobytes = 5 "Kilobytes",
    Megabytes = 6 "Megabytes",
    Gigabytes = 7 "Gigabytes",
    Terabytes = 8 "Terabytes",
    Bits = 9 "Bits",
    Kilobits = 10 "Kilobits",
    Megabits = 11 "Megabits",
    Gigabits = 12 "Gigabits",
    Terabits = 13 "Terabits",
    Percent = 14 "Percent",
    Count = 15 "Count",
    BytesPerSecond = 16 "Bytes/Second",
    KilobytesPerSecond = 17 "Kilobytes/Second",
    MegabytesPerSecond = 18 "Megabytes/Second",
    GigabytesPerSecond = 19 "Gigabytes/Second",
    TerabytesPerSecond = 20 "Terabytes/Second",
    BitsPerSecond = 21 "Bits/Second",
    KilobitsPerSecond = 22 "Kilobits/Second",
    MegabitsPerSecond = 23 "Megabits/Second",
    GigabitsPerSecond = 24 "Gigabits/Second",
    TerabitsPerSecond = 25 "Terabits/Second",
    CountPerSecond = 26 "Count/Second",
    None = 27 "None",
}

impl Default for Unit {
    /// A datum without a unit is stored as `None`.
    fn default() -> Self {
        Self::None
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
