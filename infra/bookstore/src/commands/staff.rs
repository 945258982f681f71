//! `bookstore messages`, `reviews`, `visitors` and `searches`: commands for the staff. The database is private, so they invoke
//! `run-staff-task`, which needs an IAM permission.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use infra::stage::Stage;
use serde_json::json;
use shared::{
    domain::{BookId, VisitorId},
    staff::{
        ContactMessage, Period, RatingKey, ReviewFilter, SearchMiss, StaffAnswer, StaffRating, StaffRequest, StaffTask,
    },
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    arguments,
    aws::{AwsClients, connect_deployed},
    deploy::alias::ALIAS,
    output::{Report, confirm, counted, minute, plain},
};

const FUNCTION: &str = "run-staff-task";
/// Timeout while another command uses the function's only execution environment.
const TIMEOUT: Duration = Duration::from_mins(2);

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Messages {
    #[command(subcommand)]
    action: Option<MessageAction>,
    /// Only messages without an answer
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Subcommand)]
enum MessageAction {
    /// Mark a message as answered
    Answered {
        /// The number before the message
        #[arg(allow_negative_numbers = true, value_parser = arguments::id)]
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Mark an answered message as open again
    Reopen {
        /// The number before the message
        #[arg(allow_negative_numbers = true, value_parser = arguments::id)]
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Reviews {
    #[command(subcommand)]
    action: ReviewAction,
}

#[derive(Subcommand)]
enum ReviewAction {
    /// List reviews and ratings of all books, newest first
    List {
        /// Only hidden ones
        #[arg(long)]
        hidden: bool,
        /// Only those of this book
        #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = arguments::book)]
        book: Option<BookId>,
        /// Largest number of ratings to list
        #[arg(long, value_name = "N", default_value = "50", allow_hyphen_values = true, value_parser = arguments::limit)]
        limit: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Hide a review and remove its stars from the counts; that visitor cannot rate the book again
    Hide {
        /// The number before the rating in `reviews list`, its `id` in /api/books/{id}/ratings
        #[arg(allow_negative_numbers = true, value_parser = arguments::id)]
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Hide all reviews that a visitor sent, or that were sent within a period: give --visitor, or --since and --until
    HideAll {
        #[command(flatten)]
        filter: Filter,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show all reviews again that were hidden within a period, such as those of one `hide-all`
    UnhideAll {
        /// Only reviews hidden at this time or later, as `hide-all` prints it: 2026-01-02T03:00:00Z
        #[arg(long, value_name = "TIME", value_parser = moment)]
        hidden_since: OffsetDateTime,
        /// Only reviews hidden before this time; without it, until now
        #[arg(long, value_name = "TIME", value_parser = moment)]
        hidden_until: Option<OffsetDateTime>,
        #[command(flatten)]
        filter: Filter,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a hidden review again
    Unhide {
        /// The number before the rating in `reviews list --hidden`
        #[arg(allow_negative_numbers = true, value_parser = arguments::id)]
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

/// Which reviews `hide-all` and `unhide-all` change.
#[derive(Args)]
struct Filter {
    /// Only reviews of this visitor: the id that `messages` and `reviews` print, or the value of the cookie
    #[arg(long, value_name = "ID", value_parser = arguments::visitor)]
    visitor: Option<VisitorId>,
    /// Only reviews of the book with this id
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = arguments::book)]
    book: Option<BookId>,
    /// Only reviews sent at this time or later: 2026-01-02T03:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<OffsetDateTime>,
    /// Only reviews sent before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<OffsetDateTime>,
}

#[derive(Args)]
pub struct Visitors {
    #[command(subcommand)]
    action: VisitorAction,
}

#[derive(Subcommand)]
enum VisitorAction {
    /// Remove a visitor's ratings (and their counts) and messages; submissions that arrive later are rejected
    Erase {
        /// The id that `messages` and `reviews` print (a hash), or the value of the visitor's cookie
        #[arg(value_parser = arguments::visitor)]
        id: VisitorId,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Searches {
    /// Largest number of searches to list
    #[arg(long, value_name = "N", default_value = "50", allow_hyphen_values = true, value_parser = arguments::limit)]
    limit: u64,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Args)]
pub struct Whose {
    /// Stage of the shop
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
}

impl Whose {
    pub fn stage(&self) -> &str {
        &self.stage
    }
}

pub async fn messages(args: &Messages) -> Result<Report> {
    match &args.action {
        Some(MessageAction::Answered { id, whose }) => mark(whose, *id, StaffTask::MarkAnswered { message: *id }).await,
        Some(MessageAction::Reopen { id, whose }) => mark(whose, *id, StaffTask::ReopenMessage { message: *id }).await,
        None => list_messages(&args.whose, args.open).await,
    }
}

/// The message as it is after the task.
async fn mark(whose: &Whose, id: u64, task: StaffTask) -> Result<Report> {
    let StaffAnswer::Message(message) = ask(whose, task).await? else { bail!(UNEXPECTED_RESPONSE) };
    let message = message.with_context(|| format!("there is no message {id}"))?;
    Ok(Report::new(format_message(&message), json!({ "message": message })))
}

async fn list_messages(whose: &Whose, open: bool) -> Result<Report> {
    let staff = Staff::connect(whose).await?;
    let mut messages: Vec<ContactMessage> = Vec::new();
    loop {
        let before = messages.last().map(|message| message.id);
        let StaffAnswer::Messages(page) = staff.ask(StaffTask::ListMessages { open, before }).await? else {
            bail!(UNEXPECTED_RESPONSE);
        };
        if page.is_empty() {
            break;
        }
        messages.extend(page);
    }
    let none = if open { "Every message is answered." } else { "There are no messages." };
    Ok(Report::new(blocks(messages.iter().map(format_message), none), json!({ "messages": messages })))
}

/// Blocks of lines with an empty line between them.
fn blocks(blocks: impl Iterator<Item = String>, none: &str) -> String {
    let text = blocks.collect::<Vec<_>>().join("\n\n");
    if text.is_empty() { none.to_owned() } else { text }
}

pub async fn reviews(args: &Reviews) -> Result<Report> {
    let (whose, id, task) = match &args.action {
        ReviewAction::List { hidden, book, limit, whose } => {
            return list_reviews(whose, *hidden, *book, *limit).await;
        }
        ReviewAction::HideAll { filter, yes, whose } => {
            let filter = filter.to_hide()?;
            return change_all(whose, filter, *yes).await;
        }
        ReviewAction::UnhideAll { hidden_since, hidden_until, filter, yes, whose } => {
            let now = OffsetDateTime::now_utc();
            let hidden = period("--hidden", Some(*hidden_since), *hidden_until, now)?;
            return change_all(whose, ReviewFilter { hidden: Some(hidden), ..filter.parse(now)? }, *yes).await;
        }
        ReviewAction::Hide { id, whose } => (whose, id, StaffTask::HideReview { rating: *id }),
        ReviewAction::Unhide { id, whose } => (whose, id, StaffTask::UnhideReview { rating: *id }),
    };
    let StaffAnswer::Rating(rating) = ask(whose, task).await? else { bail!(UNEXPECTED_RESPONSE) };
    let rating = rating.with_context(|| format!("there is no rating {id}"))?;
    Ok(Report::new(format_rating(&rating), json!({ "rating": rating })))
}

impl Filter {
    /// # Errors
    /// It is so wide that it would hide nearly everything.
    fn to_hide(&self) -> Result<ReviewFilter> {
        let is_narrow = self.visitor.is_some() || (self.since.is_some() && self.until.is_some());
        ensure!(is_narrow, "give --visitor, or --since and --until: without them all reviews would be hidden");
        self.parse(OffsetDateTime::now_utc())
    }

    fn parse(&self, now: OffsetDateTime) -> Result<ReviewFilter> {
        let sent = period("-", self.since, self.until, now)?;
        Ok(ReviewFilter { visitor: self.visitor, book: self.book, sent, hidden: None })
    }
}

/// The time between two options, which are named `<prefix>-since` and `<prefix>-until`.
fn period(
    prefix: &str,
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<Period> {
    // Nothing was sent earlier or later, and MariaDB compares with no time that its type cannot hold.
    let first = OffsetDateTime::UNIX_EPOCH + time::Duration::DAY;
    let last = now + time::Duration::MINUTE;
    let period = Period {
        since: since.map_or(first, |since| since.max(first)),
        until: until.map_or(last, |until| until.min(last)),
    };
    ensure!(
        period.since < period.until,
        "{prefix}-since must be before {prefix}-until, or before now: {} is not before {}",
        rfc3339(period.since),
        rfc3339(period.until)
    );
    Ok(period)
}

/// Counts, asks, and repeats the task until no review is left, because each invocation changes some.
async fn change_all(whose: &Whose, filter: ReviewFilter, yes: bool) -> Result<Report> {
    let staff = Staff::connect(whose).await?;
    let StaffAnswer::Counted { ratings } = staff.ask(StaffTask::CountReviews(filter)).await? else {
        bail!(UNEXPECTED_RESPONSE)
    };
    let (question, done, key) =
        if filter.hidden.is_some() { ("Show", "shown again", "shown") } else { ("Hide", "hidden", "hidden") };
    if ratings == 0 {
        let text = format!("No review matches: nothing was {done}.");
        return Ok(Report::new(text, json!({ key: 0, "ratings": [] })));
    }
    let object = if ratings == 1 { "it" } else { "them" };
    outln!("{}.", matching(ratings));
    confirm(&format!("{question} {object}?"), yes, &format!("nothing was {done}"))?;
    let task = if filter.hidden.is_some() { StaffTask::UnhideReviews } else { StaffTask::HideReviews }(filter);
    let (mut all, mut began) = (Vec::new(), None);
    loop {
        let StaffAnswer::Changed { ratings, at, more } = staff.ask(task.clone()).await? else {
            bail!(UNEXPECTED_RESPONSE)
        };
        all.extend(ratings);
        began.get_or_insert(at);
        if !more {
            break;
        }
    }
    let began = began.map(rfc3339).unwrap_or_default();
    let undo = match filter.hidden {
        None => {
            let command = staff.command(&format!("reviews unhide-all --hidden-since {began}"));
            format!("\n`{command}` shows them again.")
        }
        Some(_) => String::new(),
    };
    let text = format!("{} {done}: {}.{undo}", counted(all.len(), "review"), some_of(&all));
    Ok(Report::new(text, json!({ key: all.len(), "ratings": all, "since": began })))
}

fn matching(ratings: usize) -> String {
    if ratings == 1 { "1 review matches".to_owned() } else { format!("{ratings} reviews match") }
}

/// Ids for a line; `--json` prints all.
fn some_of(ids: &[u64]) -> String {
    const FEW: usize = 20;
    let first = ids.iter().take(FEW).map(u64::to_string).collect::<Vec<_>>().join(", ");
    if ids.len() > FEW { format!("{first} and {} more (--json prints all)", ids.len() - FEW) } else { first }
}

/// In whole seconds, rounded down.
fn rfc3339(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

pub(super) fn moment(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "must be a time such as 2026-01-02T03:00:00Z".to_owned())
}

async fn list_reviews(whose: &Whose, hidden: bool, book: Option<BookId>, limit: u64) -> Result<Report> {
    let limit = usize::try_from(limit)?;
    let staff = Staff::connect(whose).await?;
    let mut ratings: Vec<StaffRating> = Vec::new();
    while ratings.len() < limit {
        let before = ratings.last().map(RatingKey::of);
        let StaffAnswer::Ratings(page) = staff.ask(StaffTask::ListRatings { hidden, book, before }).await? else {
            bail!(UNEXPECTED_RESPONSE);
        };
        if page.is_empty() {
            break;
        }
        ratings.extend(page);
    }
    ratings.truncate(limit);
    let none = match (hidden, book) {
        (true, None) => "No rating is hidden.",
        (true, Some(_)) => "No rating of this book is hidden.",
        (false, None) => "There are no ratings.",
        (false, Some(_)) => "This book has no ratings of the shop.",
    };
    Ok(Report::new(blocks(ratings.iter().map(format_rating), none), json!({ "ratings": ratings })))
}

pub async fn visitors(args: &Visitors) -> Result<Report> {
    let VisitorAction::Erase { id: visitor, yes, whose } = &args.action;
    let (visitor, id) = (*visitor, visitor.0);
    let staff = Staff::connect(whose).await?;
    if !yes {
        let StaffAnswer::Stored { ratings, messages, orders } = staff.ask(StaffTask::CountVisitor { visitor }).await?
        else {
            bail!(UNEXPECTED_RESPONSE)
        };
        outln!(
            "This erases visitor {id} for good: {} with their stars, {}, whatever arrives later from them, and who placed \
             their {}, of which books, amounts and dates stay.",
            counted(ratings, "rating"),
            counted(messages, "message"),
            counted(orders, "order")
        );
    }
    confirm("Erase this visitor?", *yes, "nothing was erased")?;
    let task = StaffTask::EraseVisitor { visitor };
    let StaffAnswer::Erased { ratings, messages, alerts, orders, open_orders } = staff.ask(task).await? else {
        bail!(UNEXPECTED_RESPONSE)
    };
    let number = |count: u32, what| counted(count as usize, what);
    let text = match (ratings, messages + alerts, orders + open_orders) {
        (0, 0, 0) => format!("There is no data of visitor {id}."),
        (_, _, 0) => {
            format!(
                "Erased for visitor {id}: {}, {}, {}.",
                number(ratings, "rating"),
                number(messages, "message"),
                number(alerts, "alert")
            )
        }
        _ => format!(
            "Erased for visitor {id}: {}, {}, {}, who placed {}; {} will follow when closed.",
            number(ratings, "rating"),
            number(messages, "message"),
            number(alerts, "alert"),
            number(orders, "order"),
            number(open_orders, "open order")
        ),
    };
    let result = json!({
        "visitor": id, "ratings": ratings, "messages": messages, "alerts": alerts, "orders": orders,
        "open_orders": open_orders,
    });
    Ok(Report::new(text, result))
}

pub async fn searches(args: &Searches) -> Result<Report> {
    let limit = usize::try_from(args.limit)?;
    let staff = Staff::connect(&args.whose).await?;
    let StaffAnswer::SearchMisses { misses, total } = staff.ask(StaffTask::ListSearchMisses { limit }).await? else {
        bail!(UNEXPECTED_RESPONSE)
    };
    Ok(Report::new(format_misses(&misses, total), json!({ "searches": misses, "total": total })))
}

fn format_misses(misses: &[SearchMiss], total: usize) -> String {
    if misses.is_empty() {
        return "Every search has found something.".to_owned();
    }
    let line = |SearchMiss { query, searches, last_at }: &SearchMiss| {
        format!("{searches:>6}  {}  {}", minute(*last_at), plain(query))
    };
    let mut lines: Vec<String> = misses.iter().map(line).collect();
    if misses.len() < total {
        lines.push(format!("The {} most frequent of {total}; --limit {total} lists all.", misses.len()));
    }
    lines.join("\n")
}

pub(super) const UNEXPECTED_RESPONSE: &str =
    "unexpected response of run-staff-task: the deployed version differs from this command; deploy again";

/// The function for staff tasks of a stage.
pub(super) struct Staff {
    stage: Stage,
    aws: AwsClients,
    caller: Option<String>,
}

impl Staff {
    pub(super) async fn connect(whose: &Whose) -> Result<Self> {
        let (stage, aws) = connect_deployed(&whose.stage).await?;
        let caller = Some(aws.caller().await.context("asking AWS who runs this command")?);
        Ok(Self { stage, aws, caller })
    }

    pub(super) async fn ask(&self, task: StaffTask) -> Result<StaffAnswer> {
        let request = StaffRequest { task, caller: self.caller.clone() };
        let name = self.stage.physical(FUNCTION);
        let answer = self.aws.invoke(&name, ALIAS, &serde_json::to_value(request)?, TIMEOUT).await?;
        match serde_json::from_value(answer).context(UNEXPECTED_RESPONSE)? {
            StaffAnswer::NoSuchBook(book) => bail!("there is no book {book} in the shop"),
            answer => Ok(answer),
        }
    }

    pub(super) fn command(&self, command: &str) -> String {
        self.stage.command(command)
    }
}

pub(super) async fn ask(whose: &Whose, task: StaffTask) -> Result<StaffAnswer> {
    Staff::connect(whose).await?.ask(task).await
}

fn format_message(message: &ContactMessage) -> String {
    let ContactMessage { id, name, email, subject, message: words, sent_at, answered_at, visitor, .. } = message;
    let state = answered_at.map_or("open".to_owned(), |at| format!("answered {}", minute(at)));
    let visitor = visitor.map(|visitor| format!("\n    visitor {}", visitor.0)).unwrap_or_default();
    format!(
        "{id}  {} <{}>  {}  {state}\n    {}{visitor}\n\n{}",
        plain(name),
        plain(email),
        minute(*sent_at),
        plain(subject),
        indented(words)
    )
}

fn format_rating(rating: &StaffRating) -> String {
    let StaffRating { id, book, title, visitor, stars, name, review, sent_at, hidden_at } = rating;
    let state = hidden_at.map_or("shown".to_owned(), |at| format!("hidden {}", minute(at)));
    let name = name.as_deref().map(|name| format!(" by {}", plain(name))).unwrap_or_default();
    let words = review.as_deref().map(|words| format!("\n\n{}", indented(words))).unwrap_or_default();
    format!(
        "{id}  {stars} of 5 stars for {} (book {book}){name}  {}  {state}\n    visitor {}{words}",
        plain(title),
        minute(*sent_at),
        visitor.0
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {}", plain(line))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_a_visitor_or_a_whole_period_chooses_reviews_to_hide() {
        let visitor = Some(VisitorId(Uuid::from_u128(7)));
        let early = Some(datetime!(2026-01-02 03:00 UTC));
        let late = Some(datetime!(2026-01-02 04:00 UTC));
        let future = Some(datetime!(2999-01-01 00:00 UTC));
        for (visitor, since, until, error) in [
            (visitor, None, None, None),
            (visitor, early, None, None),
            (None, early, late, None),
            (None, early, future, None),
            (None, None, None, Some("give --visitor, or --since and --until")),
            (None, early, None, Some("give --visitor, or --since and --until")),
            (None, None, late, Some("give --visitor, or --since and --until")),
            (None, late, early, Some("2026-01-02T04:00:00Z is not before 2026-01-02T03:00:00Z")),
            (None, late, late, Some("--since must be before --until")),
            (visitor, future, None, Some("before now: 2999-01-01T00:00:00Z is not before")),
        ] {
            let found = Filter { visitor, book: None, since, until }.to_hide();
            assert!(
                found.as_ref().is_ok_and(|filter| filter.sent.until < datetime!(2038-01-01 00:00 UTC))
                    || found.is_err()
            );
            let message = found.err().map(|error| error.to_string());
            assert!(message.is_some() == error.is_some(), "{since:?} {until:?}: {message:?}");
            assert!(error.is_none_or(|error| message.as_ref().unwrap().contains(error)), "{message:?}");
        }
    }

    #[test]
    fn numbers_of_reviews_have_their_plural_and_long_lists_are_cut() {
        assert_eq!((matching(1), matching(2)), ("1 review matches".to_owned(), "2 reviews match".to_owned()));
        assert_eq!(some_of(&[12, 13]), "12, 13");
        let many: Vec<u64> = (1..=22).collect();
        assert!(some_of(&many).ends_with("19, 20 and 2 more (--json prints all)"), "{}", some_of(&many));
    }

    #[test]
    fn a_part_of_the_searches_is_called_a_part() {
        let miss = SearchMiss { query: "zafon".into(), searches: 3, last_at: datetime!(2026-01-02 03:04:05 UTC) };
        let all = "     3  2026-01-02 03:04 UTC  zafon";
        for (total, expected) in
            [(1, all.to_owned()), (812, format!("{all}\nThe 1 most frequent of 812; --limit 812 lists all."))]
        {
            assert_eq!(format_misses(std::slice::from_ref(&miss), total), expected);
        }
        assert_eq!(format_misses(&[], 0), "Every search has found something.");
    }

    #[test]
    fn a_message_shows_who_wrote_it_and_cannot_steer_the_terminal() {
        let message = ContactMessage {
            id: 12,
            name: "Ana".into(),
            email: "ana@example.org".into(),
            subject: "Un libro\u{1b}[2J".into(),
            message: "Hola,\n¿lo tienen?".into(),
            language: None,
            sent_at: datetime!(2026-01-02 03:04:05 UTC),
            answered_at: None,
            visitor: None,
        };
        assert_eq!(
            format_message(&message),
            "12  Ana <ana@example.org>  2026-01-02 03:04 UTC  open\n    Un libro\\u{1b}[2J\n\n    Hola,\n    ¿lo tienen?"
        );
    }

    #[test]
    fn nothing_that_a_visitor_has_written_steers_the_terminal_or_looks_like_another_entry() {
        let at = datetime!(2026-01-02 03:04:05 UTC);
        for (hostile, shown) in [
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\r13  Eva", "a\\r13  Eva"),
            ("a\tb", "a\\tb"),
        ] {
            let message = ContactMessage {
                id: 12,
                name: hostile.into(),
                email: hostile.into(),
                subject: hostile.into(),
                message: hostile.into(),
                language: None,
                sent_at: at,
                answered_at: None,
                visitor: None,
            };
            let rating = StaffRating {
                id: 3,
                book: 53.into(),
                title: hostile.into(),
                visitor: VisitorId(Uuid::from_u128(7)),
                stars: 1,
                name: Some(hostile.into()),
                review: Some(hostile.into()),
                sent_at: at,
                hidden_at: None,
            };
            for (text, fields) in [(format_message(&message), 4), (format_rating(&rating), 3)] {
                assert_eq!(text.matches(shown).count(), fields, "{text:?}");
                assert!(!text.contains(hostile), "{text:?}");
            }
        }
    }

    #[test]
    fn a_rating_shows_its_visitor_so_that_all_of_theirs_can_be_erased() {
        let visitor = VisitorId(Uuid::from_u128(7));
        let rating = StaffRating {
            id: 3,
            book: 53.into(),
            title: "El túnel".into(),
            visitor,
            stars: 1,
            name: Some("Troll".into()),
            review: None,
            sent_at: datetime!(2026-01-02 03:04:05 UTC),
            hidden_at: Some(datetime!(2026-01-03 00:00:00 UTC)),
        };
        assert_eq!(
            format_rating(&rating),
            "3  1 of 5 stars for El túnel (book 53) by Troll  2026-01-02 03:04 UTC  hidden 2026-01-03 00:00 UTC\n    \
             visitor 00000000-0000-0000-0000-000000000007"
        );
    }
}
