//! `/staff/books/{id}/files`: the cover and the sample chapter of a book, with the forms that upload others, and the page of a
//! checked upload.

use askama::Template;
use shared::{
    domain::{Book, Summary},
    presigned_form::PresignedForm,
    staff::AuditEntry,
    uploads::{
        BookFile, Cover, CoverFiles, MAX_BYTES, MAX_PAGES, MIN_WIDTH, Refusal, SampleFile, UploadKey, UploadKind,
    },
};

use super::staff::{PAGES, StaffNotice};
use crate::{Form, Markup, Place, View, assets, format, links, picture_of_cover, refused_file};

/// `/staff/books/{id}/files`, also for the status 409 of a removal.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_files.html")]
pub struct StaffFiles<'a> {
    pub view: View<'a>,
    pub book: &'a Book,
    pub cover_form: &'a PresignedForm,
    pub sample_form: &'a PresignedForm,
    /// The record of the book's changes by the staff, the newest first.
    pub log: &'a [AuditEntry],
    /// The rows of the record with the last changes of the cover and of the sample chapter, or 0.
    pub last_changes: [u64; 2],
    pub key: &'a str,
    pub notice: Option<StaffNotice<'a>>,
}

/// `/staff/books/{id}/files/{folder}/{upload}`, also for the statuses 409 and 422 of its form.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_upload.html")]
pub struct StaffUpload<'a> {
    pub view: View<'a>,
    pub book: &'a Book,
    pub upload: UploadKey,
    /// The tag of the uploaded file, for whose result the page waits; empty if it is unknown.
    pub etag: &'a str,
    /// The row of the record with the last change of such a file of the book, or 0.
    pub last_change: u64,
    pub state: UploadState<'a>,
    pub form: Form<'a>,
    pub key: &'a str,
    pub notice: Option<StaffNotice<'a>>,
}

/// The state of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState<'a> {
    Pending,
    /// There is no result, and none is to come: the upload has expired, or there never was one.
    Unknown,
    Refused(&'a Refusal),
    Cover(&'a CoverFiles),
    Sample(&'a SampleFile),
}

/// The version of the book's file of this kind, which forms bring back; empty without one.
fn version(book: &Book, kind: UploadKind, last_change: u64) -> String {
    let file = match kind {
        UploadKind::Cover => {
            book.summary.cover.as_ref().map(|cover| (cover.files.hash.as_str(), cover.credit.as_deref()))
        }
        UploadKind::Sample => book.sample.as_ref().map(|sample| (sample.hash.as_str(), None)),
    };
    BookFile::version(file, last_change)
}

impl View<'_> {
    /// "12 pages, 840 KB"
    fn size_of_sample(&self, sample: &SampleFile) -> String {
        let pages = self.count("pages-count", sample.pages);
        format!("{pages}, {}", format::bytes(self.locale, sample.bytes.into()))
    }
}

impl StaffFiles<'_> {
    fn summary(&self) -> &Summary {
        &self.book.summary
    }

    fn address(&self) -> String {
        format!("/staff/books/{}/files", self.summary().id)
    }

    fn version_of_cover(&self) -> String {
        version(self.book, UploadKind::Cover, self.last_changes[0])
    }

    fn version_of_sample(&self) -> String {
        version(self.book, UploadKind::Sample, self.last_changes[1])
    }

    fn size_of_cover(&self, cover: &Cover) -> String {
        let size = cover.files.widest();
        self.view.text_with("staff-cover-size", "size", format!("{} × {}", size.width, size.height))
    }

    fn help_for_covers(&self) -> String {
        let max = format::bytes(self.view.locale, MAX_BYTES as u64);
        self.view.locale.text_with("staff-cover-help", [("min", MIN_WIDTH.into()), ("max", max.into())])
    }

    fn help_for_samples(&self) -> String {
        let max = format::bytes(self.view.locale, MAX_BYTES as u64);
        self.view.locale.text_with("staff-sample-help", [("pages", MAX_PAGES.into()), ("max", max.into())])
    }
}

impl StaffUpload<'_> {
    fn files(&self) -> String {
        format!("/staff/books/{}/files", self.book.summary.id)
    }

    fn address(&self) -> String {
        format!("{}/{}", self.files(), self.upload.segments())
    }

    /// The address of this page, which waits for the same file.
    fn again(&self) -> String {
        match self.etag {
            "" => self.address(),
            etag => links::address(&self.address(), [("etag", etag)].into_iter()),
        }
    }

    fn version(&self) -> String {
        version(self.book, self.upload.kind, self.last_change)
    }

    /// The checked cover as the page of its book would show it.
    fn picture(&self, files: &CoverFiles) -> Markup {
        let title = self.book.summary.title.as_str();
        let label = self.view.text_with("cover-of", "title", title);
        picture_of_cover(&Cover { files: files.clone(), credit: None }, &label, Place::Checked)
    }

    fn reason(&self, refusal: &Refusal) -> String {
        refused_file::reason(self.view.locale, refusal)
    }
}
