//! The committed corpora of the fuzz targets, through the functions that are fuzzed with them.

use std::{fs, path::Path};

#[path = "fuzz/src/lib.rs"]
mod fuzz;

#[test]
fn every_file_of_a_corpus_is_taken_by_its_target() {
    for (name, target) in fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let files: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(!files.is_empty(), "{name} has no corpus");
        for bytes in &files {
            target(bytes);
        }
    }
}
