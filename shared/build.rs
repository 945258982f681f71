//! Cargo does not know by itself that `sqlx::migrate!` reads a folder.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
