//! `/staff/searches`: what was looked for and not found.

use frontend::{PageContext, pages::StaffSearches};
use shared::{App, Reply, Request, Result, repo::search_misses};

/// The most frequent ones that are shown. The database has some four thousand.
const SHOWN: u32 = 200;

pub async fn list(app: &App, request: &Request) -> Result<Reply> {
    let misses = app.database().read(async |c| search_misses::list(c, SHOWN).await).await?;
    let context = PageContext::of(request);
    context.reply(200, &StaffSearches { view: context.view(), misses: &misses })
}
