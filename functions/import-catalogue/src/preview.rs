//! The preview of a file that the staff has uploaded: what an import would do, in the tables that its page shows. No book changes.

use sqlx::MySqlConnection;

use shared::{
    App,
    repo::{
        audit::{self, Deed},
        catalogue::{Foreseen, Landing, Preview},
        imports::{self, Import},
    },
    staff::{About, BookChange, Bookseller, MAX_PREVIEWED_ROWS},
};
use time::OffsetDateTime;

use crate::{
    BATCH, BATCH_WITHIN, Stop,
    bucket::{Download, Upload},
    currency, describe, encoding,
    format::{Line, Lines},
    note, with_retry,
};

/// New books that are shown, and changed ones.
const EACH: usize = 100;
/// Bytes of their texts, so that the page is small enough for a load balancer.
const MAX_SHOWN: usize = 100_000;

pub async fn preview(app: &App, upload: &Upload, sequencer: &str) -> anyhow::Result<()> {
    let file = upload.download().await?;
    let Some(mut import) = begin(app, upload, sequencer, &file).await? else {
        tracing::info!(key = upload.key(), "Upload was already previewed");
        return Ok(());
    };
    tracing::info!(import.id, "Preview started");
    let failure = match read_all(app, file, &mut import).await {
        Ok(()) => None,
        Err(Stop::File(reason)) => Some(reason),
        Err(Stop::Other(error)) => return Err(error),
    };
    app.database().write(async |c| imports::end(c, import.id, failure.as_deref()).await).await?;
    tracing::info!(import.id, counts = ?import.counts, failure, "Preview finished");
    Ok(())
}

/// Begins the preview and records who has uploaded the file; none if it was previewed before.
async fn begin(app: &App, upload: &Upload, sequencer: &str, file: &Download) -> anyhow::Result<Option<Import>> {
    let uploader = file.metadata.get(Bookseller::METADATA).and_then(|text| Bookseller::of_metadata(text));
    let now = OffsetDateTime::now_utc();
    let begin = async |c: &mut MySqlConnection| {
        let begun = imports::begin_preview(c, upload.key(), sequencer, &file.version).await?;
        let Some((import, is_first)) = begun else { return Ok(None) };
        if let Some(uploader) = uploader.as_ref().filter(|_| is_first) {
            let deed = Deed { action: "preview", about: About::Import(import.id), outcome: "done", detail: None };
            audit::note(c, uploader, deed, now).await?;
        }
        Ok::<_, sqlx::Error>(Some(import))
    };
    // With the time to remove what an earlier attempt has left.
    Ok(app.database().write_within(BATCH_WITHIN, begin).await?)
}

async fn read_all(app: &App, file: Download, import: &mut Import) -> Result<(), Stop> {
    let text = encoding::utf8(file.file, Some(&file.version.content_type)).map_err(Stop::File)?;
    let mut lines = Lines::read(text, currency()?).map_err(Stop::File)?;
    describe(app, import.id, &lines).await?;
    let (mut preview, mut shown) = (Preview::default(), Shown::default());
    loop {
        let batch: Vec<Line> = lines.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return describe(app, import.id, &lines).await.map_err(Stop::Other);
        }
        let rows: Vec<_> = batch.iter().filter_map(|line| Some((line.number, line.row.as_ref().ok()?))).collect();
        let stored = with_retry(app, async |c| preview.read(c, &rows).await).await?;
        let (landings, changes) = shown.choose(&rows, preview.put_all(stored, &rows));
        let before = import.clone();
        let noted = note(import, &batch, landings);
        if import.counts.rows() > MAX_PREVIEWED_ROWS {
            return Err(Stop::File(format!(
                "the file has more than {MAX_PREVIEWED_ROWS} rows; part it, or import it with the command, which has no preview"
            )));
        }
        let store = async |c: &mut MySqlConnection| {
            imports::note_changes(c, import.id, &changes).await?;
            noted.store(c, &before, import).await
        };
        with_retry(app, store).await?;
    }
}

/// How much is shown of a file so far.
#[derive(Default)]
struct Shown {
    new: usize,
    changed: usize,
    bytes: usize,
}

impl Shown {
    /// The effect of each row, and the changes that are shown, by their lines.
    fn choose<T>(&mut self, rows: &[(u32, T)], foreseen: Vec<Foreseen>) -> (Vec<Landing>, Vec<(u32, BookChange)>) {
        let mut changes = Vec::new();
        let landings = rows.iter().zip(foreseen).map(|((line, _), Foreseen { landing, change })| {
            changes.extend(change.and_then(|change| self.add(change)).map(|change| (*line, change)));
            landing
        });
        (landings.collect(), changes)
    }

    fn add(&mut self, change: BookChange) -> Option<BookChange> {
        let change = change.cut();
        let count = if change.is_new { &mut self.new } else { &mut self.changed };
        if *count == EACH || self.bytes + change.size() > MAX_SHOWN {
            return None;
        }
        *count += 1;
        self.bytes += change.size();
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use shared::staff::Difference;

    use super::*;

    #[test]
    fn a_page_shows_some_of_each_kind_and_no_more_than_a_load_balancer_takes() {
        let change = |is_new, length: usize| BookChange {
            reference: "a".to_owned(),
            title: "T".to_owned(),
            is_new,
            differences: vec![Difference { column: "title".to_owned(), before: None, after: Some("x".repeat(length)) }],
        };
        let mut shown = Shown::default();
        let count =
            |shown: &mut Shown, is_new, length| (0..1_000).filter_map(|_| shown.add(change(is_new, length))).count();
        assert_eq!((count(&mut shown, true, 9), count(&mut shown, false, 9)), (EACH, EACH));
        let mut shown = Shown::default();
        let long = change(true, 200).differences.remove(0);
        let wide = BookChange { differences: vec![long; 40], ..change(true, 0) };
        let few = (0..1_000).filter_map(|_| shown.add(wide.clone())).count();
        assert!((5..EACH).contains(&few) && shown.bytes <= MAX_SHOWN, "{few}");
    }
}
