//! The pages of the staff about imports.

use askama::Template;
use shared::{
    presigned_form::PresignedForm,
    staff::{AuditEntry, BookChange, RowRemark, StaffImport},
};
use time::OffsetDateTime;

use super::staff::PAGES;
use crate::{View, assets};

/// `/staff/imports`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_imports.html")]
pub struct StaffImports<'a> {
    pub view: View<'a>,
    /// The form that sends a file to the bucket.
    pub form: &'a PresignedForm,
    pub imports: &'a [StaffImport],
    pub now: OffsetDateTime,
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// `/staff/imports/uploads/{id}`, until the preview has begun.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_uploaded.html")]
pub struct StaffUploaded<'a> {
    pub view: View<'a>,
}

/// `/staff/imports/{id}`, also for the status 409 of a form.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_import.html")]
pub struct StaffImportPage<'a> {
    pub view: View<'a>,
    pub import: &'a StaffImport,
    /// The changes of books that a preview shows, by lines.
    pub changes: &'a [(u32, BookChange)],
    /// The first refused rows.
    pub refused: &'a [RowRemark],
    /// The first cells that were left out.
    pub ignored: &'a [RowRemark],
    /// The import of the file of this preview.
    pub run: Option<&'a StaffImport>,
    /// Whether another import has changed books since this preview.
    pub has_changed_since: bool,
    pub now: OffsetDateTime,
    /// The record of its changes by the staff, the newest first.
    pub log: &'a [AuditEntry],
    pub key: &'a str,
    pub notice: Option<ImportNotice>,
}

/// Why the file of a preview is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportNotice {
    /// The bookseller has signed in again since.
    Expired,
    /// There is nothing to import.
    Nothing,
    /// The bucket has removed the file.
    Gone,
    /// Another file was uploaded with the same form since.
    Replaced,
}

impl ImportNotice {
    fn text(self, view: View) -> String {
        view.text(match self {
            Self::Expired => "staff-expired",
            Self::Nothing => "staff-import-nothing",
            Self::Gone => "staff-import-gone",
            Self::Replaced => "staff-import-replaced",
        })
    }
}

/// Names that both pages show.
impl View<'_> {
    /// The name of an import or a preview.
    fn import_name(&self, import: &StaffImport) -> String {
        let key = if import.is_preview { "staff-preview" } else { "staff-import" };
        self.text_with(key, "number", import.id.to_string())
    }

    /// How far it is.
    fn import_state(&self, import: &StaffImport, now: OffsetDateTime) -> String {
        let at_line = |key| self.text_with(key, "line", self.number(import.line));
        if import.is_running(now) {
            at_line("staff-import-running")
        } else if import.is_stuck(now) {
            at_line("staff-import-stuck")
        } else if import.failure.is_some() {
            self.text("staff-import-failed")
        } else if !import.is_preview {
            self.text("staff-import-done")
        } else if import.run_at.is_some() {
            self.text("staff-preview-run")
        } else {
            self.text("staff-preview-done")
        }
    }

    /// The numbers of rows by what they do.
    fn import_counts(&self, import: &StaffImport) -> Vec<String> {
        let counts = import.counts;
        let all = [
            self.count("staff-import-added", counts.added),
            self.count("staff-import-changed", counts.changed),
            self.count("staff-import-unchanged", counts.unchanged),
            self.count("staff-import-refused", counts.refused),
        ];
        all.into_iter()
            .chain((counts.warnings > 0).then(|| self.count("staff-import-ignored", counts.warnings)))
            .collect()
    }
}

impl StaffImportPage<'_> {
    /// After this time an import that was asked for can be asked for again.
    const PATIENCE: time::Duration = time::Duration::minutes(15);

    fn waits(&self) -> bool {
        let run = self.run.map_or(self.import.run_at.is_some(), |run| run.is_running(self.now));
        self.import.is_running(self.now) || run
    }

    /// The changes of new or of known books, by lines.
    fn of(&self, is_new: bool) -> Vec<&(u32, BookChange)> {
        self.changes.iter().filter(|(_, change)| change.is_new == is_new).collect()
    }

    /// Whether the form is shown that has the file imported.
    fn can_be_run(&self) -> bool {
        let is_asked = self.import.run_at.is_some_and(|at| self.now - at < Self::PATIENCE);
        self.import.can_be_run() && self.run.is_none() && !is_asked
    }

    /// How many of some are shown, if not all are.
    fn some(&self, shown: usize, all: u32) -> Option<String> {
        let is_part = u32::try_from(shown).is_ok_and(|shown| shown < all);
        is_part.then(|| self.view.count("staff-import-some", shown))
    }
}
