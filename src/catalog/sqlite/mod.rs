//! SQLite behind the catalog traits.
pub struct SqliteCatalog;
