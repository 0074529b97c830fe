//! A running server as clients see it: what it takes, what it refuses and how, and what is left
//! after it was stopped.

mod bad_input;
mod departed;
mod http;
mod protocol;
mod same_answers;
mod scenario;
mod stop;
mod wire_samples;
mod xml;
