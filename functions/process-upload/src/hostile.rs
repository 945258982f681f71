//! Files that are refused, each with its reason, and their table in the documents.

use shared::uploads::Refusal;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/refused-files.md");

/// A file that is refused.
#[derive(Clone)]
pub struct Case {
    name: String,
    file: Vec<u8>,
    reason: Refusal,
}

impl Case {
    pub fn new(name: impl Into<String>, file: Vec<u8>, reason: Refusal) -> Self {
        Self { name: name.into(), file, reason }
    }

    fn row(&self) -> String {
        format!("| {} | {} |\n", self.name, self.reason)
    }
}

/// Refuses the file for its reason.
pub fn assert_refused<T>(case: &Case, check: fn(&[u8]) -> Result<T, Refusal>) {
    assert_eq!(check(&case.file).err().as_ref(), Some(&case.reason), "{}", case.name);
}

/// With `ANAQUEL_GOLDEN=write`, this test writes the table.
#[test]
fn the_table_of_refused_files_has_each_of_them_with_its_reason() {
    let [covers, samples] = [crate::cover::hostile(), crate::sample::hostile()];
    assert!(covers.len() + samples.len() >= 60, "{} files", covers.len() + samples.len());
    let table =
        |cases: &[Case]| "| file | reason |\n|---|---|\n".to_owned() + &cases.iter().map(Case::row).collect::<String>();
    let text = format!(
        "# Refused files\n\n\
         Each of these files is made by a test (`cargo bookstore test refused`), in which `process-upload` refuses it with \
         the reason beside it.\n\n\
         ## As a cover\n\n{}\n## As a sample chapter\n\n{}",
        table(&covers),
        table(&samples)
    );
    if std::env::var_os("ANAQUEL_GOLDEN").is_some_and(|golden| golden == "write") {
        std::fs::write(TABLE, &text).unwrap();
    }
    let written = std::fs::read_to_string(TABLE).unwrap_or_default();
    assert!(written == text, "docs/refused-files.md is not up to date: run this test with ANAQUEL_GOLDEN=write");
}
