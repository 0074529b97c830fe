//! The migrations are embedded at compile time: a new file must rebuild the package.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
