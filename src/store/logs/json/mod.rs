//! JSON as log messages carry it: taken apart without a tree, put together again byte for byte.
//!
//! | file | what |
//! |---|---|
//! | `walk` | one pass over a message: its shape and its scalar values |
//! | `path` | dotted paths of fields, and visitors that want them |
//! | `shape` | what a shape says: constant text, slots, paths |
//! | `value` | typed values that render back to exactly the text they were read from |
//! | `escape` | the two ways of escaping strings that can be undone and redone |
//! | `extract` | one discovered field of one message |

pub mod escape;
pub mod extract;
pub mod path;
pub mod shape;
pub mod value;
pub mod walk;
