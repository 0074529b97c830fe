//! Segments: immutable objects that hold the events of one tenant, retention class and day.
//! The bytes are described in `docs/formats/log-segment.md`.
//!
//! | file | what |
//! |---|---|
//! | `layout` | footer, trailer, checksums |
//! | `builder` | from events in order to columns |
//! | `columns` | the values of one field while a segment is built |
//! | `index_parts` | the index of the columns |
//! | `rows_part` | the Parquet file of the columns |
//! | `rows_file` | that file inside its object, checked as it is read |
//! | `opened` | a segment that is read: footer, index and file metadata, cached |
//! | `scan` | which rows a scan wants, batch by batch |
//! | `time_pages` | which rows lie in a range of times, by the pages of the file |
//! | `run` | reading some rows of some columns |
//! | `output` | from the file's columns to those of a scan |
//! | `rebuild` | messages from shapes and columns |

pub mod builder;
pub mod columns;
mod index_parts;
pub mod layout;
pub mod opened;
pub mod output;
pub mod rebuild;
mod rows_file;
mod rows_part;
mod run;
pub mod scan;
mod time_pages;

pub(super) use rows_part::parquet_error;
